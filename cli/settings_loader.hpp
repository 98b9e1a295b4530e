#pragma once

// `filesystem.settings` of a YAML document: which of a program's settings files are put in order
// before a run, what is kept of the user's own, and what is set.

#include <vector>

#include "cli/yaml_reader.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// The list below `settings`. Errors: kInvalidProfile, with the place: a file that is not ~/..., or
// none of .json, .jsonc, .toml, .yaml, .yml; a `keep` that such a file cannot have; a `default`
// or `set` that is no JSON object.
Result<void> read_settings(const Document& document, const YamlNode& node,
                           std::vector<SettingsFile>& out);

}  // namespace redoubtful::cli
