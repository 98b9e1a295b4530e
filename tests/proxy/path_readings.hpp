#pragma once

// How servers read a path: the one way of RFC 3986, and the ways of those that decode first, decode
// twice, drop parameters, merge slashes or take a backslash for one. Written from what such servers
// do, sharing no code with proxy/target.cpp, which is tested against it: where a path rule is
// applied, all of them must read the same.

#include <string>
#include <string_view>
#include <vector>

namespace redoubtful::proxy::test {

inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool encoded = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                         hex_digit(text[i + 2]) >= 0;
    if (!encoded) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return out;
}

using Segments = std::vector<std::string>;

inline Segments split(std::string_view path) {
  Segments out;
  while (true) {
    const std::size_t slash = path.find('/');
    out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

// Dot segments taken out; a last one leaves an empty segment, as "/a/." is "/a/".
inline Segments resolved(const Segments& segments) {
  Segments out;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool dots = segments[i] == "." || segments[i] == "..";
    if (!dots) out.push_back(segments[i]);
    if (segments[i] == ".." && out.size() > 1) out.pop_back();
    if (dots && i + 1 == segments.size()) out.emplace_back();
  }
  return out;
}

struct Reader {
  const char* name;
  int decodes_first;  // so many times, before it looks for slashes and dots
  bool drops_parameters;
  bool merges_slashes;
  bool backslash_is_slash;
};

inline constexpr Reader kReaders[] = {
    {"RFC 3986", 0, false, false, false},
    {"drops parameters, then decodes", 0, true, false, false},
    {"decodes first", 1, false, false, false},
    {"decodes first, merges slashes", 1, false, true, false},
    {"decodes first, drops parameters", 1, true, false, false},
    {"decodes first, backslash is a slash", 1, false, false, true},
    {"decodes twice", 2, false, false, false},
    {"decodes twice and all the rest", 2, true, true, true},
};

// The segments that this server looks for, decoded. `path` begins with '/' and has no query.
inline Segments read_by(const Reader& reader, std::string_view path) {
  std::string text(path);
  for (int i = 0; i < reader.decodes_first; ++i) text = percent_decoded(text);
  if (reader.backslash_is_slash) {
    for (char& c : text) c = c == '\\' ? '/' : c;
  }
  if (reader.merges_slashes) {
    for (std::size_t at; (at = text.find("//")) != std::string::npos;) text.erase(at, 1);
  }
  Segments segments = split(std::string_view(text).substr(1));
  if (reader.drops_parameters) {
    for (auto& segment : segments) segment = segment.substr(0, segment.find(';'));
  }
  segments.insert(segments.begin(), "");  // the root, which ".." does not leave
  segments = resolved(segments);
  segments.erase(segments.begin());
  if (reader.decodes_first == 0) {
    for (auto& segment : segments) segment = percent_decoded(segment);
  }
  return segments;
}

inline std::string joined(const Segments& segments) {
  std::string out;
  for (const auto& segment : segments) out += "/" + segment;
  return out;
}

}  // namespace redoubtful::proxy::test
