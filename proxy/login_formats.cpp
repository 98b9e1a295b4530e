#include "proxy/login_formats.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <vector>

#include "proxy/json_reader.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  const std::size_t end = text.find_last_not_of(kBlank);
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

// Each line without its end.
template <class Use>
void for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

bool is_quoted(std::string_view text, char quote) {
  return text.size() >= 2 && text.front() == quote && text.back() == quote;
}

// "value", 'value' or value, the new one in the same quotes.
std::optional<std::string> rewrite_scalar(std::string_view key, std::string_view value,
                                          const LeafRule& rule) {
  for (const char quote : {'"', '\''}) {
    if (!is_quoted(value, quote)) continue;
    const std::string_view inner = value.substr(1, value.size() - 2);
    if (inner.find(quote) != std::string_view::npos || inner.find('\\') != std::string_view::npos) {
      return std::nullopt;
    }
    auto out = rule(key, inner);
    if (!out) return std::nullopt;
    return quote + *out + quote;
  }
  return rule(key, value);
}

struct NetrcEntry {
  std::string machine;  // empty: "default"
  std::string login;
  std::optional<std::string> password;
  bool has_password = false;
};

class NetrcReader {
 public:
  explicit NetrcReader(std::string_view text) : rest_(text) {}

  std::optional<std::string> word() {
    skip_space();
    while (rest_.starts_with('#')) {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      skip_space();
    }
    if (rest_.empty()) return std::nullopt;
    std::string out;
    if (!rest_.starts_with('"')) {
      const std::size_t end = std::min(rest_.find_first_of(" \t\r\n"), rest_.size());
      out = rest_.substr(0, end);
      rest_.remove_prefix(end);
      return out;
    }
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return out;
  }
  // A macro goes to the next empty line.
  void skip_macro() {
    const std::size_t end = rest_.find("\n\n");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }

 private:
  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  std::string_view rest_;
};

std::string netrc_word(const std::string& word) {
  if (!word.empty() && word.find_first_of(" \t\r\n\"\\#") == std::string::npos) return word;
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

class JsonRewriter {
 public:
  explicit JsonRewriter(const LeafRule& rule) : rule_(rule) {}

  // False: it is left out.
  bool rewrite(std::string_view key, json::value& value) const {
    if (auto* object = value.if_object()) {
      std::vector<std::string> gone;
      for (auto& [name, member] : *object) {
        if (!rewrite(name, member)) gone.emplace_back(name);
      }
      for (const auto& name : gone) object->stable_erase(name);
      return true;
    }
    if (auto* array = value.if_array()) {
      for (auto* item = array->begin(); item != array->end();) {
        item = rewrite(key, *item) ? item + 1 : array->erase(item);
      }
      return true;
    }
    auto* text = value.if_string();
    if (text == nullptr) return value.is_bool() || rule_(key, json::serialize(value)).has_value();
    auto by = rule_(key, std::string_view(text->data(), text->size()));
    if (by) *text = *by;
    return by.has_value();
  }

 private:
  const LeafRule& rule_;
};

// Keeps of `value` the way to the pointer's leaf, and that leaf's siblings.
void keep_only(json::value& value, std::string_view pointer) {
  if (pointer.empty() || pointer.find('/', 1) == std::string_view::npos) return;
  const std::size_t end = pointer.find('/', 1);
  std::string name(pointer.substr(1, end - 1));
  for (std::size_t at = 0; (at = name.find('~', at)) != std::string::npos; ++at) {
    name.replace(at, 2, name.substr(at, 2) == "~1" ? "/" : "~");
  }
  auto* object = value.if_object();
  if (object == nullptr) return;  // below a list its siblings stay
  std::vector<std::string> gone;
  for (const auto& member : *object) {
    if (member.key() != json::string_view(name)) gone.emplace_back(member.key());
  }
  for (const auto& one : gone) object->stable_erase(one);
  if (auto* next = object->if_contains(name)) keep_only(*next, pointer.substr(end));
}

}  // namespace

std::string rewrite_lines(std::string_view text, const LeafRule& rule) {
  std::string out;
  for_each_line(text, [&](std::string_view line) {
    const std::string_view bare = trimmed(line);
    // A comment may hold what was taken out of use, a key among it.
    if (bare.empty() || (bare.front() == '[' && bare.back() == ']')) {
      out.append(bare).append("\n");
      return;
    }
    const std::size_t equals = bare.find('=');
    if (equals == std::string_view::npos || bare.front() == '#' || bare.front() == ';') return;
    const std::string_view key = trimmed(bare.substr(0, equals));
    const auto value = rewrite_scalar(key, trimmed(bare.substr(equals + 1)), rule);
    if (value) out.append(key).append("=").append(*value).append("\n");
  });
  return out;
}

std::string rewrite_netrc(std::string_view text, const LeafRule& rule) {
  NetrcReader reader(text);
  std::vector<NetrcEntry> entries;
  for (auto word = reader.word(); word; word = reader.word()) {
    if (*word == "machine") {
      entries.emplace_back();
      entries.back().machine = reader.word().value_or("");
    }
    if (*word == "default") entries.emplace_back();
    if (*word == "macdef") reader.skip_macro();
    if (entries.empty()) continue;
    NetrcEntry& entry = entries.back();
    if (*word == "login") entry.login = reader.word().value_or("");
    if (*word == "account") (void)reader.word();  // a second password
    if (*word == "password") {
      entry.has_password = true;
      entry.password = rule("password", reader.word().value_or(""));
    }
  }
  std::string out;
  for (const auto& entry : entries) {
    if (!entry.has_password || !entry.password) continue;
    out += entry.machine.empty() ? "default\n" : "machine " + netrc_word(entry.machine) + "\n";
    if (!entry.login.empty()) out += "  login " + netrc_word(entry.login) + "\n";
    out += "  password " + netrc_word(*entry.password) + "\n";
  }
  return out;
}

std::string rewrite_yaml(std::string_view text, const LeafRule& rule) {
  std::string out;
  constexpr std::size_t kNothing = std::string::npos;
  std::size_t skipped = kNothing;  // what is indented further than this is left out
  for_each_line(text, [&](std::string_view line) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    std::string_view bare = trimmed(line.substr(indent));
    if (bare.empty() || bare.front() == '#') return;
    if (skipped != kNothing && indent > skipped) return;
    skipped = kNothing;
    std::string head(indent, ' ');
    while (bare.starts_with("- ")) {
      head += "- ";
      bare = trimmed(bare.substr(2));
    }
    const std::size_t colon = bare.find(": ");
    const bool opens = bare.back() == ':';
    std::string key(opens ? bare.substr(0, bare.size() - 1)
                          : bare.substr(0, std::min(colon, bare.size())));
    if (!opens && colon != std::string_view::npos) {
      head += key + ": ";
      bare = trimmed(bare.substr(colon + 2));
    } else if (!opens) {
      key.clear();  // an item of a list
    }
    if (opens) {
      out += head + key + ":\n";
      return;
    }
    const bool plain = std::string_view("|>&*{[!%@`").find(bare.front()) == std::string_view::npos;
    const auto value = plain && bare.find(" #") == std::string_view::npos
                           ? rewrite_scalar(key, bare, rule)
                           : std::nullopt;
    if (value) {
      out += head + *value + "\n";
    } else {
      skipped = indent;
    }
  });
  return out;
}

Result<std::string> rewrite_json(std::string_view text, std::string_view only,
                                 const LeafRule& rule) {
  auto document = parse_json(text, erasing_storage());
  if (!document) return Error(Errc::kInvalidSecret, document.error().what());
  keep_only(*document, only);
  if (!JsonRewriter(rule).rewrite("", *document)) return std::string();
  return json::serialize(*document) + "\n";
}

}  // namespace redoubtful::proxy
