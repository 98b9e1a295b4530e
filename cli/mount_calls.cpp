#include "cli/mount_calls.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace redoubtful::cli {

Result<UniqueFd> clone_tree(int fd, Depth depth) {
  const unsigned recursive = depth == Depth::kAllBelow ? AT_RECURSIVE : 0;
  UniqueFd tree(static_cast<int>(::syscall(
      SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive)));
  if (!tree) return Error::system_call("cannot copy the mount (open_tree)", errno);
  return tree;
}

Result<void> set_mount_attributes(int tree, std::uint64_t attributes, unsigned flags) {
  mount_attr change{};
  change.attr_set = attributes;
  if (::syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, &change, sizeof change) != 0) {
    return Error::system_call("cannot restrict the mount (mount_setattr)", errno);
  }
  return {};
}

Result<void> attach_mount(int tree, int target) {
  if (::syscall(SYS_move_mount, tree, "", target, "",
                MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return Error::system_call("cannot attach the mount (move_mount)", errno);
  }
  return {};
}

Result<UniqueFd> make_tmpfs(const char* mode) {
  const UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context) return Error::system_call("cannot make a tmpfs (fsopen)", errno);
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "source", "redoubtful", 0) != 0 ||
      ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", mode, 0) != 0 ||
      ::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return Error::system_call("cannot make a tmpfs (fsconfig)", errno);
  }
  UniqueFd tree(
      static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, kSafeMount)));
  if (!tree) return Error::system_call("cannot make a tmpfs (fsmount)", errno);
  return tree;
}

}  // namespace redoubtful::cli
