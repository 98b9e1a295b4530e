#pragma once

// What the user forbade and allowed Claude Code by its own settings, as a layer of a profile.
//
// Of the user's file alone (~/.claude/settings.json): a project's is the agent's to write.
// `sandbox.network.allowedDomains` and `deniedDomains` become allow and deny; what may not be read
// (`permissions.deny: [Read(...)]`, `sandbox.filesystem.denyRead`) becomes `hide`, where it names
// something of the project: what lies elsewhere is not shown anyway.
//
// Source: Claude Code's documentation, "Settings", "Sandboxing" and "Permissions" (Read rules
// follow gitignore: //abs, ~/home, /from the settings' directory, ./ and plain from the current
// one).

#include <string>
#include <string_view>
#include <vector>

#include "cli/layer.hpp"

namespace redoubtful::cli {

struct ClaudeSettings {
  Layer layer;
  std::vector<std::string> notes;  // what could not be taken over, a line each
};

// `file`: as messages show it. What is no JSON object gives an empty layer and a note.
ClaudeSettings claude_settings(std::string_view json, const std::string& file);

}  // namespace redoubtful::cli
