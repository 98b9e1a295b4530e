#pragma once

// Looks into JSON web tokens, of one's own account: nothing is verified. [trusted core]
//
// Source: RFC 7515, section 3.1 (compact form).

#include <boost/json/value.hpp>
#include <optional>
#include <string_view>

namespace redoubtful::proxy {

// The object that is written in base64url; nothing for anything else. In erasing memory.
std::optional<boost::json::value> web_token_part(std::string_view part);

// The claims of "header.payload.signature"; nothing when `token` is no such token.
std::optional<boost::json::value> web_token_claims(std::string_view token);

}  // namespace redoubtful::proxy
