#include "proxy/policy.hpp"

#include <algorithm>
#include <tuple>

#include "proxy/rule_text.hpp"
#include "proxy/target.hpp"

namespace redoubtful::proxy {
namespace {

namespace ip = boost::asio::ip;
using Rules = std::vector<Sourced<HostRule>>;
using Rule = const Sourced<HostRule>*;

constexpr std::size_t kShownPathBytes = 200;

bool applies_to_port(const HostRule& rule, Port port) {
  return rule.any_port || rule.port == port.number();
}

// The rule names it, whatever methods and paths it is limited to.
bool names(const HostRule& rule, const Host& host, Port port, Scheme scheme) {
  return rule.pattern.matches(host) && applies_to_port(rule, port) &&
         (rule.any_scheme || rule.scheme == scheme);
}

bool is_conditional(const HostRule& rule) { return !rule.methods.empty() || !rule.paths.empty(); }

// The first rule that holds for every request of such a connection.
Rule unconditional(const Rules& rules, const Host& host, Port port, Scheme scheme) {
  for (const auto& rule : rules) {
    if (names(rule.value, host, port, scheme) && !is_conditional(rule.value)) return &rule;
  }
  return nullptr;
}

// The order of decide(): a name before a wildcard, a longer wildcard before a shorter one, splice
// before interception; here also where methods or paths are limited.
Rule most_specific(const Rules& rules, const Host& host, Port port, Scheme scheme) {
  const auto key = [](const HostRule& rule) {
    return std::tuple(!rule.pattern.wildcard(), rule.pattern.text().size(), rule.splice);
  };
  Rule best = nullptr;
  for (const auto& rule : rules) {
    if (!names(rule.value, host, port, scheme)) continue;
    if (best == nullptr || key(rule.value) > key(best->value)) best = &rule;
  }
  return best;
}

// A tcp:// or ssh:// rule allows the port.
bool allows_tunnel(const NetworkProfile& network, const Host& host, Port port) {
  return most_specific(network.allow, host, port, Scheme::kTcp) != nullptr ||
         most_specific(network.allow, host, port, Scheme::kSsh) != nullptr;
}

template <class Predicate>
bool any_for_host(const NetworkProfile& network, const Host& host, Predicate predicate) {
  const auto in = [&](const Rules& rules) {
    return std::any_of(rules.begin(), rules.end(), [&](const Sourced<HostRule>& rule) {
      return rule.value.pattern.matches(host) && predicate(rule.value);
    });
  };
  return in(network.allow) || in(network.deny) || in(network.ask);
}

bool limits_methods(const HostRule& rule) { return !rule.methods.empty(); }
bool limits_paths(const HostRule& rule) { return !rule.paths.empty(); }

// An RFC 9110 token.
bool is_method(std::string_view method) {
  return !method.empty() && method.size() <= 64 &&
         std::all_of(method.begin(), method.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
         });
}

std::string upper_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string shortened(const std::string& path) {
  return path.size() <= kShownPathBytes ? path : path.substr(0, kShownPathBytes) + "…";
}

bool includes_all(const std::vector<std::string>& wide, const std::vector<std::string>& narrow) {
  return std::all_of(narrow.begin(), narrow.end(), [&](const std::string& item) {
    return std::find(wide.begin(), wide.end(), item) != wide.end();
  });
}

}  // namespace

Admission::Admission(Host host, Port port, Handling handling, std::string rule, std::string place,
                     std::vector<std::string> private_ranges)
    : host_(std::move(host)),
      port_(port),
      handling_(handling),
      rule_(std::move(rule)),
      place_(std::move(place)),
      private_ranges_(std::move(private_ranges)) {}

std::string Admission::authority() const {
  switch (handling_) {
    case Handling::kPlainHttp:
      return authority_of(host_, port_, Scheme::kHttp);
    case Handling::kTunnel:
      return authority_of(host_, port_, Scheme::kTcp);
    case Handling::kIntercept:
    case Handling::kSplice:
      break;
  }
  return authority_of(host_, port_, Scheme::kHttps);
}

Policy::Policy(NetworkProfile network, std::vector<ip::address> own_addresses)
    : network_(std::move(network)), own_addresses_(std::move(own_addresses)) {
  if (network_.mode.value == NetworkMode::kDangerouslyOpen) {
    network_.mode.value = NetworkMode::kFiltered;
  }
  for (Rules* rules : {&network_.allow, &network_.deny, &network_.ask}) {
    for (auto& rule : *rules) {
      for (auto& glob : rule.value.paths) glob = comparable_glob(glob);
    }
  }
}

std::variant<Admission, Denial> Policy::admission(const Host& host, Port port, Handling handling,
                                                  Rule rule) const {
  if (auto unreadable = unreadable_origin(host, port)) return *std::move(unreadable);
  if (rule == nullptr) return Admission(host, port, handling, {}, {}, {});
  return Admission(host, port, handling, rule->value.text, place_of(rule->origin),
                   rule->value.private_ranges);
}

std::variant<Admission, Denial> Policy::admit_tunnel(const Host& host, Port port) const {
  const Access tcp{.host = host, .port = port, .scheme = Scheme::kTcp};
  const Access ssh{.host = host, .port = port, .scheme = Scheme::kSsh};
  Verdict verdict = decide(network_, tcp);
  if (verdict.decision == Decision::kDeny && verdict.rule == nullptr) {
    verdict = decide(network_, ssh);
  }
  switch (verdict.decision) {
    case Decision::kAllow:
      return admission(host, port, Handling::kTunnel, verdict.rule);
    case Decision::kAsk:
      return denial(DenyReason::kAskedNobody, host, port, verdict.rule);
    case Decision::kDeny:
      break;
  }
  if (verdict.rule != nullptr) return denial(DenyReason::kExplicitDeny, host, port, verdict.rule);
  if (network_.mode.value == NetworkMode::kDiscover && !host.is_address()) {
    return admission(host, port, Handling::kTunnel, nullptr);
  }
  return not_allowed(host, port, port.number() == 22 ? Scheme::kSsh : Scheme::kTcp);
}

std::variant<Admission, Denial> Policy::admit_seen(const Host& host, Port port,
                                                   Scheme scheme) const {
  if (Rule rule = unconditional(network_.deny, host, port, scheme)) {
    return denial(DenyReason::kExplicitDeny, host, port, rule);
  }
  const auto mode = network_.mode.value;
  if (mode == NetworkMode::kNone) return not_allowed(host, port, scheme);
  Rule allowed = most_specific(network_.allow, host, port, scheme);
  if (allowed != nullptr && allowed->value.splice) {
    // Nothing inside will be seen, so whatever may hold of it is judged now.
    const Verdict verdict = decide(network_, Access{.host = host, .port = port, .scheme = scheme});
    if (verdict.decision == Decision::kAsk) {
      return denial(DenyReason::kAskedNobody, host, port, verdict.rule);
    }
    if (verdict.decision == Decision::kDeny) {
      auto out = denial(DenyReason::kExplicitDeny, host, port, verdict.rule);
      out.detail =
          "its TLS is passed through unopened, so that what is denied in it cannot be seen";
      return out;
    }
    return admission(host, port, Handling::kSplice, verdict.rule);
  }
  if (Rule rule = unconditional(network_.ask, host, port, scheme)) {
    return denial(DenyReason::kAskedNobody, host, port, rule);
  }
  const Handling handling = scheme == Scheme::kHttps ? Handling::kIntercept : Handling::kPlainHttp;
  if (allowed != nullptr) return admission(host, port, handling, allowed);
  if (allows_tunnel(network_, host, port)) return admit_tunnel(host, port);
  if (mode == NetworkMode::kDiscover && !host.is_address()) {
    return admission(host, port, handling, nullptr);
  }
  return not_allowed(host, port, scheme);
}

std::variant<Admission, Denial> Policy::admit(const Host& host, Port port, Carried carried) const {
  switch (carried) {
    case Carried::kTls:
      return admit_seen(host, port, Scheme::kHttps);
    case Carried::kHttp:
      return admit_seen(host, port, Scheme::kHttp);
    case Carried::kOpaque:
      break;
  }
  return admit_tunnel(host, port);
}

bool Policy::opaque(const Host& host, Port port) const {
  return allows_tunnel(network_, host, port) &&
         most_specific(network_.allow, host, port, Scheme::kHttps) == nullptr &&
         most_specific(network_.allow, host, port, Scheme::kHttp) == nullptr;
}

std::variant<RequestPermit, Denial> Policy::permit(const Admission& admission,
                                                   std::string_view method,
                                                   std::string_view raw_target) const {
  const Host& host = admission.host();
  const bool plain = admission.handling() == Handling::kPlainHttp;
  const Scheme scheme = plain ? Scheme::kHttp : Scheme::kHttps;
  const std::string base =
      std::string(scheme_name(scheme)) + "://" + authority_of(host, admission.port(), scheme);
  const auto refuse = [&](DenyReason reason, std::string detail, std::string target) {
    auto out = denial(reason, host, admission.port(), nullptr);
    out.detail = std::move(detail);
    out.target = std::move(target);
    return out;
  };
  if (!plain && admission.handling() != Handling::kIntercept) {
    auto out = refuse(DenyReason::kSchemeNotAllowed,
                      "its rule is for a tunnel, in which requests cannot be judged", base);
    out.rule = admission.rule();
    out.place = admission.place();
    return out;
  }
  if (!is_method(method)) return refuse(DenyReason::kMalformed, "the method is no token", base);
  const std::string upper = upper_case(method);
  if (upper == "TRACE" || upper == "CONNECT") {
    return refuse(DenyReason::kMethodOrPath, upper + " is never let through", base);
  }
  const bool method_limited = any_for_host(network_, host, limits_methods);
  const bool path_limited = any_for_host(network_, host, limits_paths);
  if (method_limited && upper != method) {
    return refuse(DenyReason::kMalformed, "rules limit the methods, and this one is not upper case",
                  base);
  }
  auto target = canonical_target(raw_target);
  if (!target) return refuse(DenyReason::kBadTarget, target.error().what(), base);
  const std::string url = base + (target->path == "*" ? "" : shortened(target->path));
  if (target->path == "*" && method != "OPTIONS") {
    return refuse(DenyReason::kBadTarget, "the request target * is for OPTIONS", base);
  }
  if (target->ambiguous && path_limited) {
    return refuse(DenyReason::kBadTarget,
                  "rules limit the paths, and servers read this one in different ways", url);
  }
  if (const auto* settings = settings_of(host);
      settings != nullptr && !settings->via.empty() && may_climb(target->path)) {
    return refuse(DenyReason::kBadTarget,
                  "some servers would read a path beside the one that its gateway stands for", url);
  }
  const std::string comparable = comparable_path(target->path);
  // "*" is no path, and every path: what names paths is taken at its worst.
  std::optional<std::string_view> path;
  if (target->path != "*") path = comparable;
  const Verdict verdict = decide(network_, Access{.host = host,
                                                  .port = admission.port(),
                                                  .scheme = scheme,
                                                  .method = method,
                                                  .path = path});
  const bool discovers = network_.mode.value == NetworkMode::kDiscover && !host.is_address();
  const bool by_nobody = verdict.decision == Decision::kDeny && verdict.rule == nullptr;
  if (verdict.decision != Decision::kAllow && !(by_nobody && discovers)) {
    const auto reason = verdict.decision == Decision::kAsk ? DenyReason::kAskedNobody
                        : by_nobody                        ? DenyReason::kMethodOrPath
                                                           : DenyReason::kExplicitDeny;
    auto out = denial(reason, host, admission.port(), verdict.rule);
    out.target = std::string(method) + " " + url;
    if (by_nobody) {
      out.rule = admission.rule();
      out.place = admission.place();
      out.detail = "the host is allowed, but not for this method and path";
      out.remedy = rule_for(host, admission.port(), scheme);
    }
    return out;
  }
  // The address was vetted by the rule that admitted the connection: what that one opened is not
  // open to the requests of others.
  static const std::vector<std::string> kNone;
  const auto& ranges = verdict.rule != nullptr ? verdict.rule->value.private_ranges : kNone;
  if (!includes_all(ranges, admission.private_ranges_)) {
    auto out = denial(DenyReason::kNonPublicAddress, host, admission.port(), verdict.rule);
    out.target = std::string(method) + " " + url;
    out.detail =
        "the rule that allows this request lacks the `private` ranges of " + admission.rule();
    return out;
  }
  const bool ruled = verdict.rule != nullptr;
  return RequestPermit(host, admission.port(), target->text(),
                       ruled ? verdict.rule->value.text : std::string(),
                       ruled ? place_of(verdict.rule->origin) : std::string(),
                       {.method = method_limited, .path = path_limited});
}

}  // namespace redoubtful::proxy
