#pragma once

// What a look at the project, and at the user's own settings of the agent, adds to a profile that
// asks for it (`look_at_project: true`): layers, and the lines that say so.

#include <optional>
#include <string>
#include <vector>

#include "cli/claude_settings.hpp"
#include "cli/layer.hpp"
#include "cli/places.hpp"
#include "cli/project_look.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// Allow rules for the known forges that the remotes name.
Layer forge_layer(const ProjectLook& look);

// "the project names node (package.json), github.com (remote origin)"; empty: it names nothing.
std::string seen_line(const ProjectLook& look);

// A line for each other host of a remote's that `network` does not allow, with the remedy.
std::vector<std::string> unknown_lines(const ProjectLook& look, const NetworkProfile& network);

// The glob of `hide` that means the file `name` of a project (and those of its name further down,
// for one at the top).
std::string hide_glob(std::string_view name);

// ~/.claude/settings.json as a layer; none when absent.
std::optional<ClaudeSettings> users_claude_settings(const Places& places);

// The line that names files which look like secrets and are neither hidden nor were named before in
// this project; remembers them. Empty: nothing new. Errors: kSystemCall.
Result<std::string> name_secrets_once(const Places& places, const std::string& project,
                                      const std::vector<std::string>& files,
                                      const std::vector<Sourced<std::string>>& hide);

}  // namespace redoubtful::cli
