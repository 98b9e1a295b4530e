#pragma once

// Ties the units that look into mounted trees (tree_scan, hidden_paths, guard_snapshot,
// guard_watch) to the mount plan: one scan of each tree the user brought, the overlays that follow
// from it, the watch while the box runs, and the comparison at its end.
//
// Lifetime: from before the box is built until every process of it is gone.

#include <memory>
#include <string>
#include <vector>

#include "cli/guard_snapshot.hpp"
#include "cli/mount_attach.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

class BoxGuards {
 public:
  // Errors: kInvalidProfile and kInvalidMount from the units named above.
  static Result<BoxGuards> prepare(const MountPlan& plan, const FilesystemProfile& profile);

  BoxGuards(BoxGuards&&) noexcept;
  BoxGuards& operator=(BoxGuards&&) noexcept;
  ~BoxGuards();

  // For the attacher, in the order in which they must be laid.
  const std::vector<Overlay>& overlays() const;
  // A line each, for the person, before the run.
  const std::vector<std::string>& warnings() const;

  // Begins to watch for files that the host replaces under an overlay. Errors: kSystemCall.
  Result<void> watch();
  // Readable when something was replaced; -1 before watch().
  int watch_fd() const;
  // Lays the overlays concerned again, in the box whose outer namespaces belong to `outer` and
  // whose first process is `first` (pids outside). Errors: kSystemCall; the run must then end, for
  // something hidden or guarded is open.
  Result<void> lay_again(pid_t outer, pid_t first);

  // GuardSnapshot::check_at_exit(), when no process of the box is left.
  Result<GuardReport> check_at_exit(const std::string& undone);

 private:
  struct State;
  explicit BoxGuards(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubtful::cli
