#include "cli/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// Thrown through yaml-cpp's parser, which offers no other way to stop; caught in parse_yaml.
struct Refused {
  int line;
  int column;
  std::string what;
};

[[noreturn]] void refuse(const YAML::Mark& mark, std::string what) {
  throw Refused{mark.line + 1, mark.column + 1, std::move(what)};
}

std::size_t count_nodes(const YamlNode& node) {
  std::size_t count = 1;
  for (const auto& item : node.items) count += count_nodes(item);
  for (const auto& entry : node.entries) count += 1 + count_nodes(entry.value);
  return count;
}

std::size_t depth_of(const YamlNode& node) {
  std::size_t deepest = 0;
  for (const auto& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const auto& entry : node.entries) deepest = std::max(deepest, depth_of(entry.value));
  const bool nests = node.kind == YamlNode::Kind::kList || node.kind == YamlNode::Kind::kMap;
  return deepest + (nests ? 1 : 0);
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view bytes) {
    for (;;) {
      const std::size_t end = bytes.find('\n');
      lines_.push_back(bytes.substr(0, end));
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
    }
  }

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(mark, "a second document begins here; a profile is one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(YamlNode::Kind::kNull, mark), mark, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    // yaml-cpp knows an anchor from its first event on; its value is complete only at its last.
    if (found == anchors_.end()) refuse(mark, "an alias stands inside the value it names");
    const Anchored& target = found->second;
    spend(mark, target.nodes);
    if (open_.size() + target.depth > kMaxYamlDepth) refuse_depth(mark);
    YamlNode copy = target.node;
    copy.line = mark.line + 1;
    copy.column = mark.column + 1;
    place(std::move(copy), mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node = make(YamlNode::Kind::kScalar, mark);
    node.text = value;
    add(std::move(node), mark, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    refuse_tag(mark, tag);
    open(YamlNode::Kind::kList, mark, anchor);
    open_.back().dashes = style == YAML::EmitterStyle::Block;
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::optional<YamlEntry> key;  // in a map: the key that waits for its value
    bool dashes = false;           // in a list: not in brackets
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes;
    std::size_t depth;
  };

  static YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  // "?" and "!" are what yaml-cpp calls an untagged plain and an untagged quoted scalar.
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark, "tags are not allowed, and this value has the tag " + quoted(tag));
    }
  }

  [[noreturn]] static void refuse_depth(const YAML::Mark& mark) {
    refuse(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
  }

  void spend(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxYamlNodes) {
      refuse(mark, "more than " + std::to_string(kMaxYamlNodes) +
                       " values, counting what aliases stand for");
    }
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    spend(mark, 1);
    if (open_.size() >= kMaxYamlDepth) refuse_depth(mark);
    if (is_key_next())
      refuse(mark, "a key must be a single word, not " + std::string(kind_name(kind)));
    open_.push_back(Open{make(kind, mark), mark, anchor, std::nullopt, false});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    remember(done.mark, done.anchor, done.node);
    place(std::move(done.node), done.mark);
  }

  void add(YamlNode node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    spend(mark, 1);
    remember(mark, anchor, node);
    place(std::move(node), mark);
  }

  void remember(const YAML::Mark& mark, YAML::anchor_t anchor, const YamlNode& node) {
    if (anchor == YAML::NullAnchor) return;
    // The copy that waits for its aliases costs memory too.
    const std::size_t nodes = count_nodes(node);
    spend(mark, nodes);
    anchors_.insert_or_assign(anchor, Anchored{node, nodes, depth_of(node)});
  }

  // yaml-cpp notices that nothing came only at the next token: the item's dash is the last before
  // it.
  void move_to_dash(YamlNode& node, int first_line) const {
    for (int line = std::min(node.line, static_cast<int>(lines_.size())); line >= first_line;
         --line) {
      std::string_view text = lines_[static_cast<std::size_t>(line - 1)];
      if (line == node.line) text = text.substr(0, static_cast<std::size_t>(node.column - 1));
      text = text.substr(0, text.starts_with('#') ? 0 : text.find(" #"));
      const auto last = text.find_last_not_of(" \t\r");
      if (last == std::string_view::npos || text[last] != '-') continue;
      node.line = line;
      node.column = static_cast<int>(last) + 1;
      return;
    }
  }

  bool is_key_next() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().key;
  }

  void place(YamlNode node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      if (node.kind == YamlNode::Kind::kNull && parent.dashes) {
        move_to_dash(node, parent.node.line);
      }
      parent.node.items.push_back(std::move(node));
      return;
    }
    if (!parent.key) {
      if (node.kind != YamlNode::Kind::kScalar) {
        refuse(mark, "a key must be a single word, not " + std::string(kind_name(node.kind)));
      }
      for (const auto& entry : parent.node.entries) {
        if (entry.key != node.text) continue;
        refuse(mark, "the key " + quoted(node.text) +
                         " stands here for the second time; first in line " +
                         std::to_string(entry.line));
      }
      parent.key = YamlEntry{std::move(node.text), node.line, node.column, {}};
      return;
    }
    if (node.kind == YamlNode::Kind::kNull) {
      // yaml-cpp notices that nothing came only at the next token.
      node.line = parent.key->line;
      node.column = parent.key->column;
    }
    parent.key->value = std::move(node);
    parent.node.entries.push_back(*std::move(parent.key));
    parent.key.reset();
  }

  std::vector<std::string_view> lines_;
  YamlNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

Origin place_of(const std::string& file, int line, int column) {
  return Origin{.file = file, .line = line, .column = column, .option = {}};
}

// Where the bytes stop being text that YAML may hold: UTF-8 without control characters.
std::optional<std::size_t> first_bad_byte(std::string_view bytes) {
  std::size_t i = bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (i < bytes.size()) {
    const char c = bytes[i];
    const bool control =
        static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
    const std::size_t length = utf8_length(bytes.substr(i));
    if (control || c == 0x7F || length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

}  // namespace

std::string_view kind_name(YamlNode::Kind kind) noexcept {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing (null)";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a mapping";
  }
  return "something else";
}

Error error_at(Errc code, const Origin& where, std::string_view what) {
  return Error(code, where.text() + ": " + std::string(what));
}

Result<YamlNode> parse_yaml(std::string_view bytes, const std::string& file) {
  if (bytes.size() > kMaxYamlBytes) {
    return error_at(Errc::kInvalidProfile, place_of(file, 1, 1),
                    "longer than " + std::to_string(kMaxYamlBytes) + " bytes");
  }
  if (const auto bad = first_bad_byte(bytes)) {
    const std::string_view before = bytes.substr(0, *bad);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;
    return error_at(Errc::kInvalidProfile,
                    place_of(file, static_cast<int>(line), static_cast<int>(*bad - line_start + 1)),
                    "not UTF-8 text: " + quoted(bytes.substr(*bad, 1)));
  }
  TreeBuilder builder(bytes);
  try {
    // yaml-cpp 0.7 lets the end of the file close a quote, and so swallow every rule behind a
    // forgotten one. The end of a *document* inside a quote it refuses.
    std::istringstream stream{std::string(bytes) + "\n...\n"};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return error_at(Errc::kInvalidProfile, place_of(file, refused.line, refused.column),
                    refused.what);
  } catch (const YAML::Exception& error) {
    return error_at(Errc::kInvalidProfile,
                    place_of(file, error.mark.line + 1, error.mark.column + 1),
                    "not YAML: " + error.msg);
  }
  return builder.take_root();
}

}  // namespace redoubtful::cli
