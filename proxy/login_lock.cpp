#include "proxy/login_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

using Clock = std::chrono::steady_clock;

void pause_a_little() {
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 25'000'000};
  ::nanosleep(&kPause, nullptr);
}

Error held_by_another(const std::string& what) {
  return Error::system_call("somebody else renews this login, and holds " + quoted(what),
                            ETIMEDOUT);
}

Result<void> flock_until(int fd, const std::string& what, Clock::time_point deadline) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return Error::system_call("cannot lock " + quoted(what), errno);
    }
    if (Clock::now() >= deadline) return held_by_another(what);
    pause_a_little();
  }
  return {};
}

bool is_stale(const std::string& directory) {
  struct stat facts {};
  timespec now{};
  if (::stat(directory.c_str(), &facts) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) {
    return false;
  }
  return now.tv_sec - facts.st_mtim.tv_sec > kLockIsStale.count();
}

bool nobody_can(int error) {
  return error == EACCES || error == EPERM || error == EROFS || error == ENOENT;
}

// True: made, and ours. False: nobody could.
Result<bool> make_lock(const std::string& directory, Clock::time_point deadline) {
  while (::mkdir(directory.c_str(), 0755) != 0) {
    if (nobody_can(errno)) return false;
    if (errno != EEXIST) return Error::system_call("cannot make " + quoted(directory), errno);
    if (is_stale(directory) && ::rmdir(directory.c_str()) == 0) continue;
    if (Clock::now() >= deadline) return held_by_another(directory);
    pause_a_little();
  }
  return true;
}

}  // namespace

std::vector<std::string> claude_locks(const std::string& file) {
  const std::string directory = file.substr(0, file.rfind('/'));
  return {directory + "/.oauth_refresh.lock", directory + ".lock"};
}

Result<UniqueFd> lock_directory(const std::string& directory, std::chrono::milliseconds patience) {
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Error::system_call("cannot open " + quoted(directory), errno);
  auto locked = flock_until(fd.get(), directory, Clock::now() + patience);
  if (!locked) return std::move(locked).error();
  return fd;
}

ProgramLock::~ProgramLock() {
  while (!directories_.empty()) {
    ::rmdir(directories_.back().c_str());
    directories_.pop_back();
  }
}

Result<ProgramLock> ProgramLock::take(LoginLock kind, const std::string& file,
                                      std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  ProgramLock out;
  if (kind == LoginLock::kClaude) {
    for (auto& directory : claude_locks(file)) {
      auto made = make_lock(directory, deadline);
      if (!made) return std::move(made).error();
      if (*made) out.directories_.push_back(std::move(directory));
    }
  }
  if (kind == LoginLock::kCodex) {
    const std::string path = file + ".lock";
    out.file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out.file_ && nobody_can(errno)) return out;
    if (!out.file_) return Error::system_call("cannot open " + quoted(path), errno);
    auto locked = flock_until(out.file_.get(), path, deadline);
    if (!locked) return std::move(locked).error();
  }
  return out;
}

void ProgramLock::beat() const noexcept {
  for (const auto& directory : directories_) {
    ::utimensat(AT_FDCWD, directory.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  }
}

}  // namespace redoubtful::proxy
