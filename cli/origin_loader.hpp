#pragma once

// `network.origins`, `network.ca` and `network.proxy` of a YAML document: where the proxy goes
// instead of where a name leads, and what it trusts on the way.

#include <string>
#include <string_view>
#include <vector>

#include "cli/yaml_reader.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// The mapping below `origins`. Errors: kInvalidProfile, kInvalidHost, with the place.
Result<void> read_origins(const Document& document, const YamlNode& node,
                          std::vector<OriginOverride>& out);

// "127.0.0.1", "127.0.0.1:8443", "::1", "[::1]", "[::1]:8443"; returned as written, but an IPv6
// address always in brackets. Errors: kInvalidProfile.
Result<std::string> parse_dial_address(std::string_view text);

// "https://HOST[:PORT][/PREFIX]". Errors: kInvalidProfile.
Result<std::string> parse_gateway(std::string_view text);

// "http://HOST:PORT", or nothing for none at all. Userinfo is refused: a profile is no place for a
// password. Errors: kInvalidProfile.
Result<std::string> parse_outer_proxy(std::string_view text);

}  // namespace redoubtful::cli
