#pragma once

// `credentials` of a configuration (configuration.hpp), and the two values that all of it has in
// common. Faults are added to the document's. [trusted core]

#include <optional>
#include <vector>

#include "common/host.hpp"
#include "common/profile.hpp"
#include "proxy/json_reader.hpp"

namespace redoubtful::proxy {

std::vector<CredentialProfile> read_credentials(const JsonNode& node);

Origin read_origin(const JsonNode& node);
std::optional<Host> read_host(const JsonNode& node);

}  // namespace redoubtful::proxy
