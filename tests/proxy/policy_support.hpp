#pragma once

// Policies written in a line or two, for the tests of the trusted core. Every rule has a line of
// its own in "p.yaml", counted from 1 in the order of writing.

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/host.hpp"
#include "common/profile.hpp"
#include "proxy/policy.hpp"

namespace redoubtful::proxy::test {

inline Host host(std::string_view text) { return Host::parse(text).value(); }
inline Port port(int number) { return Port::parse(std::to_string(number)).value(); }
inline boost::asio::ip::address address(const std::string& text) {
  return boost::asio::ip::make_address(text);
}

using Words = std::vector<std::string>;

class RuleList {
 public:
  RuleList& allow(std::string_view text, Words methods = {}, Words paths = {}) {
    return add(network_.allow, HostRule::List::kAllow, text, std::move(methods), std::move(paths));
  }
  RuleList& deny(std::string_view text, Words methods = {}, Words paths = {}) {
    return add(network_.deny, HostRule::List::kDeny, text, std::move(methods), std::move(paths));
  }
  RuleList& ask(std::string_view text, Words methods = {}, Words paths = {}) {
    return add(network_.ask, HostRule::List::kAsk, text, std::move(methods), std::move(paths));
  }
  RuleList& splice(std::string_view text) {
    allow(text);
    network_.allow.back().value.splice = true;
    return *this;
  }
  // Of the rule allowed last.
  RuleList& with_private(Words ranges) {
    network_.allow.back().value.private_ranges = std::move(ranges);
    return *this;
  }
  RuleList& mode(NetworkMode mode) {
    network_.mode = {mode, {"p.yaml", ++line_, 1, {}}};
    return *this;
  }
  RuleList& origin(std::string_view name, std::string at, std::string via = {}) {
    network_.origins.push_back({.host = host(name),
                                .address = std::move(at),
                                .ca = {},
                                .via = std::move(via),
                                .origin = {"p.yaml", ++line_, 1, {}}});
    return *this;
  }

  const NetworkProfile& network() const { return network_; }
  Policy policy(std::vector<boost::asio::ip::address> own = {}) const {
    return Policy(network_, std::move(own));
  }

 private:
  RuleList& add(std::vector<Sourced<HostRule>>& to, HostRule::List list, std::string_view text,
                Words methods, Words paths) {
    auto rule = HostRule::parse(text, list).value();
    rule.methods = std::move(methods);
    rule.paths = std::move(paths);
    to.push_back({std::move(rule), {"p.yaml", ++line_, 1, {}}});
    return *this;
  }

  NetworkProfile network_;
  int line_ = 0;
};

// What a verdict is, in a word: "intercept", "plain", "splice", "tunnel", or the denial's reason.
inline std::string outcome(const std::variant<Admission, Denial>& verdict) {
  if (const auto* denial = std::get_if<Denial>(&verdict)) {
    return std::string(deny_reason_name(denial->reason));
  }
  switch (std::get<Admission>(verdict).handling()) {
    case Handling::kIntercept:
      return "intercept";
    case Handling::kPlainHttp:
      return "plain";
    case Handling::kSplice:
      return "splice";
    case Handling::kTunnel:
      return "tunnel";
  }
  return {};
}

inline Admission admitted(const Policy& policy, std::string_view name, int number = 443,
                          Carried carried = Carried::kTls) {
  return std::get<Admission>(policy.admit(host(name), port(number), carried));
}
inline Denial denied(const Policy& policy, std::string_view name, int number = 443,
                     Carried carried = Carried::kTls) {
  return std::get<Denial>(policy.admit(host(name), port(number), carried));
}

// "ok", or the reason of the denial.
template <class Granted>
std::string reason_of(const std::variant<Granted, Denial>& verdict) {
  const auto* denial = std::get_if<Denial>(&verdict);
  return denial == nullptr ? "ok" : std::string(deny_reason_name(denial->reason));
}

}  // namespace redoubtful::proxy::test
