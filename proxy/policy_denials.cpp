// Why something is not allowed, in words: which rule came nearest, and what would allow it.

#include <array>
#include <set>

#include "proxy/policy.hpp"
#include "proxy/rule_text.hpp"

namespace redoubtful::proxy {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kShownPorts = 8;

// "only port 443 of it is allowed", "only ports 443, 8443 of it are allowed"
std::string only_ports(const std::set<std::uint16_t>& ports) {
  std::string list;
  std::size_t shown = 0;
  for (const auto number : ports) {
    if (shown == kShownPorts) {
      list += " …";
      break;
    }
    list += (shown++ == 0 ? " " : ", ") + std::to_string(number);
  }
  return ports.size() == 1 ? "only port" + list + " of it is allowed"
                           : "only ports" + list + " of it are allowed";
}

}  // namespace

std::string_view deny_reason_name(DenyReason reason) noexcept {
  constexpr std::array<std::string_view, 20> kNames{
      "no_matching_rule",   "explicit_deny", "asked_nobody",       "port_not_allowed",
      "scheme_not_allowed", "ip_literal",    "invalid_name",       "non_public_address",
      "name_not_indicated", "name_mismatch", "method_or_path",     "bad_target",
      "malformed",          "credential",    "credential_missing", "aws_signature",
      "credential_expired", "no_token",      "unvetted",           "limit"};
  static_assert(kNames.size() == static_cast<std::size_t>(DenyReason::kLimit) + 1);
  return kNames[static_cast<std::size_t>(reason)];
}

Denial Policy::denial(DenyReason reason, const Host& host, Port port,
                      const Sourced<HostRule>* rule) const {
  Denial out;
  out.reason = reason;
  out.target = authority_of(host, port, Scheme::kHttps);
  if (rule != nullptr) {
    out.rule = rule->value.text;
    out.place = place_of(rule->origin);
  }
  if (reason == DenyReason::kAskedNobody) {
    out.detail = "an ask rule stands for it, and there is nobody here to ask";
  }
  return out;
}

Denial Policy::not_allowed(const Host& host, Port port, Scheme scheme) const {
  if (network_.mode.value == NetworkMode::kNone) {
    auto out = denial(DenyReason::kNoMatchingRule, host, port, nullptr);
    out.detail = "this box has no network";
    out.place = place_of(network_.mode.origin);
    return out;
  }
  const Sourced<HostRule>* other_port = nullptr;
  const Sourced<HostRule>* other_scheme = nullptr;
  std::set<std::uint16_t> ports;
  for (const auto& rule : network_.allow) {
    if (!rule.value.pattern.matches(host)) continue;
    if (rule.value.scheme == scheme) {
      other_port = &rule;
      ports.insert(rule.value.port);
    } else {
      other_scheme = &rule;
    }
  }
  if (other_port != nullptr || other_scheme != nullptr) {
    const bool by_port = other_port != nullptr;
    auto out = denial(by_port ? DenyReason::kPortNotAllowed : DenyReason::kSchemeNotAllowed, host,
                      port, by_port ? other_port : other_scheme);
    out.detail = by_port ? only_ports(ports)
                         : "it is allowed as " +
                               std::string(scheme_name(other_scheme->value.scheme)) + " only";
    out.remedy = rule_for(host, port, scheme);
    return out;
  }
  if (!host.is_address()) {
    auto out = denial(DenyReason::kNoMatchingRule, host, port, nullptr);
    out.remedy = rule_for(host, port, scheme);
    return out;
  }
  auto out = denial(DenyReason::kIpLiteral, host, port, nullptr);
  boost::system::error_code failed;
  const auto address = ip::make_address(host.text(), failed);
  if (!failed && is_public_address(address)) {
    out.detail = "a bare address is reached only where a rule names exactly it";
    out.remedy = rule_for(host, port, scheme);
  } else {
    out.detail = "it is not a public address";
  }
  return out;
}

}  // namespace redoubtful::proxy
