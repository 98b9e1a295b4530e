#pragma once

// One YAML document as a small tree in which every key and value knows its line and column.
//
// YAML is read from files that somebody may have prepared, so the tree is built from yaml-cpp's
// events, not from its nodes: size, depth and the number of nodes *after* aliases are expanded are
// bounded while it is built, and what a profile never needs is refused: tags, a second document, a
// key that is not a plain scalar, duplicate keys, bytes that are not UTF-8.
//
// Lifetime: plain values; nothing refers to the bytes it was built from.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

constexpr std::size_t kMaxYamlBytes = 256 * 1024;
constexpr std::size_t kMaxYamlNodes = 20'000;  // aliases counted with all they stand for
constexpr std::size_t kMaxYamlDepth = 16;

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;                // kScalar
  std::vector<YamlNode> items;     // kList
  std::vector<YamlEntry> entries;  // kMap, in the order of the file
  int line = 0;                    // from 1
  int column = 0;                  // from 1, in bytes
};

struct YamlEntry {
  std::string key;
  int line = 0;
  int column = 0;
  YamlNode value;
};

// "a list", "a mapping" ... for messages.
std::string_view kind_name(YamlNode::Kind kind) noexcept;

// An empty document is a kNull node. `file` is only for messages.
// Errors: kInvalidProfile, "FILE:LINE:COLUMN: what".
Result<YamlNode> parse_yaml(std::string_view bytes, const std::string& file);

// "FILE:LINE:COLUMN: what" as an Error of `code`.
Error error_at(Errc code, const Origin& where, std::string_view what);

}  // namespace redoubtful::cli
