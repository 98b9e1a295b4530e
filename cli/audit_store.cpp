#include "cli/audit_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <tuple>

#include "cli/places.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kNamedInErrors = 5;
// "20251127T142011Z": what sorts a session's name by its start.
constexpr std::size_t kStampBytes = 16;

std::string directory_of(const std::string& state) { return state + "/audit"; }

std::string file_of(const std::string& session) { return session + std::string(kSuffix); }

std::vector<std::string> sessions_in(int directory) {
  std::vector<std::string> names;
  UniqueFd fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fd ? ::fdopendir(fd.get()) : nullptr,
                                                   ::closedir);
  if (!stream) return names;
  static_cast<void>(fd.release());
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string_view name(entry->d_name);
    if (name.starts_with('.') || !name.ends_with(kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

UniqueFd open_for_reading(int directory, const std::string& session) {
  UniqueFd fd(::openat(directory, file_of(session).c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (fd && (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))) return {};
  return fd;
}

UniqueFd open_logs(const std::string& state) {
  return UniqueFd(
      ::open(directory_of(state).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Those of one second follow each other by what was written last.
std::vector<std::string> by_age(int directory) {
  std::vector<std::tuple<std::string, std::int64_t, std::string>> keyed;
  for (auto& name : sessions_in(directory)) {
    struct stat info {};
    ::fstatat(directory, file_of(name).c_str(), &info, AT_SYMLINK_NOFOLLOW);
    const std::int64_t nanoseconds = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
    keyed.emplace_back(name.substr(0, kStampBytes), nanoseconds, name);
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::string> out;
  out.reserve(keyed.size());
  for (auto& [stamp, written, name] : keyed) out.push_back(std::move(name));
  return out;
}

std::string newest_of(const std::vector<std::string>& sessions) {
  std::string out;
  for (std::size_t i = 0; i < std::min(sessions.size(), kNamedInErrors); ++i) {
    out += (i == 0 ? "" : ", ") + shown(sessions[sessions.size() - 1 - i]);
  }
  return out;
}

Result<std::string> choose(const std::vector<std::string>& sessions, const std::string& wanted) {
  if (sessions.empty()) {
    return Error(Errc::kInvalidProfile, "there is no audit log yet")
        .hint("a run with a filtered network, the default, writes one");
  }
  if (wanted.empty()) return sessions.back();
  if (std::find(sessions.begin(), sessions.end(), wanted) != sessions.end()) return wanted;
  std::vector<std::string> like;
  std::copy_if(sessions.begin(), sessions.end(), std::back_inserter(like),
               [&](const std::string& name) { return name.starts_with(wanted); });
  if (like.size() == 1) return like.front();
  if (like.empty()) {
    return Error(Errc::kInvalidProfile, "there is no audit log of a session " + quoted(wanted, 80))
        .hint("the newest sessions are " + newest_of(sessions));
  }
  return Error(Errc::kInvalidProfile, std::to_string(like.size()) + " sessions begin with " +
                                          quoted(wanted, 80) + ": " + newest_of(like) +
                                          (like.size() > kNamedInErrors ? " …" : ""));
}

}  // namespace

Result<UniqueFd> open_audit_log(const std::string& state, const std::string& session) {
  auto directory = open_private_directory(directory_of(state));
  if (!directory) return std::move(directory).error().during("opening the audit log");
  UniqueFd log(::openat(directory->get(), file_of(session).c_str(),
                        O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!log) return Error::system_call("cannot make the audit log " + session, errno);
  // Without a lock (a file system that has none) the session merely looks as if it were over.
  static_cast<void>(::flock(log.get(), LOCK_EX | LOCK_NB));
  return log;
}

Result<void> append_undone(const std::string& state, const std::string& session,
                           const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  const UniqueFd directory = open_logs(state);
  const UniqueFd fd(directory ? ::openat(directory.get(), file_of(session).c_str(),
                                         O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                              : -1);
  if (!fd) return {};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  char stamp[40];
  const std::size_t size = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(stamp + size, sizeof stamp - size, ".%03ldZ", now.tv_nsec / 1'000'000);
  std::string text;
  for (const auto& line : lines) {
    text +=
        boost::json::serialize(boost::json::object{
            {"event", "undo"}, {"time", stamp}, {"session", session}, {"detail", shown(line)}}) +
        "\n";
  }
  return write_all(fd.get(), text);
}

void remove_old_audit_logs(const std::string& state) {
  const UniqueFd directory = open_logs(state);
  if (!directory) return;
  const auto sessions = sessions_in(directory.get());
  if (sessions.size() <= kKeptAuditLogs) return;
  const auto old = static_cast<std::ptrdiff_t>(sessions.size() - kKeptAuditLogs);
  std::for_each(sessions.begin(), sessions.begin() + old, [&](const std::string& session) {
    const UniqueFd log = open_for_reading(directory.get(), session);
    if (log && ::flock(log.get(), LOCK_EX | LOCK_NB) != 0) return;  // it is still written to
    ::unlinkat(directory.get(), file_of(session).c_str(), 0);
  });
}

std::vector<std::string> audit_sessions(const std::string& state) {
  const UniqueFd directory = open_logs(state);
  return directory ? by_age(directory.get()) : std::vector<std::string>();
}

Result<StoredAuditLog> find_audit_log(const std::string& state, const std::string& wanted) {
  const UniqueFd directory = open_logs(state);
  const auto sessions = directory ? by_age(directory.get()) : std::vector<std::string>();
  auto session = choose(sessions, wanted);
  if (!session) return std::move(session).error();
  StoredAuditLog out{*std::move(session), sessions.size(), {}};
  out.fd = open_for_reading(directory.get(), out.session);
  if (!out.fd) return Error::system_call("cannot read the audit log " + shown(out.session), errno);
  return out;
}

bool is_being_written(int fd) {
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(fd, LOCK_UN);
  return false;
}

}  // namespace redoubtful::cli
