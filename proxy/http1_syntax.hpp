#pragma once

// The letters of HTTP/1: what a token, a field line, a length and an authority may look like.
// [trusted core]
//
// Pure checks of bytes, shared by heads (http1_head.hpp) and trailers (chunked.hpp), so that there
// is one reading of them. Nothing is repaired: what does not fit the grammar is refused.
// Source: RFC 9110 sections 5.5, 5.6.2 and 8.6; RFC 9112 sections 2.2 and 5.

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "common/host.hpp"

namespace redoubtful::proxy {

// Why a message is refused: the status a client gets for it, and the reason in a few fixed words.
struct HeadFault {
  unsigned status = 400;
  std::string_view reason;  // a literal
};

struct FieldView {
  std::string_view name;
  std::string_view value;  // without the white space around it
};

bool is_token(std::string_view text) noexcept;
std::string_view trimmed_field_value(std::string_view text) noexcept;

// A line without its CRLF. Refused: a folded line, no colon, an empty or non-token name, space
// before the colon, and control bytes (NUL, bare CR) in the value.
std::variant<FieldView, HeadFault> parse_field_line(std::string_view line) noexcept;

// Finds the end of a head that may still be arriving.
class HeadScanner {
 public:
  // `bytes`: the head from its first byte, more of it than at the last call. The length of the head
  // with its empty line; nothing while that is missing. Lines must end in CRLF.
  std::variant<std::size_t, std::monostate, HeadFault> scan(std::string_view bytes) noexcept;

 private:
  std::size_t line_ = 0;     // where the current line begins
  std::size_t scanned_ = 0;  // no LF before here that was not seen
};

// 1*DIGIT that fits in 63 bits; no sign, list or space.
std::optional<std::uint64_t> parse_content_length(std::string_view value) noexcept;

// Is `word` one of the comma-separated tokens of `list`?
bool lists_token(std::string_view list, std::string_view word) noexcept;

// "host", "host:port", "[v6]", "[v6]:port" in the grammar of common/host.hpp, ASCII only.
struct Authority {
  Host host;
  std::optional<Port> port;
};
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace redoubtful::proxy
