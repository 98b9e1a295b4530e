#include "common/network_rules.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace redoubtful {
namespace {

enum class Reading { kGrants, kRefuses };

bool opaque(const Access& access) {
  return access.scheme == Scheme::kTcp || access.scheme == Scheme::kSsh;
}

bool matches(const HostRule& rule, const Access& access, Reading reading) {
  if (!rule.pattern.matches(access.host)) return false;
  if (!rule.any_port && rule.port != access.port.number()) return false;
  const bool any_scheme = rule.any_scheme || (reading == Reading::kRefuses && opaque(access));
  if (!any_scheme && rule.scheme != access.scheme) return false;
  const bool unseen = reading == Reading::kRefuses;
  if (!rule.methods.empty()) {
    const bool listed = access.method ? std::find(rule.methods.begin(), rule.methods.end(),
                                                  *access.method) != rule.methods.end()
                                      : unseen;
    if (!listed) return false;
  }
  if (!rule.paths.empty()) {
    const bool listed =
        access.path
            ? std::any_of(rule.paths.begin(), rule.paths.end(),
                          [&](const std::string& glob) { return path_matches(glob, *access.path); })
            : unseen;
    if (!listed) return false;
  }
  return true;
}

const Sourced<HostRule>* first_match(const std::vector<Sourced<HostRule>>& rules,
                                     const Access& access) {
  for (const auto& rule : rules) {
    if (matches(rule.value, access, Reading::kRefuses)) return &rule;
  }
  return nullptr;
}

// A larger key is more specific.
std::tuple<bool, std::size_t, bool> specificity(const HostRule& rule) {
  return {!rule.pattern.wildcard(), rule.pattern.text().size(), rule.splice};
}

}  // namespace

bool path_matches(std::string_view glob, std::string_view path) {
  // reached[j]: the part of the glob read so far matches the first j bytes of the path. Linear
  // memory and |glob|·|path| steps, whatever the pattern.
  std::vector<bool> reached(path.size() + 1, false);
  reached[0] = true;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    std::vector<bool> next(path.size() + 1, false);
    if (glob[i] == '*') {
      const bool across = i + 1 < glob.size() && glob[i + 1] == '*';
      if (across) ++i;
      for (std::size_t j = 0; j <= path.size(); ++j) {
        next[j] = reached[j] || (j > 0 && next[j - 1] && (across || path[j - 1] != '/'));
      }
    } else {
      for (std::size_t j = 1; j <= path.size(); ++j) {
        next[j] = reached[j - 1] && path[j - 1] == glob[i];
      }
    }
    reached.swap(next);
  }
  return reached[path.size()];
}

Verdict decide(const NetworkProfile& network, const Access& access) {
  if (const auto* rule = first_match(network.deny, access)) return {Decision::kDeny, rule};
  if (network.mode.value == NetworkMode::kNone) return {};
  const Sourced<HostRule>* allowed = nullptr;
  for (const auto& rule : network.allow) {
    if (!matches(rule.value, access, Reading::kGrants)) continue;
    if (allowed == nullptr || specificity(rule.value) > specificity(allowed->value))
      allowed = &rule;
  }
  if (allowed != nullptr && allowed->value.splice && (access.method || access.path)) {
    // TLS that is passed through shows neither, so what restricts them has to be judged again.
    Access unseen = access;
    unseen.method.reset();
    unseen.path.reset();
    return decide(network, unseen);
  }
  if (const auto* rule = first_match(network.ask, access)) return {Decision::kAsk, rule};
  if (allowed != nullptr) return {Decision::kAllow, allowed};
  if (network.mode.value == NetworkMode::kDangerouslyOpen) return {Decision::kAllow, nullptr};
  return {};
}

}  // namespace redoubtful
