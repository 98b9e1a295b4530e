#pragma once

// `redoubtful allow`: the one-line remedy that refusals print. Adds a rule to the user's own
// configuration, for one project or in a profile; it holds from the next run on.
//
// Never from inside a box: there the file would be another one, and the agent would believe it had
// been heard.

#include <string>

#include "cli/places.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct AllowRequest {
  std::string rule;
  std::string profile;    // -u, a name; empty: the project at `directory`
  std::string directory;  // absolute, or empty when it no longer exists
};

// What was written where, or where it was allowed already; for standard output. Files are replaced
// whole or not at all. Errors: kInvalidHost; kInvalidProfile: a deny or ask overrules it, another
// rule of the file would lose its meaning, or the file is not one that can be edited.
Result<std::string> allow(const Places& places, const AllowRequest& request);

}  // namespace redoubtful::cli
