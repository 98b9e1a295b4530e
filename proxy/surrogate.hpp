#pragma once

// Makes the worthless stand-in for a secret: same prefix, length and alphabet. [trusted core]
//
// Programs that check a key's format accept it, and the proxy recognises it anywhere: its tail is
// random, from the kernel, at least 80 bits of it, and unique for the session.
//
// Not for: AWS key ids, JSON web tokens and login files, which have structure of their own.

#include <string>

#include "common/error.hpp"
#include "common/secret.hpp"

namespace redoubtful::proxy {

// Letters become letters of the same case, digits digits, everything else stays; of a well-known
// prefix ("sk-ant-api03-", "ghp_" …) every byte stays.
// Errors: kInvalidSecret for one with too little to vary (under 80 bits) to be told from other
// text.
Result<std::string> make_surrogate(const Secret& secret);

}  // namespace redoubtful::proxy
