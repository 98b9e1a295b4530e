#pragma once

// Which project a directory belongs to, and the name that everything kept for it goes by.
//
// A project is the top of a working tree, or the directory itself where there is none. Its key is
// "<name>-<hash of its real path>": the name is for people, the hash tells projects apart. The hash
// is the first 16 digits of a name-based UUID (SHA-1, RFC 4122), because Boost is linked already
// and the CLI has no OpenSSL. It only tells apart the paths of one user's own projects; finding a
// path that lands on a given other key would take a second preimage of 60 bits.

#include <string>
#include <string_view>

#include "cli/places.hpp"
#include "cli/worktree.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// The real path of the project at `directory` (absolute; empty: it no longer exists), as a run
// finds it. Errors: kInvalidMount.
Result<std::string> find_project(const Places& places, const std::string& directory);

// The same with the repository that belongs to it.
Result<Worktree> find_project_worktree(const Places& places, const std::string& directory);

std::string project_key(const std::string& real_project_path);
bool is_project_key(std::string_view name);

// What `redoubtful allow` writes, and every run in the project obeys.
std::string project_config_path(const Places& places, const std::string& real_project_path);

}  // namespace redoubtful::cli
