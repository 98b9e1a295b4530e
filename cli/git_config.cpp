#include "cli/git_config.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "cli/git_executing_keys.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxLine = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// git's own character classes (git-compat-util.h), which know nothing of locales.
bool is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_alpha(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_key_byte(int c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == '-'; }
char to_lower(int c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

// The functions are named and ordered as in git's config.c, to be compared side by side.
class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) {}

  Result<std::vector<GitConfigEntry>> run() {
    if (auto fine = check_bytes(); !fine) return std::move(fine).error();
    if (bytes_.substr(0, kByteOrderMark.size()) == kByteOrderMark) at_ = kByteOrderMark.size();
    bool comment = false;
    for (;;) {
      const std::size_t begin = at_;
      const int c = next();
      if (c == '\n') {
        if (ended_) return std::move(entries_);
        comment = false;
        continue;
      }
      if (comment || is_space(c)) continue;
      if (c == '#' || c == ';') {
        comment = true;
        continue;
      }
      if (c == '[') {
        section_.clear();
        if (!get_base_var() || section_.empty()) return bad("is not a section header");
        section_ += '.';
        continue;
      }
      if (!is_alpha(c)) return bad("begins with neither a name nor a section");
      if (section_.empty()) return bad("sets a value before the first section");
      if (!get_value(begin, c)) return bad("is not \"name = value\"");
    }
  }

 private:
  // What git's versions read differently, or what no honest program writes.
  Result<void> check_bytes() const {
    int line = 1;
    std::size_t line_begin = 0;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      const char c = bytes_[i];
      const char* reason = nullptr;
      if (c == '\0') reason = "has a NUL byte in it";
      if (c == '\r' && (i + 1 == bytes_.size() || bytes_[i + 1] != '\n')) {
        reason = "has a carriage return in it";
      }
      if (c == '\xEF' && i > 0 && bytes_.substr(i, 3) == kByteOrderMark) {
        reason = "has a byte order mark in it";
      }
      if (i - line_begin > kMaxLine) reason = "is longer than 1 MiB";
      if (reason != nullptr) {
        return Error(Errc::kInvalidProfile, "line " + std::to_string(line) + ": " + reason);
      }
      if (c == '\n') {
        ++line;
        line_begin = i + 1;
      }
    }
    return {};
  }

  // '\n' at the end too, with ended_ set.
  int next() {
    if (at_ < bytes_.size() && bytes_[at_] == '\r') ++at_;  // a '\n' follows, as check_bytes() saw
    if (at_ == bytes_.size()) {
      ended_ = true;
      return '\n';
    }
    const int c = static_cast<unsigned char>(bytes_[at_++]);
    if (c == '\n') ++line_;
    return c;
  }

  bool get_base_var() {
    for (;;) {
      const int c = next();
      if (ended_) return false;
      if (c == ']') return true;
      if (is_space(c)) return get_extended_base_var(c);
      if (!is_key_byte(c) && c != '.') return false;
      section_ += to_lower(c);
    }
  }

  bool get_extended_base_var(int c) {
    do {
      if (c == '\n') return false;
      c = next();
    } while (is_space(c));
    if (c != '"') return false;
    section_ += '.';
    for (;;) {
      c = next();
      if (c == '\n') return false;
      if (c == '"') break;
      if (c == '\\') {
        c = next();
        if (c == '\n') return false;
      }
      section_ += static_cast<char>(c);
    }
    return next() == ']';
  }

  bool get_value(std::size_t begin, int c) {
    GitConfigEntry entry;
    entry.line = line_;
    entry.key = section_;
    entry.key += to_lower(c);
    for (;;) {
      c = next();
      if (ended_ || !is_key_byte(c)) break;
      entry.key += to_lower(c);
    }
    while (c == ' ' || c == '\t') c = next();
    if (c != '\n') {
      if (c != '=') return false;
      entry.value = parse_value();
      if (!entry.value) return false;
    }
    set_range(entry, begin);
    entries_.push_back(std::move(entry));
    return true;
  }

  std::optional<std::string> parse_value() {
    std::string value;
    bool quote = false;
    bool comment = false;
    std::size_t spaces = 0;
    for (;;) {
      int c = next();
      if (c == '\n') {
        if (quote) return std::nullopt;
        return value;
      }
      if (comment) continue;
      if (is_space(c) && !quote) {
        if (!value.empty()) ++spaces;
        continue;
      }
      if (!quote && (c == ';' || c == '#')) {
        comment = true;
        continue;
      }
      value.append(spaces, ' ');
      spaces = 0;
      if (c == '\\') {
        c = next();
        switch (c) {
          case '\n':
            if (ended_) return std::nullopt;  // git's versions differ about a file that ends so
            continue;
          case 't':
            c = '\t';
            break;
          case 'b':
            c = '\b';
            break;
          case 'n':
            c = '\n';
            break;
          case '\\':
          case '"':
            break;
          default:
            return std::nullopt;
        }
        value += static_cast<char>(c);
        continue;
      }
      if (c == '"') {
        quote = !quote;
        continue;
      }
      value += static_cast<char>(c);
    }
  }

  // The entry's lines, or its part of a line that it shares with a section header.
  void set_range(GitConfigEntry& entry, std::size_t begin) const {
    std::size_t line_begin = begin;
    while (line_begin > 0 && (bytes_[line_begin - 1] == ' ' || bytes_[line_begin - 1] == '\t')) {
      --line_begin;
    }
    entry.begin = begin;
    entry.end = at_;
    if (line_begin == 0 || bytes_[line_begin - 1] == '\n') {
      entry.begin = line_begin;
      return;
    }
    if (entry.end > begin && bytes_[entry.end - 1] == '\n') {
      --entry.end;
      if (entry.end > begin && bytes_[entry.end - 1] == '\r') --entry.end;
    }
  }

  Error bad(std::string_view reason) const {
    return Error(Errc::kInvalidProfile,
                 "line " + std::to_string(line_) + ": " + std::string(reason));
  }

  const std::string_view bytes_;
  std::size_t at_ = 0;
  bool ended_ = false;
  int line_ = 1;
  std::string section_;
  std::vector<GitConfigEntry> entries_;
};

bool same(const GitConfigEntry& a, const GitConfigEntry& b) {
  return a.key == b.key && a.value == b.value;
}

bool same(const std::vector<GitConfigEntry>& a, const std::vector<GitConfigEntry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

using Entries = std::vector<GitConfigEntry>;

// Those for which `which` holds, in order.
template <class Predicate>
Entries those(const Entries& entries, Predicate which) {
  Entries kept;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(kept), which);
  return kept;
}

// What of `a` is not in `b`, each counted as often as it is there more; the first ones are matched.
Entries difference(const Entries& a, const Entries& b) {
  std::map<std::pair<std::string_view, std::optional<std::string_view>>, std::size_t> left;
  const auto key = [](const GitConfigEntry& entry) {
    return std::pair<std::string_view, std::optional<std::string_view>>(entry.key, entry.value);
  };
  for (const auto& entry : b) ++left[key(entry)];
  return those(a, [&](const GitConfigEntry& entry) {
    const auto found = left.find(key(entry));
    if (found == left.end() || found->second == 0) return true;
    --found->second;
    return false;
  });
}

std::string without(std::string_view bytes, const std::vector<GitConfigEntry>& entries) {
  std::string rest;
  std::size_t at = 0;
  for (const auto& entry : entries) {
    rest.append(bytes.substr(at, entry.begin - at));
    at = entry.end;
  }
  rest.append(bytes.substr(at));
  return rest;
}

}  // namespace

std::string_view GitConfigEntry::section() const {
  return std::string_view(key).substr(0, key.find('.'));
}

std::string_view GitConfigEntry::subsection() const {
  const std::size_t first = key.find('.');
  const std::size_t last = key.rfind('.');
  if (first == last) return {};
  return std::string_view(key).substr(first + 1, last - first - 1);
}

std::string_view GitConfigEntry::name() const {
  return std::string_view(key).substr(key.rfind('.') + 1);
}

Result<std::vector<GitConfigEntry>> parse_git_config(std::string_view bytes) {
  return Parser(bytes).run();
}

std::string format_git_config_entry(const GitConfigEntry& entry) {
  const auto escaped = [](std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  std::string text = "[" + std::string(entry.section());
  if (entry.key.find('.') != entry.key.rfind('.')) {
    text += " \"" + escaped(entry.subsection()) + "\"";
  }
  text += "]\n\t" + std::string(entry.name());
  if (entry.value) {
    text += " = \"";
    for (const char c : *entry.value) {
      switch (c) {
        case '\n':
          text += "\\n";
          break;
        case '\t':
          text += "\\t";
          break;
        case '\b':
          text += "\\b";
          break;
        default:
          text += escaped(std::string_view(&c, 1));
      }
    }
    text += '"';
  }
  return text + "\n";
}

GitConfigRepair repair_git_config(std::string_view before, std::string_view after,
                                  const std::function<bool(const GitConfigEntry&)>& tolerate) {
  GitConfigRepair repair;
  if (before == after) return repair;
  auto old_entries = parse_git_config(before);
  auto new_entries = parse_git_config(after);
  if (!new_entries || !old_entries) {
    // What git refused before the run is not ours to read either; both are the same case.
    repair.anomaly =
        new_entries ? "before the run, " + old_entries.error().what() : new_entries.error().what();
    repair.repaired = std::string(before);
    return repair;
  }
  const auto is_executing = [&](const GitConfigEntry& entry) {
    return !why_executing(entry).empty() && !(tolerate && tolerate(entry));
  };
  const auto executing = [&](const Entries& entries) { return those(entries, is_executing); };
  const auto without_executing = [&](const Entries& entries) {
    return those(entries, [&](const GitConfigEntry& entry) { return !is_executing(entry); });
  };
  const Entries old_executing = executing(*old_entries);
  const Entries new_executing = executing(*new_entries);
  if (same(old_executing, new_executing)) return repair;
  repair.planted = difference(new_executing, old_executing);
  repair.removed = difference(old_executing, new_executing);

  std::string text = without(after, repair.planted);
  auto left = parse_git_config(text);
  if (!left || !same(executing(*left), old_executing)) {
    // Some are gone or stand in another order, and the last one wins: write them anew at the end.
    text = without(after, new_executing);
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (const auto& entry : old_executing) text += format_git_config_entry(entry);
    left = parse_git_config(text);
  }
  if (left && same(executing(*left), old_executing) &&
      same(without_executing(*left), without_executing(*new_entries))) {
    repair.repaired = std::move(text);
  } else {
    repair.anomaly = "the entries cannot be told apart";
    repair.repaired = std::string(before);
  }
  return repair;
}

}  // namespace redoubtful::cli
