#include "cli/settings_loader.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "cli/settings_merge.hpp"
#include "cli/value_syntax.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

Error wrong(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

Result<std::string> parse_settings_path(std::string_view text) {
  auto path = parse_path(text);
  if (path && path->starts_with("~/") && settings_format(*path)) return path;
  return wrong("a settings file is written ~/..., and ends in .json, .jsonc, .toml, .yaml or .yml");
}

Result<std::string> parse_object(std::string_view text) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(text, failed);
  if (!failed && value.is_object()) return std::string(text);
  return wrong("default and set are one JSON object each" +
               (failed ? ": " + failed.message() : std::string()));
}

Result<std::string> parse_text(std::string_view text) { return std::string(text); }

Result<void> read_names(const Document& document, const YamlNode& node,
                        std::vector<std::string>& out) {
  return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    auto name = read_value(document, item, parse_text);
    if (!name) return std::move(name).error();
    out.push_back(*std::move(name));
    return {};
  });
}

constexpr std::array<Key<SettingsFile>, 6> kKeys{{
    {"file",
     [](const Document& document, const YamlNode& node, SettingsFile& out) -> Result<void> {
       return read_into(document, node, parse_settings_path, out.file);
     }},
    {"from",
     [](const Document& document, const YamlNode& node, SettingsFile& out) -> Result<void> {
       return read_into(document, node, parse_path, out.from);
     }},
    {"keep",
     [](const Document& document, const YamlNode& node, SettingsFile& out) -> Result<void> {
       return read_names(document, node, out.keep);
     }},
    {"copy",
     [](const Document& document, const YamlNode& node, SettingsFile& out) -> Result<void> {
       return read_names(document, node, out.copy);
     }},
    {"default",
     [](const Document& document, const YamlNode& node, SettingsFile& out) -> Result<void> {
       return read_into(document, node, parse_object, out.fallback);
     }},
    {"set",
     [](const Document& document, const YamlNode& node, SettingsFile& out) -> Result<void> {
       return read_into(document, node, parse_object, out.set);
     }},
}};

Result<void> check_kept(const Document& document, const YamlNode& node, const SettingsFile& entry) {
  const bool json = settings_format(entry.file) == SettingsFormat::kJson;
  std::vector<std::string> names = entry.keep;
  names.insert(names.end(), entry.copy.begin(), entry.copy.end());
  for (const auto& name : names) {
    if (json ? name.size() > 1 && name.starts_with('/')
             : !name.empty() && name.find_first_of("/:=. \"'") == std::string::npos) {
      continue;
    }
    return document.error(node, "keep and copy: " + quoted(name, 80) +
                                    (json ? " is no JSON pointer: /name or /name/name"
                                          : " is not the name of a value at the top of the file"));
  }
  return {};
}

}  // namespace

Result<void> read_settings(const Document& document, const YamlNode& node,
                           std::vector<SettingsFile>& out) {
  return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    SettingsFile entry;
    entry.origin = document.origin(item);
    if (auto read = read_keys<SettingsFile>(document, item, kKeys, entry); !read) return read;
    if (entry.file.empty()) return document.error(item, "a settings file needs the key file");
    if (!entry.from.empty() && settings_format(entry.from) != settings_format(entry.file)) {
      return document.error(item, "from and file are not of one format");
    }
    if (auto fits = check_kept(document, item, entry); !fits) return fits;
    const bool twice = std::any_of(out.begin(), out.end(), [&](const SettingsFile& other) {
      return other.file == entry.file;
    });
    if (twice) return document.error(item, quoted(entry.file, 80) + " is listed twice");
    out.push_back(std::move(entry));
    return {};
  });
}

}  // namespace redoubtful::cli
