#pragma once

// Writes a real value where its surrogate stood. The only code that puts one into a request.
// [trusted core]

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "proxy/scrub_patterns.hpp"

namespace redoubtful::proxy {

// How the value is spelled in the text around it, so that it cannot end its own field.
enum class Notation {
  kPlain,    // a header field, a part of a multipart body
  kPercent,  // a query, a form; Source: application/x-www-form-urlencoded, URL Standard
  kJson,     // between the quotes of a JSON text
  kCookie,   // nothing is escaped there: a value with ';' or a space is not written at all
};

// The text with every occurrence of `surrogate` replaced; nothing when there is none.
std::optional<std::string> placed(std::string_view text, std::string_view surrogate,
                                  const Secret& secret, Notation notation);

// The same for one part of a list (a query's or a form's value, a cookie). With kPercent also where
// it is written with more encoding than it needs: then all of it is written anew.
std::optional<std::string> placed_part(std::string_view text, std::string_view surrogate,
                                       const Secret& secret, Notation notation);

// "Bearer {}" with the value in the place of {}.
std::string attached(std::string_view pattern, const Secret& secret);

// For text that comes in pieces: a Scrubber with these writes the value in the surrogate's place,
// as it is and as JSON escapes it. The views need not outlive the call.
struct StreamValue {
  std::string_view surrogate;
  const Secret* secret = nullptr;  // null: it is found, and stays
};
std::shared_ptr<const ScrubPatterns> placing_patterns(const std::vector<StreamValue>& values);

// Does a text keep its length when the value takes the surrogate's place, whatever the notation?
bool keeps_length(std::string_view surrogate, const Secret& secret);

}  // namespace redoubtful::proxy
