#pragma once

// Mount points inside a persistent home.
//
// The home is a directory of ours that the agent writes. What is mounted into it needs mount points
// there, and they must not stay, or the next run's agent finds empty stubs. They are recorded
// before they are made, so that a run that was killed is tidied up by the next one; and they are
// removed only by the last run that uses the home, for removing one detaches the mount in every
// other box.

#include <string>
#include <vector>

#include "cli/mount_plan.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

class HomeMounts {
 public:
  // Makes the mount points that `plan` needs in `home` (the real directory outside) and that are
  // not there. Nothing in it is followed: a link in the way is an error. Errors: kInvalidMount,
  // kSystemCall.
  static Result<HomeMounts> prepare(const std::string& home, const MountPlan& plan);

  HomeMounts() noexcept = default;
  HomeMounts(HomeMounts&&) noexcept = default;
  HomeMounts& operator=(HomeMounts&&) noexcept = default;
  // Removes them if no other run uses this home.
  ~HomeMounts();

 private:
  UniqueFd home_;
  UniqueFd record_;
};

}  // namespace redoubtful::cli
