#include "proxy/target.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace redoubtful::proxy {
namespace {

// Longer than real paths; matching one against a glob takes length × length steps.
constexpr std::size_t kMaxJudgedPathBytes = 8192;
// Those of RFC 3986 that are neither unreserved nor allowed in a path as they are.
constexpr std::string_view kMustBeEncoded = "\"<>[]^`{|}";

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

Error bad_target(std::string_view why) {
  return Error(Errc::kPeerProtocol, "the request target " + std::string(why));
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that the three characters at `at` encode, if they do.
std::optional<char> encoded_at(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return std::nullopt;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

void append_encoded(std::string& out, char c) {
  const auto value = static_cast<unsigned char>(c);
  out += '%';
  out += kHexDigits[value >> 4U];
  out += kHexDigits[value & 0xFU];
}

// Empty when every byte may stand in a request target.
std::string_view byte_problem(std::string_view raw) {
  for (const char c : raw) {
    const auto value = static_cast<unsigned char>(c);
    if (value < 0x20 || value == 0x7F) return "holds a control byte";
    if (c == ' ') return "holds a space";
    if (value >= 0x80) return "holds a byte outside ASCII that is not percent-encoded";
    if (c == '#') return "holds a '#'";
  }
  return {};
}

// Percent-encodings in their one spelling; dot segments still stand.
Result<std::string> normalise_encoding(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '\\') return bad_target("holds a backslash");
    if (c != '%') {
      if (kMustBeEncoded.find(c) == std::string_view::npos) {
        out += c;
      } else {
        append_encoded(out, c);
      }
      continue;
    }
    const auto decoded = encoded_at(raw, i);
    if (!decoded) return bad_target("holds a '%' that encodes nothing");
    if (*decoded == '\0') return bad_target("holds an encoded NUL byte");
    if (*decoded == '\\') return bad_target("holds an encoded backslash");
    if (is_unreserved(*decoded)) {
      out += *decoded;
    } else {
      append_encoded(out, *decoded);
    }
    i += 2;
  }
  return out;
}

// RFC 3986, section 5.2.4. `path` begins with '/', and so does the result.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  std::string_view rest = path.substr(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    if (last) {
      if (segment == "." || segment == "..") kept.emplace_back();  // "/a/." is "/a/"
      break;
    }
    rest.remove_prefix(slash + 1);
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  return out;
}

bool has_dot_segment(std::string_view path) { return without_dot_segments(path) != path; }

bool is_ambiguous(std::string_view raw, std::string_view normal) {
  if (normal.size() > kMaxJudgedPathBytes) return true;
  if (normal.find("//") != std::string_view::npos) return true;
  if (normal.find(';') != std::string_view::npos) return true;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    const auto decoded = encoded_at(normal, i);
    if (!decoded) continue;
    if (*decoded == '/' || *decoded == ';') return true;
    const std::string_view behind = normal.substr(i + 3, 2);
    if (*decoded == '%' && behind.size() == 2 && hex_value(behind[0]) >= 0 &&
        hex_value(behind[1]) >= 0) {
      return true;
    }
  }
  // Dots that became a dot segment only by decoding.
  const auto encoded_dot = [](std::string_view text) {
    return text.find("%2e") != std::string_view::npos || text.find("%2E") != std::string_view::npos;
  };
  return encoded_dot(raw) && has_dot_segment(normal);
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = encoded_at(text, i);
    out += byte.value_or(text[i]);
    if (byte) i += 2;
  }
  return out;
}

enum class Stars { kEncode, kKeep };

std::string comparable(std::string_view text, Stars stars) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto decoded = encoded_at(text, i);
    if (!decoded) {
      if (text[i] == '*' && stars == Stars::kEncode) {
        append_encoded(out, '*');
      } else {
        out += text[i];
      }
      continue;
    }
    if (*decoded == '/' || *decoded == '%' || *decoded == '*') {
      append_encoded(out, *decoded);
    } else {
      out += *decoded;
    }
    i += 2;
  }
  return out;
}

}  // namespace

Result<Target> canonical_target(std::string_view raw) {
  if (raw == "*") return Target{"*", {}, {}};
  if (!raw.starts_with('/')) return bad_target("does not begin with '/'");
  if (const auto problem = byte_problem(raw); !problem.empty()) return bad_target(problem);
  const std::size_t mark = std::min(raw.find('?'), raw.size());
  const std::string_view raw_path = raw.substr(0, mark);
  auto normal = normalise_encoding(raw_path);
  if (!normal) return std::move(normal).error();
  Target target;
  target.path = without_dot_segments(*normal);
  target.query = raw.substr(mark);
  target.ambiguous = is_ambiguous(raw_path, *normal);
  return target;
}

bool may_climb(std::string_view canonical_path) {
  const std::string twice = decoded(decoded(canonical_path));
  std::string_view rest = twice;
  while (true) {
    const std::size_t slash = rest.find_first_of("/\\");
    const std::string_view segment = rest.substr(0, slash);
    if (segment.substr(0, segment.find(';')) == "..") return true;
    if (slash == std::string_view::npos) return false;
    rest.remove_prefix(slash + 1);
  }
}

std::string comparable_path(std::string_view canonical_path) {
  return comparable(canonical_path, Stars::kEncode);
}

std::string comparable_glob(std::string_view glob) { return comparable(glob, Stars::kKeep); }

}  // namespace redoubtful::proxy
