#include "proxy/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxBytes = 1024 * 1024;  // login files have a few KiB
constexpr mode_t kOpenToOthers = 066;

}  // namespace

Result<std::string> read_secret_file(const std::string& path, FilePrivacy privacy) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return Error::system_call("cannot read " + quoted(path), errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) {
    return Error::system_call("cannot read " + quoted(path), errno);
  }
  if (!S_ISREG(facts.st_mode)) {
    return Error(Errc::kInvalidSecret, quoted(path) + " is not a regular file");
  }
  if (facts.st_uid != ::getuid() && facts.st_uid != 0) {
    return Error(Errc::kInvalidSecret, quoted(path) + " belongs to somebody else")
        .hint("whoever owns it chooses what is sent; use a file of your own");
  }
  if (privacy == FilePrivacy::kOwnerOnly && (facts.st_mode & kOpenToOthers) != 0) {
    return Error(Errc::kInvalidSecret, quoted(path) + " may be read or written by others")
        .hint("chmod 600 " + shown(path));
  }
  auto content = read_file(file.get(), kMaxBytes);
  if (!content) {
    return Error(Errc::kInvalidSecret, quoted(path) + ": " + std::move(content).error().what());
  }
  return content;
}

}  // namespace redoubtful::proxy
