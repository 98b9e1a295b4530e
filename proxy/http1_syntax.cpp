#include "proxy/http1_syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "proxy/limits.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = token_table();

bool is_token_byte(char c) noexcept { return kToken[static_cast<unsigned char>(c)]; }

// Visible, blank, or beyond ASCII: bytes beyond ASCII mean nothing to anybody and pass.
bool is_value_byte(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

std::string_view trimmed_field_value(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::variant<FieldView, HeadFault> parse_field_line(std::string_view line) noexcept {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    return HeadFault{400, "a header field is folded over several lines"};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return HeadFault{400, "a header line has no colon"};
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return HeadFault{400, "the name of a header field is not a token"};
  const std::string_view value = line.substr(colon + 1);
  if (!std::all_of(value.begin(), value.end(), is_value_byte)) {
    return HeadFault{400, "a header field has a control byte in its value"};
  }
  return FieldView{name, trimmed_field_value(value)};
}

std::variant<std::size_t, std::monostate, HeadFault> HeadScanner::scan(
    std::string_view bytes) noexcept {
  for (;;) {
    const std::size_t lf = bytes.find('\n', scanned_);
    if (lf == std::string_view::npos) {
      scanned_ = bytes.size();
      if (bytes.size() >= limits::kHeadBytes) return HeadFault{431, "the head is over 64 KiB"};
      return std::monostate{};
    }
    if (lf >= limits::kHeadBytes) return HeadFault{431, "the head is over 64 KiB"};
    if (lf == line_ || bytes[lf - 1] != '\r') {
      return HeadFault{400, "a line ends in a bare line feed"};
    }
    const bool empty = lf - 1 == line_;
    line_ = scanned_ = lf + 1;
    if (empty) return line_;
  }
}

std::optional<std::uint64_t> parse_content_length(std::string_view value) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (value.empty() || !std::all_of(value.begin(), value.end(), digit)) return std::nullopt;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  if (length > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return length;
}

bool lists_token(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (equals_ignoring_case(trimmed_field_value(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<Authority> parse_authority(std::string_view text) {
  // A U-label would be judged in another spelling than it is sent in.
  if (text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f;
      })) {
    return std::nullopt;
  }
  std::string_view name = text;
  std::string_view behind;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    name = text.substr(1, end - 1);
    behind = text.substr(end + 1);
    if (name.find(':') == std::string_view::npos) return std::nullopt;
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    name = text.substr(0, colon);
    behind = text.substr(colon);
  }
  auto host = Host::parse(name);
  if (!host) return std::nullopt;
  Authority authority{*std::move(host), std::nullopt};
  if (behind.empty()) return authority;
  if (behind.front() != ':') return std::nullopt;
  auto port = Port::parse(behind.substr(1));
  if (!port) return std::nullopt;
  authority.port = *port;
  return authority;
}

}  // namespace redoubtful::proxy
