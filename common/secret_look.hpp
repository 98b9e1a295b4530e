#pragma once

// Does a value look like a secret? For files of the user's that a box is shown in part.
//
// A guess, on the safe side: by the leaf's name (token, password, key …), and by the value's look
// (a known prefix, or long and without order). What is no such thing to look at (a four-digit
// number under a name that says nothing) would pass; a name that says "id" before a UUID, and a
// date, are known for what they are.

#include <span>
#include <string>
#include <string_view>

namespace redoubtful {

// How the keys of known services begin, longer ones first.
std::span<const std::string_view> known_secret_prefixes() noexcept;

// Does it begin as the keys of a known service do?
bool has_known_prefix(std::string_view text);

// "AKIA" or "ASIA" and 16 of base32. Source: IAM User Guide, "IAM identifiers".
bool is_aws_key_id(std::string_view text);

// Could the leaf `key`: `value` be a secret? `key`: the innermost name.
bool looks_secret(std::string_view key, std::string_view value);

// ASCII letters in lower case.
std::string lower_case(std::string_view text);

}  // namespace redoubtful
