#include "cli/yaml_reader.hpp"

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

Error wrong_kind(const Document& document, const YamlNode& node, YamlNode::Kind wanted) {
  std::string what =
      "expected " + std::string(kind_name(wanted)) + ", found " + std::string(kind_name(node.kind));
  Error error = document.error(node, what);
  if (node.kind != YamlNode::Kind::kNull) return error;
  return std::move(error).hint(wanted == YamlNode::Kind::kList
                                   ? "leave the key out, or write [] for an empty list"
                                   : "leave the key out, or give it a value");
}

}  // namespace

Error Document::locate(const Origin& where, const Error& cause) {
  const Errc code = cause.code() == Errc::kUsage ? Errc::kInvalidProfile : cause.code();
  Error located = error_at(code, where, cause.what());
  return cause.hint().empty() ? located : std::move(located).hint(cause.hint());
}

Result<void> read_mapping(const Document& document, const YamlNode& node,
                          const std::function<Result<void>(const YamlEntry&)>& use) {
  if (node.kind != YamlNode::Kind::kMap) return wrong_kind(document, node, YamlNode::Kind::kMap);
  for (const auto& entry : node.entries) {
    if (auto used = use(entry); !used) return used;
  }
  return {};
}

Result<void> read_list(const Document& document, const YamlNode& node,
                       const std::function<Result<void>(const YamlNode&)>& use) {
  if (node.kind != YamlNode::Kind::kList) return wrong_kind(document, node, YamlNode::Kind::kList);
  for (const auto& item : node.items) {
    if (item.kind == YamlNode::Kind::kNull) {
      return document.error(item, "an item of the list is empty (null)");
    }
    if (auto used = use(item); !used) return used;
  }
  return {};
}

Result<std::string> read_text(const Document& document, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) {
    return wrong_kind(document, node, YamlNode::Kind::kScalar);
  }
  if (node.text.find('\0') != std::string::npos) {
    return document.error(node, "the value contains a NUL byte");
  }
  return node.text;
}

Error unknown_key(const Document& document, const YamlEntry& entry,
                  std::span<const std::string_view> known) {
  std::string all;
  for (const auto name : known) all.append(all.empty() ? "" : ", ").append(name);
  return error_at(Errc::kInvalidProfile, document.origin(entry),
                  "unknown key " + quoted(entry.key, 60) + did_you_mean(entry.key, known))
      .hint("keys here are: " + all);
}

Result<bool> parse_flag(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Error(Errc::kInvalidProfile, quoted(text, 40) + " is neither true nor false");
}

}  // namespace redoubtful::cli
