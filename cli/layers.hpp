#pragma once

// All layers, in their order, merged into the one Profile.
//
// Lowest first: base (built in), /etc/redoubtful/config.yaml, the user's config.yaml, the chosen
// profiles from left to right, the user's own file for this project (`redoubtful allow` writes it),
// the command line. A document's `extends` come before it, depth
// first, each document once, wherever it is named again.
//
// Later scalars win. Lists append; `path` is the exception in place, not in kind: a later layer's
// directories are put in front of an earlier one's. No layer takes anything out of a list, so no
// layer removes a deny. `arguments` of a layer count only when the command is one that the layer
// (or, when it claims none, what it extends) claims: -u claude bash does not hand claude's flags to
// bash.
//
// A project's own .redoubtful.yaml is written by the agent: it counts only as the user accepted it
// (project_trust.hpp), and is then the layer nearest to the command line. What the project needs by
// the look of it comes from fixed lists (project_look.hpp), before the user's file for it.

#include <optional>
#include <string>
#include <vector>

#include "cli/layer.hpp"
#include "cli/places.hpp"
#include "cli/project_look.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

struct Selection {
  std::vector<std::string> use;      // -u, from left to right
  Layer flags;                       // the command line, the last layer
  std::vector<std::string> command;  // selects a profile when `use` is empty
  std::string directory;             // where the command will run; absolute, or empty when unknown
};

struct Composition {
  Profile profile;
  // What was chosen or ignored without being asked, one line each, for the person at the terminal.
  std::vector<std::string> notices;
  std::optional<ProjectLook> look;  // where a profile asked for one
};

// Errors: kInvalidProfile, kInvalidHost, kNotYet with the place; kMissingProgram when the built-in
// base is not installed.
Result<Composition> compose(const Places& places, const Selection& selection);

// Adds one layer on top. `argument_commands`: the commands for which its arguments are meant.
void apply_layer(Profile& profile, const Layer& layer, const std::vector<std::string>& command,
                 const std::vector<Sourced<std::string>>& argument_commands);

}  // namespace redoubtful::cli
