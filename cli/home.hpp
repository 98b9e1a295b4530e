#pragma once

// The private home directories, one per project, that outlive a run.
//
// A home lies in our state directory under "<name>-<hash of the project's real path>": the name is
// for people, the hash tells projects apart. What is in it was written by an agent, so nothing
// outside follows a link in it, and its own permissions may be anything. Beside it lies
// "<name>-<hash>.project" with the project's path, which the agent cannot reach.
//
// The hash is the first 16 digits of a name-based UUID (SHA-1, RFC 4122), because Boost is linked
// already and the CLI has no OpenSSL. It only tells apart the paths of one user's own projects;
// finding a path that lands in a given other home would take a second preimage of 60 bits.

#include <string>

#include "cli/places.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// The project that `real_directory` (absolute, without links) belongs to: the nearest directory
// from there upwards that holds .git or .jj, but neither $HOME nor anything above it; else the
// directory.
std::string project_of(const std::string& real_directory, const Places& places);

enum class Missing { kLeave, kCreate };

// Where the home of the project at `real_project_path` is. With kCreate it is there afterwards, a
// directory of ours with mode 0700, never reached through a link.
// Errors: kSystemCall; kInvalidMount when the place belongs to somebody else.
Result<std::string> home_directory_for(const Places& places, const std::string& real_project_path,
                                       Missing missing);

// The same, kept from `home reset` as long as `hold` is open (a shared flock(2)). Runs of one
// project may share its home.
struct HeldHome {
  std::string path;
  UniqueFd hold;
};
Result<HeldHome> hold_home(const Places& places, const std::string& real_project_path);

// What the commands print. `directory`: absolute, not necessarily real; empty: it no longer exists.
Result<std::string> list_homes(const Places& places);
Result<std::string> show_home_path(const Places& places, const std::string& directory);

// Deletes the home called `name`, or that of the project at `directory` when `name` is empty.
// Errors: kInvalidMount: there is no such home, or a run is using it.
Result<std::string> reset_home(const Places& places, const std::string& directory,
                               const std::string& name);

}  // namespace redoubtful::cli
