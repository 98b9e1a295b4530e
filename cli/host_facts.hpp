#pragma once

// Asks the machine what the plan needs to know. The only unit of the planning side with effects: it
// reads the environment, the password file and the file tree, and it makes what `create: true` asks
// for and the private home.

#include <string>
#include <vector>

#include "cli/mount_plan.hpp"
#include "cli/places.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

struct CollectedFacts {
  HostFacts facts;
  Places places;
  std::vector<std::string> environment;  // NAME=VALUE, as inherited
  std::vector<std::string> warnings;     // a line each
};

// Whether directories may be made on the host: those of `create: true`, and the private home.
enum class Making { kAllowed, kNothing };

// `directory`: where to run; empty: the current directory. Errors: kInvalidMount when it is gone,
// or when the way to it (as asked for, or as $PWD has it) goes through a link that a box could have
// written; kInvalidProfile for a HOME that is none; kSystemCall.
Result<CollectedFacts> collect_host_facts(const Profile& profile, const std::string& directory,
                                          Making making);

// Directories that boxes may write, for all later runs: a link found below one of them is never
// followed (written_roots of HostFacts). Appends what is new. Errors: kSystemCall.
Result<void> remember_written(const Places& places, const MountPlan& plan);

}  // namespace redoubtful::cli
