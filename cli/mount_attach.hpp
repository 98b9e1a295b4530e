#pragma once

// Carries out a mount plan, by descriptor, in the mount namespace of the child that becomes the
// box.
//
// Why not leave it to bwrap: bwrap takes paths, and a link that an earlier run left in a home or a
// project would make it create and mount wherever that link leads; and it is quadratic in its own
// list. Here every source is opened without following anything and must be the inode that was
// planned, every target is walked component by component, and nothing is ever created in a
// directory of the host: a mount point that does not exist there is an error.
//
// The whole view is assembled on one file system at kStagingRoot; bwrap then makes it the root with
// a single recursive bind.

#include <string>
#include <vector>

#include "cli/mount_plan.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// Exists on every system, and bwrap itself mounts over it and moves away again.
inline constexpr const char* kStagingRoot = "/tmp";

// Inside the box.
inline constexpr const char* kInitPath = "/run/redoubtful/init";
inline constexpr const char* kMaskFile = "/run/redoubtful/hidden-file";
inline constexpr const char* kMaskDirectory = "/run/redoubtful/hidden-directory";

// What is laid over a path inside a mounted tree.
enum class OverlayKind {
  kPin,       // bound onto itself, as writable as before: it can no longer be renamed or removed
  kReadOnly,  // bound onto itself, read-only
  kMask,      // covered by something that nobody may read
};

struct Overlay {
  std::string mount;  // target of the step whose tree this lies in
  std::string path;   // relative to it
  OverlayKind kind = OverlayKind::kPin;
};

// Returns descriptors for writing to the files whose text comes later, in the order of their steps:
// the box, whose view of them is read-only, can be finished while that text is not known yet.
// Errors: kInvalidMount where a source changed since it was planned or a mount point is missing;
// kSystemCall. Precondition: enter_box_namespaces() has succeeded in this process.
// Source: open_tree(2), move_mount(2), mount_setattr(2) (Linux 5.12), fsopen(2).
Result<std::vector<UniqueFd>> attach_mounts(const MountPlan& plan,
                                            const std::vector<Overlay>& overlays,
                                            const std::string& init_program);

// Device nodes that bwrap binds from the host's /dev into the box, and that belong to this user (as
// root: all of them). Through the bind the agent could chmod or touch the host's own inode; here
// each is bound onto itself read-only in this mount namespace, which bwrap's bind then copies.
// Writing to the device goes on. Descriptors 0-2 on /dev/null are opened again for the same
// reason. Errors: kSystemCall. Precondition: as for attach_mounts().
Result<void> shield_device_nodes();

// Lays one overlay again, after the host replaced the file under it. `root` is the box's root
// directory, opened in its mount namespace, in which the caller must be. A path that is covered
// still is left as it is.
Result<void> attach_overlay_again(int root, const Overlay& overlay);

}  // namespace redoubtful::cli
