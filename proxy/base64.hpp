#pragma once

// Base64 in both alphabets, strictly: what is decoded encodes to the same text again.
//
// Two readers of one text must not see different things, so stray bits behind the last byte,
// missing or superfluous padding and foreign bytes are all refused. Source: RFC 4648, section 3.5.

#include <optional>
#include <string>
#include <string_view>

namespace redoubtful::proxy {

enum class Base64 {
  kStandard,  // '+' and '/', with padding
  kUrl,       // '-' and '_', without
};

std::string to_base64(std::string_view bytes, Base64 form);
std::optional<std::string> from_base64(std::string_view text, Base64 form);

}  // namespace redoubtful::proxy
