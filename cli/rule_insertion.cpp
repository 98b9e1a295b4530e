#include "cli/rule_insertion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "cli/yaml_document.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

using Kind = YamlNode::Kind;

// A document as lines that keep their ends, changed by inserting.
class Text {
 public:
  explicit Text(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
      lines_.emplace_back(text.substr(0, end));
      text.remove_prefix(end);
    }
    if (!lines_.empty() && lines_.front().ends_with("\r\n")) end_ = "\r\n";
  }

  int lines() const { return static_cast<int>(lines_.size()); }

  // The byte there, from 1; NUL where there is none.
  char at(int line, int column) const {
    if (line < 1 || line > lines()) return '\0';
    const std::string& text = lines_[static_cast<std::size_t>(line - 1)];
    const auto index = static_cast<std::size_t>(column - 1);
    return index < text.size() ? text[index] : '\0';
  }

  // `texts` as new lines, `indent` deep, behind the line `after` (0: at the top).
  std::string with_lines(int after, int indent, const std::vector<std::string>& texts) const {
    std::string out;
    for (int i = 0; i < after; ++i) out += lines_[static_cast<std::size_t>(i)];
    if (!out.empty() && !out.ends_with('\n')) out += end_;
    for (const auto& text : texts) {
      out += std::string(static_cast<std::size_t>(indent), ' ') + text + end_;
    }
    for (int i = after; i < lines(); ++i) out += lines_[static_cast<std::size_t>(i)];
    return out;
  }

  // `text` behind the byte at a place.
  std::string with_text(int line, int column, const std::string& text) const {
    std::string out;
    for (int i = 0; i < lines(); ++i) {
      std::string changed = lines_[static_cast<std::size_t>(i)];
      if (i + 1 == line) changed.insert(static_cast<std::size_t>(column), text);
      out += changed;
    }
    return out;
  }

 private:
  std::vector<std::string> lines_;
  std::string end_ = "\n";
};

template <class Node>
auto find(Node& map, std::string_view key) -> decltype(map.entries.data()) {
  for (auto& entry : map.entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

// The same values; where they stand and in which order keys come does not matter.
bool same(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), same) &&
         std::all_of(a.entries.begin(), a.entries.end(), [&](const YamlEntry& entry) {
           const auto* other = find(b, entry.key);
           return other != nullptr && same(entry.value, other->value);
         });
}

int last_line(const YamlNode& node) {
  int line = node.line;
  for (const auto& item : node.items) line = std::max(line, last_line(item));
  for (const auto& entry : node.entries) line = std::max(line, last_line(entry.value));
  return line;
}

YamlNode& make(YamlNode& map, const std::string& key, Kind kind) {
  if (auto* there = find(map, key)) return there->value;
  map.entries.push_back({key, 0, 0, {}});
  map.entries.back().value.kind = kind;
  return map.entries.back().value;
}

enum class At { kFront, kBack };

YamlNode expected(YamlNode root, const std::string& rule, At at) {
  root.kind = Kind::kMap;
  YamlNode& allow = make(make(root, "network", Kind::kMap), "allow", Kind::kList);
  YamlNode item;
  item.kind = Kind::kScalar;
  item.text = rule;
  allow.items.insert(at == At::kFront ? allow.items.begin() : allow.items.end(), std::move(item));
  return root;
}

std::string behind_bracket(const std::string& text, std::size_t others) {
  return text + (others == 0 ? "" : ", ");
}

// Where the text would have to change; nothing where this knows no place.
std::optional<std::string> changed(const Text& text, const YamlNode& root,
                                   const std::string& scalar) {
  const std::string item = "- " + scalar;
  if (root.kind == Kind::kNull) {
    return text.with_lines(text.lines(), 0, {"network:", "  allow:", "    " + item});
  }
  if (root.kind != Kind::kMap || root.entries.empty()) return std::nullopt;
  const auto is_block = [&](const YamlNode& node) {
    return text.at(node.line, node.column) != (node.kind == Kind::kMap ? '{' : '[');
  };
  const auto* network = find(root, "network");
  if (network == nullptr) {
    if (!is_block(root)) return std::nullopt;
    const int indent = root.entries.front().column - 1;
    return text.with_lines(text.lines(), indent, {"network:", "  allow:", "    " + item});
  }
  const YamlNode& map = network->value;
  if (map.kind != Kind::kMap) return std::nullopt;
  const auto* allow = find(map, "allow");
  if (allow == nullptr) {
    if (!is_block(map)) {
      return text.with_text(map.line, map.column,
                            behind_bracket("allow: [" + scalar + "]", map.entries.size()));
    }
    if (map.entries.empty()) return std::nullopt;
    const auto& first = map.entries.front();
    return text.with_lines(first.line - 1, first.column - 1, {"allow:", "  " + item});
  }
  const YamlNode& list = allow->value;
  if (list.kind != Kind::kList) return std::nullopt;
  if (!is_block(list)) {
    return text.with_text(list.line, list.column, behind_bracket(scalar, list.items.size()));
  }
  return text.with_lines(last_line(list), list.column - 1, {item});
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '/' || c == ':';
  };
  constexpr std::array<std::string_view, 3> kWords{"null", "true", "false"};
  const bool plain = !text.empty() && text.front() != '-' && text.front() != ':' &&
                     text.front() != '.' && !text.ends_with(':') &&
                     std::find(kWords.begin(), kWords.end(), text) == kWords.end() &&
                     std::all_of(text.begin(), text.end(), harmless);
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

Result<InsertedRule> insert_allow_rule(std::string_view yaml, const std::string& rule,
                                       const std::string& file) {
  auto root = parse_yaml(yaml, file);
  if (!root) return std::move(root).error();
  const std::string scalar = yaml_scalar(rule);
  const auto by_hand = [&] {
    return Error(Errc::kInvalidProfile,
                 file + " is written in a way that this command leaves to you")
        .hint("add to its network.allow: - " + scalar);
  };
  auto text = changed(Text(yaml), *root, scalar);
  if (!text) return by_hand();
  auto read = parse_yaml(*text, file);
  if (!read) return by_hand();
  for (const At at : {At::kBack, At::kFront}) {
    if (!same(*read, expected(*root, rule, at))) continue;
    const auto& items = find(find(*read, "network")->value, "allow")->value.items;
    return InsertedRule{*std::move(text), (at == At::kBack ? items.back() : items.front()).line};
  }
  return by_hand();
}

}  // namespace redoubtful::cli
