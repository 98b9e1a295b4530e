#include "proxy/standalone_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxConfigBytes = 8 * 1024 * 1024;
constexpr std::size_t kMaxTokenBytes = 4096;

// What a path of the command line leads to is the user's to mend.
Error wrong_file(std::string_view option, const std::string& path, std::string_view why) {
  return Error(Errc::kInvalidProfile,
               std::string(option) + " " + quoted(path) + ": " + std::string(why));
}

Error wrong_file(std::string_view option, const std::string& path, int error) {
  return wrong_file(option, path, std::string_view(::strerrordesc_np(error)));
}

// The directory and the last component of a path.
struct Place {
  UniqueFd directory;
  std::string name;
};

Result<Place> place_of(std::string_view option, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  Place place;
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (place.name.empty() || place.name == "." || place.name == "..") {
    return wrong_file(option, path, EISDIR);
  }
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  place.directory = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.directory) return wrong_file(option, path, errno);
  return place;
}

// To its end, and nothing of it kept when it is too long. Errors: an errno.
int read_all(int fd, std::string& out, std::size_t max_bytes) {
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    out.append(buffer.data(), static_cast<std::size_t>(got));
    if (out.size() > max_bytes) return EFBIG;
  }
}

}  // namespace

Result<std::string> read_config(const std::string& path) {
  constexpr std::string_view kOption = "--config";
  UniqueFd file;
  if (path != "-") {
    file = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
      const int error = errno;
      auto wrong = wrong_file(kOption, path, error);
      // Nobody may look into /proc/self of a process that is not dumpable, itself included.
      if (error == EACCES && (path.starts_with("/dev/") || path.starts_with("/proc/"))) {
        return std::move(wrong).hint("write it to standard input, and --config -");
      }
      if (error != ENOENT) return wrong;
      return std::move(wrong).hint("redoubtful show --json [run's options] prints one");
    }
  }
  std::string text;
  const int error = read_all(file ? file.get() : STDIN_FILENO, text, kMaxConfigBytes);
  if (error != 0) return wrong_file(kOption, path, error);
  return text;
}

Result<AccessToken> read_or_make_token(const std::string& path) {
  constexpr std::string_view kOption = "--token-file";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && errno == ENOENT) {
    AccessToken made = AccessToken::random();
    auto written = write_for_clients(kOption, path, made.text() + "\n", 0600);
    if (!written) return std::move(written).error();
    return made;
  }
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return wrong_file(kOption, path, errno);
  if (!S_ISREG(facts.st_mode)) return wrong_file(kOption, path, "not a regular file");
  if ((facts.st_mode & 077) != 0) {
    return wrong_file(kOption, path, "others may read it").hint("chmod 600 " + shown(path));
  }
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
    return wrong_file(kOption, path, "it belongs to another user")
        .hint("chown " + std::to_string(::geteuid()) + " " + shown(path));
  }
  std::string text;
  if (const int error = read_all(file.get(), text, kMaxTokenBytes); error != 0) {
    return wrong_file(kOption, path, error);
  }
  auto token = AccessToken::take(std::move(text));
  if (token) return token;
  return std::move(token)
      .error()
      .during(std::string(kOption) + " " + quoted(path))
      .hint("remove the file, and a good one is made");
}

Result<void> write_for_clients(std::string_view option, const std::string& path,
                               std::string_view bytes, mode_t mode) {
  auto place = place_of(option, path);
  if (!place) return std::move(place).error();
  auto written = replace_file(place->directory.get(), place->name, bytes, mode);
  if (written) return {};
  const bool mounted = written.error().system_errno() == EBUSY;
  auto wrong = wrong_file(option, path, written.error().what());
  if (!mounted) return wrong;
  return std::move(wrong).hint("a mounted file cannot be replaced: mount its directory");
}

Result<UniqueFd> open_audit(const std::string& path) {
  if (path == "-") {
    UniqueFd out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!out) return Error::system_call("--audit: there is no standard output", errno);
    return out;
  }
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600));
  if (!file) return wrong_file("--audit", path, errno);
  return file;
}

std::vector<control::NamedValue> take_environment() {
  std::vector<control::NamedValue> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      out.push_back({std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
    }
    ::explicit_bzero(*entry, text.size());
  }
  ::clearenv();
  return out;
}

}  // namespace redoubtful::proxy
