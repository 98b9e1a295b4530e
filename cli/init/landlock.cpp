#include "cli/init/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace redoubtful::cli::init {
namespace {

// Newer than the headers of Debian 12. Source: include/uapi/linux/landlock.h of Linux 6.12.
constexpr std::uint64_t kTruncate = 1ULL << 14U;
constexpr std::uint64_t kScopeAbstractUnixSocket = 1ULL << 0U;
constexpr std::uint64_t kScopeSignal = 1ULL << 1U;

struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

constexpr std::uint64_t kFileRights = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kDirectoryRights =
    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
    LANDLOCK_ACCESS_FS_REFER;

int create_ruleset(const void* attributes, std::size_t size, std::uint32_t flags) {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, attributes, size, flags));
}

bool allow_beneath(int ruleset, const char* path, std::uint64_t file_rights) {
  const int fd = ::open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat info {};
  landlock_path_beneath_attr rule{};
  rule.parent_fd = fd;
  rule.allowed_access = file_rights;
  bool ok = ::fstat(fd, &info) == 0;
  if (ok && S_ISDIR(info.st_mode)) rule.allowed_access |= kDirectoryRights;
  ok = ok && ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return ok;
}

}  // namespace

LandlockResult prepare_landlock(char* const* writable, std::uint32_t count, int& ruleset,
                                void (*missing)(std::uint32_t index, int error)) {
  const int abi = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  // ABI 1 refuses every move between directories, which breaks git and every package manager.
  if (abi < 2) return LandlockResult::kUnsupported;
  const std::uint64_t file_rights = kFileRights | (abi >= 3 ? kTruncate : 0);
  RulesetAttributes attributes{};
  attributes.handled_access_fs = file_rights | kDirectoryRights;
  if (abi >= 6) attributes.scoped = kScopeAbstractUnixSocket | kScopeSignal;
  const std::size_t size = abi >= 6 ? sizeof attributes : sizeof attributes.handled_access_fs;
  ruleset = create_ruleset(&attributes, size, 0);
  if (ruleset < 0) return LandlockResult::kFailed;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!allow_beneath(ruleset, writable[i], file_rights)) missing(i, errno);
  }
  return LandlockResult::kReady;
}

bool enter_landlock(int ruleset) { return ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0; }

}  // namespace redoubtful::cli::init
