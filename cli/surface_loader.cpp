#include "cli/surface_loader.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

Error wrong(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Source: RFC 9110, section 5.6.2, "token".
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

Result<std::string> parse_field_name(std::string_view text) {
  constexpr std::array<std::string_view, 9> kNotACredentials{
      "host",    "content-length", "content-type", "transfer-encoding", "connection", "te",
      "trailer", "upgrade",        "cookie"};
  if (!is_token(text)) return wrong(quoted(text, 80) + " is not the name of a header field");
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (std::find(kNotACredentials.begin(), kNotACredentials.end(), lower) !=
      kNotACredentials.end()) {
    return wrong("no credential belongs into the header field " + std::string(text));
  }
  return std::string(text);
}

// What stands in a query, a form or a JSON text as it is.
Result<std::string> parse_plain_name(std::string_view text) {
  const bool fits =
      !text.empty() && text.size() <= 200 && std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '"' || c == '\\';
      });
  if (fits) return std::string(text);
  return wrong(quoted(text, 80) + " is not the name of a field");
}

Result<std::string> parse_method(std::string_view text) {
  if (is_token(text)) return std::string(text);
  return wrong(quoted(text, 80) + " is not a method");
}

Result<std::string> parse_path_rule(std::string_view text) {
  if (text.starts_with('/')) return std::string(text);
  return wrong("a path begins with '/'");
}

struct SurfaceWord {
  std::string_view word;
  SurfaceKind kind;
  Result<std::string> (*name)(std::string_view text);  // null: it has none
};
constexpr std::array<SurfaceWord, 5> kWords{
    {{"header", SurfaceKind::kNamedHeader, parse_field_name},
     {"query", SurfaceKind::kQuery, parse_plain_name},
     {"cookie", SurfaceKind::kCookie, parse_field_name},
     {"body", SurfaceKind::kBody, parse_plain_name},
     {"websocket", SurfaceKind::kWebSocket, nullptr}}};

Result<Surface> parse_surface(std::string_view text) {
  Surface out;
  if (text == "header") return out;
  const std::size_t colon = text.find(':');
  for (const auto& known : kWords) {
    if (known.word != text.substr(0, colon)) continue;
    out.kind = known.kind;
    if (known.kind == SurfaceKind::kBody) {
      return wrong("a field of a body is written {body: FIELD, method: POST, path: /x}");
    }
    const bool named = colon != std::string_view::npos;
    if (known.name == nullptr && !named) return out;
    if (known.name == nullptr || !named) break;
    auto name = known.name(text.substr(colon + 1));
    if (!name) return std::move(name).error();
    out.name = *std::move(name);
    return out;
  }
  return wrong(quoted(text, 80) +
               " is none of header, header:NAME, query:NAME, cookie:NAME and websocket");
}

// Sets the kind once.
template <SurfaceKind kind>
Result<void> read_named(const Document& document, const YamlNode& node, Surface& out) {
  if (!out.name.empty()) return document.error(node, "one surface stands for one kind of place");
  const auto* known = std::find_if(kWords.begin(), kWords.end(),
                                   [](const auto& word) { return word.kind == kind; });
  auto name = read_value(document, node, known->name);
  if (!name) return std::move(name).error();
  out.kind = kind;
  out.name = *std::move(name);
  return {};
}

constexpr std::array<Key<Surface>, 6> kSurfaceKeys{{
    {"header", read_named<SurfaceKind::kNamedHeader>},
    {"query", read_named<SurfaceKind::kQuery>},
    {"cookie", read_named<SurfaceKind::kCookie>},
    {"body", read_named<SurfaceKind::kBody>},
    {"method",
     [](const Document& document, const YamlNode& node, Surface& out) -> Result<void> {
       return read_into(document, node, parse_method, out.method);
     }},
    {"path",
     [](const Document& document, const YamlNode& node, Surface& out) -> Result<void> {
       return read_into(document, node, parse_path_rule, out.path);
     }},
}};

constexpr std::array<Key<Attachment>, 2> kAttachmentKeys{{
    {"header",
     [](const Document& document, const YamlNode& node, Attachment& out) -> Result<void> {
       return read_into(document, node, parse_field_name, out.header);
     }},
    {"value",
     [](const Document& document, const YamlNode& node, Attachment& out) -> Result<void> {
       return read_into(
           document, node,
           [](std::string_view text) -> Result<std::string> {
             const std::size_t at = text.find("{}");
             const bool once =
                 at != std::string_view::npos && text.find("{}", at + 1) == std::string_view::npos;
             const bool printable =
                 std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
             if (once && printable) return std::string(text);
             return wrong("the value needs {} once, where the credential stands: \"Bearer {}\"");
           },
           out.value);
     }},
}};

}  // namespace

Result<std::vector<Surface>> read_surfaces(const Document& document, const YamlNode& node) {
  std::vector<Surface> out;
  auto read = read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    if (item.kind != YamlNode::Kind::kMap) {
      auto surface = read_value(document, item, parse_surface);
      if (!surface) return std::move(surface).error();
      out.push_back(*std::move(surface));
      return {};
    }
    Surface surface;
    auto keys = read_keys<Surface>(document, item, kSurfaceKeys, surface);
    if (!keys) return keys;
    if (surface.name.empty()) {
      return document.error(item, "a surface names a header, query, cookie or body");
    }
    if (surface.kind == SurfaceKind::kBody && (surface.method.empty() || surface.path.empty())) {
      return document.error(item, "a field of a body needs the keys method and path");
    }
    out.push_back(std::move(surface));
    return {};
  });
  if (!read) return std::move(read).error();
  if (out.empty()) {
    return document.error(node, "replace_in is empty: the credential would be sent nowhere");
  }
  return out;
}

Result<Attachment> read_attachment(const Document& document, const YamlNode& node) {
  Attachment out;
  auto read = read_keys<Attachment>(document, node, kAttachmentKeys, out);
  if (!read) return std::move(read).error();
  if (out.header.empty() || out.value.empty()) {
    return document.error(node, "attach needs the keys header and value");
  }
  return out;
}

}  // namespace redoubtful::cli
