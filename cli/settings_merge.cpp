#include "cli/settings_merge.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "common/secret_look.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kEndBytes = 20;
constexpr std::size_t kMaxDepth = 32;

std::optional<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  options.max_depth = kMaxDepth;
  boost::system::error_code failed;
  json::value value = json::parse(text, failed, {}, options);
  if (failed || !value.is_object()) return std::nullopt;
  return value;
}

std::optional<std::string> filled(std::string_view text, const SettingsFacts& facts);

// "/a~1b/{cwd}" -> "a/b", "/home/me/project".
std::vector<std::string> tokens_of(std::string_view pointer, const SettingsFacts& facts) {
  std::vector<std::string> out;
  while (!pointer.empty()) {
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string token(pointer.substr(1, end - 1));
    for (std::size_t at = 0; (at = token.find('~', at)) != std::string::npos; ++at) {
      token.replace(at, 2, token.substr(at, 2) == "~1" ? "/" : "~");
    }
    out.push_back(filled(token, facts).value_or(token));
    pointer.remove_prefix(end);
  }
  return out;
}

const json::value* find(const json::value& in, const std::vector<std::string>& tokens) {
  const json::value* at = &in;
  for (const auto& token : tokens) {
    const json::object* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(token);
    if (at == nullptr) return nullptr;
  }
  return at;
}

void put(json::object& into, const std::vector<std::string>& tokens, json::value value) {
  json::object* at = &into;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    json::value& next = (*at)[tokens[i]];
    if (!next.is_object()) next.emplace_object();
    at = &next.get_object();
  }
  (*at)[tokens.back()] = std::move(value);
}

bool looks_secret_leaf(std::string_view key, const json::value& value) {
  const json::string* text = value.if_string();
  return text != nullptr && looks_secret(key, std::string_view(text->data(), text->size()));
}

// Takes out what looks like a secret; false: the value itself does.
bool without_secrets(std::string_view key, json::value& value) {
  if (json::object* object = value.if_object()) {
    std::vector<std::string> gone;
    for (auto& [name, member] : *object) {
      if (!without_secrets(name, member)) gone.emplace_back(name);
    }
    for (const auto& name : gone) object->stable_erase(name);
    return true;
  }
  if (json::array* array = value.if_array()) {
    for (auto* item = array->begin(); item != array->end();) {
      item = without_secrets(key, *item) ? item + 1 : array->erase(item);
    }
    return true;
  }
  return !looks_secret_leaf(key, value);
}

// The text with the places in braces filled in; nothing when one of them does not exist.
std::optional<std::string> filled(std::string_view text, const SettingsFacts& facts) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    out += text.substr(0, open);
    text.remove_prefix(open);
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return out.append(text);
    const std::string_view name = text.substr(1, close - 1);
    if (name == "cwd") {
      out += facts.cwd;
    } else if (name == "project") {
      out += facts.project;
    } else if (name.starts_with("end:")) {
      const auto variable = facts.variables.find(name.substr(4));
      if (variable == facts.variables.end()) return std::nullopt;
      const std::string& value = variable->second;
      out += value.substr(value.size() - std::min(value.size(), kEndBytes));
    } else {
      out += text.substr(0, close + 1);
    }
    text.remove_prefix(close + 1);
  }
  return out;
}

// The same for every name and text in a value; false: it is left out.
bool fill(json::value& value, const SettingsFacts& facts) {
  if (json::object* object = value.if_object()) {
    json::object out;
    for (auto& [name, member] : *object) {
      const auto key = filled(name, facts);
      if (key && fill(member, facts)) out[*key] = std::move(member);
    }
    *object = std::move(out);
  } else if (json::array* array = value.if_array()) {
    for (auto* item = array->begin(); item != array->end();) {
      item = fill(*item, facts) ? item + 1 : array->erase(item);
    }
  } else if (json::string* text = value.if_string()) {
    const auto by = filled(std::string_view(text->data(), text->size()), facts);
    if (!by) return false;
    *text = *by;
  }
  return true;
}

// RFC 7396, section 2.
void merge(json::object& target, const json::object& patch) {
  for (const auto& [name, by] : patch) {
    if (by.is_null()) {
      target.erase(name);
    } else if (by.is_object()) {
      json::value& member = target[name];
      if (!member.is_object()) member.emplace_object();
      merge(member.get_object(), by.get_object());
    } else {
      target[name] = by;
    }
  }
}

// A value as TOML writes it: JSON, but for the sign in a table.
std::string toml_text(const json::value& value) {
  std::string out;
  if (const json::array* list = value.if_array()) {
    for (const auto& item : *list) out += (out.empty() ? "" : ", ") + toml_text(item);
    return "[" + out + "]";
  }
  if (!value.is_object()) return json::serialize(value);
  for (const auto& [name, member] : value.get_object()) {
    out +=
        (out.empty() ? "" : ", ") + json::serialize(json::string(name)) + " = " + toml_text(member);
  }
  return "{" + out + "}";
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

// A number, true, false, a word, or a text in quotes that has no escapes: on one line, whole.
bool is_single_value(std::string_view text) {
  if (text.empty()) return false;
  for (const char quote : {'"', '\''}) {
    if (text.front() != quote) continue;
    const std::string_view inner = text.substr(1, text.size() - 2);
    return text.size() >= 2 && text.back() == quote &&
           inner.find_first_of(std::string("\\") + quote) == std::string_view::npos;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("+-._/").find(c) != std::string_view::npos;
  });
}

// The value of `name` at the top of the file, as it is written there.
std::optional<std::string> single_value(std::string_view file, std::string_view name, char sign) {
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.starts_with('[')) return std::nullopt;  // TOML: the first table
    if (!line.starts_with(name)) continue;
    line = trimmed(line.substr(name.size()));
    if (!line.starts_with(sign)) continue;
    line = trimmed(line.substr(1));
    if (const std::size_t comment = line.find(" #"); comment != std::string_view::npos) {
      line = trimmed(line.substr(0, comment));
    }
    std::string_view bare = line;
    if (bare.size() >= 2 && (bare.front() == '"' || bare.front() == '\'')) {
      bare = bare.substr(1, bare.size() - 2);
    }
    if (!is_single_value(line) || looks_secret(name, bare)) return std::nullopt;
    return std::string(line);
  }
  return std::nullopt;
}

// A text of the profile's; the loader has checked that it is an object.
json::object object_of(const std::string& text, const SettingsFacts& facts) {
  if (text.empty()) return {};
  json::value value = json::parse(text);
  fill(value, facts);
  return std::move(value.get_object());
}

MergedSettings merged_json(const SettingsFile& entry, const std::string* user,
                           const std::string* earlier, const SettingsFacts& facts) {
  MergedSettings out;
  const auto users = user == nullptr ? std::nullopt : parse(*user);
  const auto left = earlier == nullptr ? std::nullopt : parse(*earlier);
  if (user != nullptr && !users && user->find_first_not_of(" \t\r\n") != std::string::npos) {
    out.warning = shown(entry.from.empty() ? entry.file : entry.from) +
                  " is no JSON object: nothing of it is seen inside";
  }
  json::object all = object_of(entry.fallback, facts);
  const auto take = [&](const std::string& pointer, const json::value* second) {
    const auto tokens = tokens_of(pointer, facts);
    const json::value* value = users ? find(*users, tokens) : nullptr;
    if (value == nullptr && second != nullptr) value = find(*second, tokens);
    if (value == nullptr) return;
    json::value copy = *value;
    if (without_secrets(tokens.back(), copy)) put(all, tokens, std::move(copy));
  };
  for (const auto& pointer : entry.keep) take(pointer, left ? &*left : nullptr);
  for (const auto& pointer : entry.copy) take(pointer, nullptr);
  merge(all, object_of(entry.set, facts));
  out.text = json::serialize(all) + "\n";
  return out;
}

MergedSettings merged_lines(const SettingsFile& entry, SettingsFormat format,
                            const std::string* user, const std::string* earlier,
                            const SettingsFacts& facts) {
  const bool toml = format == SettingsFormat::kToml;
  const char sign = toml ? '=' : ':';
  const std::string between = toml ? " = " : ": ";
  json::object set = object_of(entry.fallback, facts);
  const json::object always = object_of(entry.set, facts);
  MergedSettings out;
  const auto take = [&](const std::string& name, const std::string* second) {
    if (always.contains(name)) return;
    std::optional<std::string> value;
    if (user != nullptr) value = single_value(*user, name, sign);
    if (!value && second != nullptr) value = single_value(*second, name, sign);
    if (!value) return;
    out.text += name + between + *value + "\n";
    set.erase(name);
  };
  for (const auto& name : entry.keep) take(name, earlier);
  for (const auto& name : entry.copy) take(name, nullptr);
  merge(set, always);
  for (const auto& [name, value] : set) {
    out.text += std::string(name) + between + (toml ? toml_text(value) : json::serialize(value));
    out.text += '\n';
  }
  return out;
}

}  // namespace

std::optional<SettingsFormat> settings_format(std::string_view path) {
  if (path.ends_with(".json") || path.ends_with(".jsonc")) return SettingsFormat::kJson;
  if (path.ends_with(".toml")) return SettingsFormat::kToml;
  if (path.ends_with(".yaml") || path.ends_with(".yml")) return SettingsFormat::kYaml;
  return std::nullopt;
}

MergedSettings merge_settings(const SettingsFile& entry, const std::string* user,
                              const std::string* earlier, const SettingsFacts& facts) {
  const auto format = settings_format(entry.file).value_or(SettingsFormat::kJson);
  if (format == SettingsFormat::kJson) return merged_json(entry, user, earlier, facts);
  return merged_lines(entry, format, user, earlier, facts);
}

}  // namespace redoubtful::cli
