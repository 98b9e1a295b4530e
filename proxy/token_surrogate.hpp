#pragma once

// The stand-in for a JSON web token: a token that every client can read and no server accepts.
// [trusted core]
//
// Clients look into their own tokens: when does it expire, who am I? So the surrogate's header and
// payload are JSON with the real one's algorithm and those registered claims that say who and where
// (they are no secret: whoever has a surrogate has an account's name). Of OpenAI's own claim the
// members that say who stay as well. Every other claim is left out; `exp` is far away, for what
// expires is refreshed outside. The signature is random, and so is a claim `jti` where there is
// room. The length is that of the real token.
//
// Source: RFC 7515, section 3.1 (compact form); RFC 7519, section 4.1 (registered claims); RFC 8693
// and 9068 (scope, client_id).

#include <optional>
#include <string>
#include <string_view>

namespace redoubtful::proxy {

// Nothing when `real` is no such token.
std::optional<std::string> token_surrogate(std::string_view real);

}  // namespace redoubtful::proxy
