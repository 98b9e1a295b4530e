#include "cli/host_rule_loader.hpp"

#include <algorithm>
#include <array>

#include "cli/value_syntax.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxRules = 2000;

// The mapping form while its keys arrive in any order.
struct Draft {
  std::string host;
  std::vector<std::string> methods;
  std::vector<std::string> paths;
  std::vector<std::string> private_ranges;
  bool splice = false;
};

Result<std::string> parse_method(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 32 &&
                    std::all_of(text.begin(), text.end(),
                                [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
  if (fits) return std::string(text);
  constexpr std::array<std::string_view, 7> kUsual{"GET",    "HEAD",  "POST",   "PUT",
                                                   "DELETE", "PATCH", "OPTIONS"};
  std::string upper(text.substr(0, 32));
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return Error(Errc::kInvalidProfile,
               quoted(text, 40) + " is not a method in capitals" + did_you_mean(upper, kUsual));
}

Result<std::string> parse_url_path(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7F && c != '?' && c != '#';
  });
  if (text.starts_with('/') && printable && text.size() <= 2048) return std::string(text);
  return Error(Errc::kInvalidProfile,
               quoted(text, 80) + " is not a path: '/', then what stands before the '?' of a URL");
}

template <class Parse>
Result<void> read_texts(const Document& document, const YamlNode& node, Parse parse,
                        std::vector<std::string>& out) {
  return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    auto value = read_value(document, item, parse);
    if (!value) return std::move(value).error();
    out.push_back(*std::move(value));
    return {};
  });
}

// In the rule an empty list stands for "every", so one that was written must not become it.
Result<void> refuse_empty(const Document& document, const YamlNode& node, std::string_view what) {
  if (node.kind != YamlNode::Kind::kList || !node.items.empty()) return {};
  return document
      .error(node, "an empty list of " + std::string(what) +
                       " matches nothing, so the rule can never match")
      .hint("leave the rule out, or leave out " + std::string(what) + " to mean every one");
}

constexpr std::array<Key<Draft>, 5> kRuleKeys{{
    {"host",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       auto text = read_text(document, node);
       if (!text) return std::move(text).error();
       out.host = *std::move(text);
       return {};
     }},
    {"methods",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       if (auto some = refuse_empty(document, node, "methods"); !some) return some;
       return read_texts(document, node, parse_method, out.methods);
     }},
    {"paths",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       if (auto some = refuse_empty(document, node, "paths"); !some) return some;
       return read_texts(document, node, parse_url_path, out.paths);
     }},
    {"private",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       return read_texts(document, node, parse_address_range, out.private_ranges);
     }},
    {"splice",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       return read_into(document, node, parse_flag, out.splice);
     }},
}};

// What this combination of keys cannot mean; empty when it means something.
std::string_view contradiction(const HostRule& rule, HostRule::List list) {
  const bool inspected = !rule.methods.empty() || !rule.paths.empty();
  if (inspected && rule.splice)
    return "splice passes TLS unopened: methods and paths cannot be seen";
  if (inspected && (rule.scheme == Scheme::kTcp || rule.scheme == Scheme::kSsh)) {
    return "methods and paths are seen in https and http only";
  }
  if (rule.splice && rule.scheme != Scheme::kHttps) return "splice is for https";
  if (list == HostRule::List::kDeny && rule.splice) return "splice says nothing in deny";
  if (list == HostRule::List::kDeny && !rule.private_ranges.empty()) {
    return "private says nothing in deny";
  }
  return {};
}

Result<HostRule> read_host_rule(const Document& document, const YamlNode& node,
                                HostRule::List list) {
  if (node.kind == YamlNode::Kind::kScalar) {
    return read_value(document, node,
                      [&](std::string_view text) { return HostRule::parse(text, list); });
  }
  Draft draft;
  if (auto read = read_keys<Draft>(document, node, kRuleKeys, draft); !read) {
    return std::move(read).error();
  }
  if (draft.host.empty()) return document.error(node, "a rule needs the key host");
  auto rule = HostRule::parse(draft.host, list);
  if (!rule) return document.error(node, std::move(rule).error());
  rule->methods = std::move(draft.methods);
  rule->paths = std::move(draft.paths);
  rule->private_ranges = std::move(draft.private_ranges);
  rule->splice = draft.splice;
  if (const auto problem = contradiction(*rule, list); !problem.empty()) {
    return document.error(node, problem);
  }
  return rule;
}

}  // namespace

Result<void> read_host_rules(const Document& document, const YamlNode& node, HostRule::List list,
                             std::vector<Sourced<HostRule>>& out) {
  const std::size_t first = out.size();
  auto read = read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    auto rule = read_host_rule(document, item, list);
    if (!rule) return std::move(rule).error();
    out.push_back({*std::move(rule), document.origin(item)});
    return {};
  });
  if (!read) return read;
  // The comparison below is quadratic.
  if (out.size() - first > kMaxRules) {
    return document.error(node, "more than " + std::to_string(kMaxRules) + " rules in one list");
  }
  for (std::size_t i = first; i < out.size(); ++i) {
    for (std::size_t j = first; j < out.size(); ++j) {
      if (i == j || !out[j].value.covers(out[i].value)) continue;
      if (i < j && out[i].value.covers(out[j].value)) continue;  // twins: blame the second
      return error_at(Errc::kInvalidProfile, out[i].origin,
                      "the rule " + quoted(out[i].value.text) +
                          " can never matter: " + quoted(out[j].value.text) + " in line " +
                          std::to_string(out[j].origin.line) + " covers it")
          .hint("remove one of them");
    }
  }
  return {};
}

}  // namespace redoubtful::cli
