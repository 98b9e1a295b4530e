#pragma once

// The private home directories, one per project, that outlive a run.
//
// A home lies in our state directory under its project's key (project.hpp). What is in it was
// written by an agent, so nothing outside follows a link in it, and its own permissions may be
// anything. Beside it lies "<key>.project" with the project's path, which the agent cannot reach.

#include <string>

#include "cli/places.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// Where the home of the project at `real_project_path` (a worktree's top, or the current directory)
// is, or would be.
std::string home_path_for(const Places& places, const std::string& real_project_path);

// The same, made if it is missing: a directory of ours with mode 0700, never reached through a
// link. A run that uses it holds a lock on "<home>.mounts" (home_mounts.hpp), which `home reset`
// respects. Errors: kSystemCall; kInvalidMount when the place belongs to somebody else.
Result<std::string> home_directory_for(const Places& places, const std::string& real_project_path);

// What the commands print. `directory`: absolute, not necessarily real; empty: it no longer exists.
Result<std::string> list_homes(const Places& places);
Result<std::string> show_home_path(const Places& places, const std::string& directory);

// Deletes the home called `name`, or that of the project at `directory` when `name` is empty.
// Errors: kInvalidMount: there is no such home, or a run is using it.
Result<std::string> reset_home(const Places& places, const std::string& directory,
                               const std::string& name);

}  // namespace redoubtful::cli
