#pragma once

// The kernel's newer mount calls, which take descriptors in place of paths, as this program uses
// them. Source: open_tree(2), mount_setattr(2) (Linux 5.12), move_mount(2), fsopen(2).

#include <linux/mount.h>

#include <cstdint>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// What every mount of a box has.
inline constexpr std::uint64_t kSafeMount = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

enum class Depth { kThisMount, kAllBelow };

// A copy of the mount at `fd`, attached nowhere yet. Errors: kSystemCall, as for all of these.
Result<UniqueFd> clone_tree(int fd, Depth depth = Depth::kAllBelow);

// MOUNT_ATTR_*; `flags`: AT_RECURSIVE or nothing.
Result<void> set_mount_attributes(int tree, std::uint64_t attributes, unsigned flags);

// Attaches a tree, copied or made, over the file or directory `target`.
Result<void> attach_mount(int tree, int target);

// Attached nowhere yet. `mode`: of its root, octal.
Result<UniqueFd> make_tmpfs(const char* mode);

}  // namespace redoubtful::cli
