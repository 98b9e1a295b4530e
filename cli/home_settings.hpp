#pragma once

// Puts the settings files of the profile (settings_merge.hpp) where the program in the box looks
// for them: into the private home, before the run.
//
// The home is the agent's to write, so nothing in it is followed: a link in the way is an error,
// one in the file's own place is replaced. What a mount of the user's covers is left alone: then
// the program has the user's own file, as asked for.

#include <string>
#include <vector>

#include "cli/mount_plan.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

struct HomeSettings {
  const std::vector<SettingsFile>* settings = nullptr;
  const HostFacts* facts = nullptr;
  const std::vector<std::string>* environment = nullptr;  // of the box, NAME=VALUE
};

// A persistent home is written to; for a fresh one, steps are added to the plan. Returns lines for
// the person: which of the user's files could not be used, and why. Errors: kInvalidMount,
// kSystemCall.
Result<std::vector<std::string>> put_settings(const HomeSettings& request, MountPlan& plan);

// Does a mount of the user's, or a file of ours, lie over this path below the home directory?
bool is_laid_over(const MountPlan& plan, const std::string& path);

}  // namespace redoubtful::cli
