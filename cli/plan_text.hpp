#pragma once

// `--dry-run`: what would be mounted, set, allowed and started, as text. Pure.

#include <string>
#include <vector>

#include "cli/mount_attach.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Values of variables are not shown, only names: they may be secrets that the user passes.
std::string plan_text(const MountPlan& plan, const std::vector<Overlay>& overlays,
                      const Profile& profile, const std::vector<std::string>& environment,
                      const std::vector<std::string>& command);

}  // namespace redoubtful::cli
