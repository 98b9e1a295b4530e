#include "common/file.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/text.hpp"

namespace redoubtful {

Result<UniqueFd> open_resolved(int directory, const std::string& path, int flags,
                               std::uint64_t resolve_flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve_flags;
  int fd = -1;
  // EAGAIN: a rename elsewhere raced with the walk; the kernel asks to be asked again.
  for (int tries = 0; tries < 100; ++tries) {
    fd = static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  if (fd < 0) return Error::system_call("cannot open " + quoted(path), errno);
  return UniqueFd(fd);
}

Result<UniqueFd> open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  return open_resolved(directory, path, flags,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, mode);
}

Result<std::string> read_file(int fd, std::size_t max_bytes) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::system_call("cannot stat the open file", errno);
  if (!S_ISREG(info.st_mode)) return Error(Errc::kInvalidProfile, "not a regular file");
  // What to expect, not a promise: a file may grow, and those of /proc say 0. One byte more than
  // is expected tells the end from a longer file without another round.
  constexpr std::size_t kUnknown = 4096;
  const auto said = info.st_size > 0 ? static_cast<std::size_t>(info.st_size) : kUnknown;
  std::string bytes(std::min(said, max_bytes) + 1, '\0');
  std::size_t used = 0;
  for (;;) {
    const ssize_t got = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::system_call("cannot read", errno);
    used += static_cast<std::size_t>(got);
    if (got == 0) break;
    if (used > max_bytes) {
      return Error(Errc::kInvalidProfile, "longer than " + std::to_string(max_bytes) + " bytes");
    }
    if (used == bytes.size()) bytes.resize(std::min(2 * used, max_bytes + 1));
  }
  bytes.resize(used);
  return bytes;
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  auto fd = open_resolved(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
  if (!fd) return std::move(fd).error();
  auto bytes = read_file(fd->get(), max_bytes);
  if (!bytes) return std::move(bytes).error().during(quoted(path));
  return bytes;
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Error::system_call("cannot write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> replace_file(int directory, const std::string& name, std::string_view bytes,
                          mode_t mode, Durability durability) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
    return Error::system_call("cannot read random bytes", errno);
  }
  const std::string temporary = ".redoubtful-" + std::to_string(random);
  const int raw = ::openat(directory, temporary.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (raw < 0) return Error::system_call("cannot create a file beside " + quoted(name), errno);
  UniqueFd fd(raw);
  const auto fail = [&](Error error) -> Result<void> {
    ::unlinkat(directory, temporary.c_str(), 0);
    return std::move(error).during("writing " + quoted(name));
  };
  // The creation mode went through the umask; the caller's choice is exact.
  if (::fchmod(fd.get(), mode) != 0) return fail(Error::system_call("cannot set the mode", errno));
  if (auto written = write_all(fd.get(), bytes); !written) return fail(std::move(written).error());
  if (durability == Durability::kFlushed && ::fsync(fd.get()) != 0)
    return fail(Error::system_call("cannot flush", errno));
  if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    return fail(Error::system_call("cannot rename", errno));
  }
  return {};
}

}  // namespace redoubtful
