#include "cli/path_glob.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr std::size_t kMaxComponents = 64;

// The position behind the "]" that closes the set at `at` ("["), or npos.
std::size_t end_of_set(std::string_view glob, std::size_t at) {
  std::size_t i = at + 1;
  if (i < glob.size() && (glob[i] == '!' || glob[i] == '^')) ++i;
  bool first = true;
  for (; i < glob.size(); ++i, first = false) {
    if (glob[i] == '\\') {
      ++i;
    } else if (glob[i] == ']' && !first) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Whether the set glob[at, end) ("[a-z]") holds `byte`.
bool set_holds(std::string_view glob, std::size_t at, std::size_t end, unsigned char byte) {
  std::size_t i = at + 1;
  const std::size_t last = end - 1;
  const bool negated = glob[i] == '!' || glob[i] == '^';
  if (negated) ++i;
  const auto next = [&] {
    if (glob[i] == '\\') ++i;
    return static_cast<unsigned char>(glob[i++]);
  };
  bool held = false;
  while (i < last) {
    const unsigned char low = next();
    unsigned char high = low;
    if (i + 1 < last && glob[i] == '-') {
      ++i;
      high = next();
    }
    held = held || (low <= byte && byte <= high);
  }
  return held != negated;
}

// One component against one glob without slashes. Only the last star is retried: an earlier one
// could not let a later part match that this does not.
bool component_matches(std::string_view glob, std::string_view name) {
  std::size_t g = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (n < name.size()) {
    bool matched = false;
    std::size_t next = g;
    if (g < glob.size()) {
      switch (glob[g]) {
        case '*':
          star = g++;
          star_name = n;
          continue;
        case '?':
          matched = true;
          next = g + 1;
          break;
        case '[':
          next = end_of_set(glob, g);
          matched = set_holds(glob, g, next, static_cast<unsigned char>(name[n]));
          break;
        case '\\':
          matched = glob[g + 1] == name[n];
          next = g + 2;
          break;
        default:
          matched = glob[g] == name[n];
          next = g + 1;
      }
    }
    if (matched) {
      g = next;
      ++n;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::optional<std::string> without_escapes(std::string_view component) {
  if (component.find_first_of("*?[") != std::string_view::npos) {
    // An escaped wildcard is no wildcard, but then the table look-up is not worth the trouble.
    return std::nullopt;
  }
  std::string plain;
  for (std::size_t i = 0; i < component.size(); ++i) {
    if (component[i] == '\\') ++i;
    plain += component[i];
  }
  return plain;
}

Error bad(std::string_view text, std::string_view reason) {
  return Error(Errc::kInvalidProfile, quoted(text) + " " + std::string(reason));
}

}  // namespace

Result<PathGlob> PathGlob::parse(std::string_view text) {
  PathGlob glob;
  glob.text_ = text;
  if (text.empty() || text == "/") return bad(text, "names nothing");
  if (text.size() > kMaxBytes) return bad(text, "is longer than 4,096 bytes");
  if (text.find('\0') != std::string_view::npos) return bad(text, "has a NUL byte in it");
  if (text.front() == '!') {
    return bad(text, "begins with \"!\", which takes nothing off here")
        .hint("write \\! for a name that begins with an exclamation mark");
  }
  std::string_view rest = text;
  if (rest.back() == '/') {
    glob.directories_only_ = true;
    rest.remove_suffix(1);
  }
  if (!rest.empty() && rest.front() == '/') {
    glob.anchored_ = true;
    rest.remove_prefix(1);
  }
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    if (component.empty()) return bad(text, "has an empty component (two slashes in a row)");
    if (component == "." || component == "..") {
      return bad(text, "has a \"" + std::string(component) + "\" in it")
          .hint("write the path from the mount's top, without . and ..");
    }
    for (std::size_t i = 0; i < component.size(); ++i) {
      if (component[i] == '\\') {
        // The two are one; what follows an escaped backslash is not escaped.
        if (++i == component.size()) return bad(text, "ends a component with a backslash");
      } else if (component[i] == '[') {
        const std::size_t end = end_of_set(component, i);
        if (end == std::string_view::npos) {
          return bad(text, "has a \"[\" that is not closed").hint("write \\[ for the character");
        }
        if (component.substr(i, end - i).find("[:") != std::string_view::npos) {
          return bad(text, "uses a named character class").hint("write [a-z0-9] or the like");
        }
        i = end - 1;
      }
    }
    glob.components_.emplace_back(component);
    if (glob.components_.size() > kMaxComponents) return bad(text, "has over 64 components");
    if (slash == std::string_view::npos) break;
    glob.anchored_ = true;
    rest.remove_prefix(slash + 1);
  }
  // "**/x" is "x" at any depth; leading ones say no more than "not anchored".
  while (glob.components_.size() > 1 && glob.components_.front() == "**") {
    glob.components_.erase(glob.components_.begin());
    glob.anchored_ = false;
  }
  if (glob.components_.back() != "**") {
    glob.literal_name_ = without_escapes(glob.components_.back());
  }
  return glob;
}

bool PathGlob::matches(std::string_view path, EntryType type) const {
  if (directories_only_ && type != EntryType::kDirectory && type != EntryType::kSymlink) {
    return false;
  }
  // Components of the path, by their ends; "**" is retried like a star, the last one alone.
  constexpr std::size_t kNone = std::string_view::npos;
  const auto component_at = [&](std::size_t begin) {
    return path.substr(begin, std::min(path.find('/', begin), path.size()) - begin);
  };
  std::size_t g = 0;
  std::size_t p = 0;
  std::size_t deep = anchored_ ? kNone : 0;  // where to go on in the glob after a "**"
  std::size_t deep_path = 0;
  while (p < path.size()) {
    const std::string_view name = component_at(p);
    if (g < components_.size() && components_[g] == "**") {
      if (g + 1 == components_.size()) return true;
      deep = ++g;
      deep_path = p;
      continue;
    }
    if (g < components_.size() && component_matches(components_[g], name)) {
      ++g;
      p += name.size() + 1;
      continue;
    }
    if (deep == kNone) return false;
    g = deep;
    deep_path += component_at(deep_path).size() + 1;
    p = deep_path;
  }
  return g == components_.size();
}

std::size_t PathGlobSet::add(PathGlob glob) {
  const std::size_t number = globs_.size();
  if (const auto& name = glob.literal_name()) {
    by_name_[*name].push_back(number);
    if (!name->empty()) {
      lengths_by_first_byte_[static_cast<unsigned char>(name->front())].set(
          std::min<std::size_t>(name->size(), 63));
    }
  } else {
    with_wildcard_.push_back(number);
  }
  globs_.push_back(std::move(glob));
  return number;
}

std::optional<std::size_t> PathGlobSet::match(std::string_view directory, std::string_view name,
                                              EntryType type) const {
  const std::vector<std::size_t>* named = nullptr;
  if (!name.empty() && lengths_by_first_byte_[static_cast<unsigned char>(name.front())].test(
                           std::min<std::size_t>(name.size(), 63))) {
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) named = &found->second;
  }
  if (named == nullptr && with_wildcard_.empty()) return std::nullopt;

  std::string path;
  const auto matches = [&](std::size_t number) {
    const PathGlob& glob = globs_[number];
    if (glob.name_only()) return glob.matches(name, type);
    if (path.empty()) {
      path.reserve(directory.size() + 1 + name.size());
      path.append(directory);
      if (!path.empty()) path += '/';
      path.append(name);
    }
    return glob.matches(path, type);
  };
  std::optional<std::size_t> first;
  if (named != nullptr) {
    const auto hit = std::find_if(named->begin(), named->end(), matches);
    if (hit != named->end()) first = *hit;
  }
  for (const std::size_t number : with_wildcard_) {
    if (first && number > *first) break;
    if (matches(number)) return number;
  }
  return first;
}

}  // namespace redoubtful::cli
