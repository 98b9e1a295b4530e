#pragma once

// Makes the worthless stand-in for a secret: same prefix, length and alphabet. [trusted core]
//
// Programs that check a key's format accept it, and the proxy recognises it anywhere: its tail is
// random, at least 64 bits of it, and unique for the session. The length is always the same, so
// that no message changes its own when one is put in the other's place.
//
// A JSON web token stays one (token_surrogate.hpp), an AWS key id stays a key id. Not for login
// files as a whole.

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/secret.hpp"

namespace redoubtful::proxy {

// Letters become letters of the same case, digits digits, everything else stays; of a well-known
// prefix ("sk-ant-api03-", "ghp_" …) every byte stays.
// Errors: kInvalidSecret for one with too little to vary (under 64 bits) to be told from other
// text, or that repeats a few characters.
Result<std::string> make_surrogate(const Secret& secret);

// Replaces the secret by its surrogate wherever it stands in the text; false: it does not.
bool hide_secret(std::string& text, const Secret& secret, std::string_view surrogate);

}  // namespace redoubtful::proxy
