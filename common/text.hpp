#pragma once

// Small text helpers that every part needs: printing bytes we do not trust, and naming the nearest
// word somebody may have meant.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace redoubtful {

// `bytes` between double quotes, safe for a terminal and a log: control characters, quotes,
// backslashes and bytes that are not valid UTF-8 are escaped as \n, \t, \" or \xNN. Cut after
// `max_bytes` input bytes, with "…" behind the closing quote.
//
// An object and not a function: argument-dependent lookup would otherwise find std::quoted for a
// std::string wherever <iomanip> is included, as Boost does with g++ 14.
struct Quoting {
  std::string operator()(std::string_view bytes, std::size_t max_bytes = 256) const;
};
inline constexpr Quoting quoted;

// Bytes of the UTF-8 sequence at the front of `bytes` (not empty), 0 if there is none. C1 controls
// (U+0080–U+009F) count as none: terminals obey some of them.
std::size_t utf8_length(std::string_view bytes);

// `bytes` as they are where they are plain words (printable, without quotes), else quoted(). For
// places that show what somebody typed, such as Origin::option.
std::string shown(std::string_view bytes);

// The candidate that `word` was probably meant to be: edit distance at most a third of its length
// (at least 1). None when nothing is near.
std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates);

// " (did you mean X?)" or nothing; for the end of an error message.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace redoubtful
