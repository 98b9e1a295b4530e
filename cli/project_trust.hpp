#pragma once

// The project's own profile, .redoubtful.yaml, and what the user accepted of it.
//
// The agent can write it, so it counts only when its content is, byte for byte, what
// `redoubtful trust` was run on: a copy of that lies in our state directory, out of every box's
// reach. A changed file is as good as none until it is looked at again.

#include <optional>
#include <string>

#include "cli/places.hpp"
#include "cli/profile_store.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct ProjectProfile {
  std::string path;                     // of the file in the project
  std::optional<std::string> content;   // none: it could not be read (too long, no regular file)
  std::optional<std::string> accepted;  // the copy; none: it never was
  bool trusted() const { return content && content == accepted; }
};

// The nearest one from `directory` up to the top of its checkout; none: there is none.
std::optional<ProjectProfile> find_project_profile(const std::string& directory,
                                                   const Places& places);

// Why it grants nothing, and what to do; for one that is not trusted.
std::string ignored_line(const ProjectProfile& profile, const Places& places);

// `redoubtful trust`: shows what accepting it changes, asks where there is a terminal, and keeps
// the copy. Errors: kInvalidProfile: there is no such file, or it is no right profile; kSystemCall.
Result<int> trust(const Places& places, const std::string& directory);

// Lines that are gone, with "-" in front, and new ones, with "+"; equal ones with a blank. Safe for
// a terminal.
std::string difference(const std::string& before, const std::string& after);

}  // namespace redoubtful::cli
