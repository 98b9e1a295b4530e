#pragma once

// The lists `allow`, `deny` and `ask` of a profile, in their short and their mapping form.

#include <vector>

#include "cli/yaml_reader.hpp"
#include "common/host.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Appends to `out`. Errors also for a rule that another one of the same list makes pointless, and
// for a restriction that could not be enforced (methods of a tunnel) or would mean its opposite
// (`methods: []`).
Result<void> read_host_rules(const Document& document, const YamlNode& node, HostRule::List list,
                             std::vector<Sourced<HostRule>>& out);

}  // namespace redoubtful::cli
