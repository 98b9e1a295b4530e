#include "cli/claude_settings.hpp"

#include <boost/json.hpp>

#include "cli/path_glob.hpp"
#include "cli/value_syntax.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

namespace json = boost::json;

// The texts of the list at a path of names; none where it is no list.
std::vector<std::string> texts_at(const json::value& root,
                                  std::initializer_list<std::string_view> names) {
  const json::value* at = &root;
  for (const auto name : names) {
    const json::object* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(json::string_view(name));
    if (at == nullptr) return {};
  }
  std::vector<std::string> out;
  const json::array* list = at->if_array();
  if (list == nullptr) return out;
  for (const auto& item : *list) {
    if (const json::string* text = item.if_string()) out.emplace_back(text->data(), text->size());
  }
  return out;
}

// "Read(./secrets/**)" -> "./secrets/**"; empty: no rule on reading.
std::string_view path_of(std::string_view rule) {
  constexpr std::string_view kRead = "Read(";
  if (!rule.starts_with(kRead) || !rule.ends_with(')')) return {};
  return rule.substr(kRead.size(), rule.size() - kRead.size() - 1);
}

// "./secrets/**" -> "secrets/**"; empty: of another place than the project.
std::string glob_of(std::string_view rule) {
  if (rule.starts_with('/') || rule.starts_with("~")) return {};
  while (rule.starts_with("./")) rule.remove_prefix(2);
  return std::string(rule);
}

class Reader {
 public:
  Reader(const json::value& root, const std::string& file) : root_(root), file_(file) {}

  void rules(std::initializer_list<std::string_view> names, HostRule::List list,
             std::vector<Sourced<HostRule>>& out) {
    for (const auto& text : texts_at(root_, names)) {
      auto rule = HostRule::parse(text, list);
      if (rule) {
        out.push_back({*std::move(rule), origin(names)});
      } else {
        result.notes.push_back(file_ + ": " + quoted(text, 80) +
                               " is not taken over: " + rule.error().what());
      }
    }
  }

  enum class Form { kRules, kPaths };

  void hidden(std::initializer_list<std::string_view> names, Form form) {
    for (const auto& text : texts_at(root_, names)) {
      const std::string glob = glob_of(form == Form::kRules ? path_of(text) : text);
      if (glob.empty()) continue;
      const auto fits = PathGlob::parse(glob);
      if (fits && parse_glob(glob)) {
        result.layer.hide.push_back({glob, origin(names)});
      } else {
        result.notes.push_back(file_ + ": " + quoted(text, 80) +
                               " is not taken over: it is no glob below the project");
      }
    }
  }

  ClaudeSettings result;

 private:
  Origin origin(std::initializer_list<std::string_view> names) const {
    std::string key;
    for (const auto name : names) key.append(key.empty() ? "" : ".").append(name);
    return {file_, 0, 0, key};
  }

  const json::value& root_;
  const std::string& file_;
};

}  // namespace

ClaudeSettings claude_settings(std::string_view text, const std::string& file) {
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  boost::system::error_code failed;
  const json::value root = json::parse(text, failed, {}, options);
  ClaudeSettings out;
  if (failed || !root.is_object()) {
    out.notes.push_back(file + " is no JSON object: nothing of it is taken over");
    return out;
  }
  Reader reader(root, file);
  Layer& layer = reader.result.layer;
  layer.name = "Claude's settings";
  layer.file = file;
  reader.rules({"sandbox", "network", "allowedDomains"}, HostRule::List::kAllow, layer.allow);
  reader.rules({"sandbox", "network", "deniedDomains"}, HostRule::List::kDeny, layer.deny);
  reader.hidden({"permissions", "deny"}, Reader::Form::kRules);
  reader.hidden({"sandbox", "filesystem", "denyRead"}, Reader::Form::kPaths);
  return std::move(reader.result);
}

}  // namespace redoubtful::cli
