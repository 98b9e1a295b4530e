#pragma once

// How a secret may be spelled in a response, each spelling with that of its surrogate. [trusted
// core]
//
// This list is the promise of scrubbing; what is not in it is not found:
//   raw           the bytes as they are
//   JSON          as serializers escape: the short escapes, \/ or /, non-ASCII as \uXXXX or as it
//                 is, and the characters that Go, Rails, Gson, PHP and .NET write as \u00XX so that
//                 they mean nothing in HTML. No serializer escapes letters or digits, so nor is
//                 that looked for.
//   URL           percent-encoded as RFC 3986, JavaScript, Python, Java, Go, PHP and .NET do, in
//                 upper and lower case; a space also as '+'; and with every byte encoded
//   base64        of any text that the secret stands in, standard and URL-safe alphabet: three
//                 alignments. The characters at both ends, which the secret shares with its
//                 neighbours, are borders: their bits are exchanged one by one (scrubber.hpp).
//                 Where the secret's has no character in which the alphabets differ, the
//                 surrogate's is written in the standard one.
//   hexadecimal   upper or lower case
// Not looked for: one encoding in another, base64 or hexadecimal with line breaks or separators in
// it, HTML entities, another character set, compression inside a body's own format.
//
// Every spelling of the surrogate is as long as the secret's, so that lengths and offsets hold.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/erasing.hpp"

namespace redoubtful::proxy {

// Of a base64 character, those of its six bits that belong to the secret.
struct Border {
  std::uint8_t mask = 0;    // 0: there is none
  std::uint8_t secret = 0;  // the secret's bits, within the mask
  std::uint8_t change = 0;  // exclusive or: makes them the surrogate's
};

enum class Alphabet : std::uint8_t { kStandard, kUrlSafe };

struct Spelling {
  ErasedBytes secret;
  ErasedBytes surrogate;  // of the same length
  Border left;            // the character before
  Border right;           // the character behind
  Alphabet alphabet = Alphabet::kStandard;

  std::string_view text() const noexcept { return {secret.data(), secret.size()}; }
  std::string_view replacement() const noexcept { return {surrogate.data(), surrogate.size()}; }
};

// Each once, the raw one first. A surrogate of another length than the secret's is cut, or filled
// with 'x'.
std::vector<Spelling> spellings_of(std::string_view secret, std::string_view surrogate);

// The same without those that no JSON or other text of a program's own has: raw and JSON alone.
std::vector<Spelling> text_spellings_of(std::string_view secret, std::string_view surrogate);

// The value of a base64 character of either alphabet; 64 for any other.
std::uint8_t base64_value(char c) noexcept;
char base64_character(std::uint8_t value, Alphabet alphabet) noexcept;

}  // namespace redoubtful::proxy
