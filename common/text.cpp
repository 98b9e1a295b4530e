#include "common/text.hpp"

#include <algorithm>
#include <vector>

namespace redoubtful {

std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto continuation = [&](std::size_t i) {
    return i < s.size() && (byte(i) & 0xC0U) == 0x80U;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && continuation(1))
    return first == 0xC2 && byte(1) < 0xA0 ? 0 : 2;
  if ((first & 0xF0U) == 0xE0U && continuation(1) && continuation(2)) {
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && continuation(1) && continuation(2) && continuation(3)) {
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

std::string shown(std::string_view bytes) {
  std::string safe = quoted(bytes);
  return safe.size() == bytes.size() + 2 && !bytes.empty() ? std::string(bytes) : safe;
}

std::string Quoting::operator()(std::string_view bytes, std::size_t max_bytes) const {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  std::string_view rest = bytes.substr(0, max_bytes);
  while (!rest.empty()) {
    const std::size_t length = utf8_length(rest);
    const char c = rest[0];
    if (length > 1) {
      out += rest.substr(0, length);
      rest.remove_prefix(length);
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (length == 0 || c < 0x20 || c == 0x7F) {
      const auto value = static_cast<unsigned char>(c);
      out += "\\x";
      out += kHex[value >> 4U];
      out += kHex[value & 0xFU];
    } else {
      out += c;
    }
    rest.remove_prefix(1);
  }
  out += '"';
  if (bytes.size() > max_bytes) out += "…";
  return out;
}

namespace {

// Edits that turn `a` into `b`: a letter more, less or other, or two neighbours swapped.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_above(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates) {
  if (word.size() > 64) return std::nullopt;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string> best;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = std::string(candidate);
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto near = nearest(word, candidates);
  return near ? " (did you mean " + *near + "?)" : std::string();
}

}  // namespace redoubtful
