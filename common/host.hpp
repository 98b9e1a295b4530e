#pragma once

// Host names, ports and host rules: parsed once at the edge, by one strict grammar.
//
// The parsed object is what is matched, shown and (by the proxy) dialled, so no two parts can read
// the same bytes differently. Anything outside the grammar is refused, never repaired: NUL and
// control characters, '%', userinfo, and every numeric spelling of an address but the canonical
// one.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful {

// A TCP or UDP port, 1–65535.
class Port {
 public:
  // Decimal digits only, no sign, no leading zero. Errors: kInvalidHost.
  static Result<Port> parse(std::string_view text);
  std::uint16_t number() const noexcept { return number_; }
  auto operator<=>(const Port&) const = default;

 private:
  explicit Port(std::uint16_t number) noexcept : number_(number) {}
  std::uint16_t number_;
};

// A DNS name in A-label form, lower case, without the trailing dot, at most 253 bytes; or one
// canonical address literal (IPv6 without brackets in text()).
class Host {
 public:
  // U-labels are converted by IDNA 2008, without any mapping but ASCII lower case. Errors:
  // kInvalidHost.
  static Result<Host> parse(std::string_view text);
  const std::string& text() const noexcept { return text_; }
  bool is_address() const noexcept { return address_; }
  auto operator<=>(const Host&) const = default;

 private:
  Host(std::string text, bool address) : text_(std::move(text)), address_(address) {}
  std::string text_;
  bool address_ = false;
};

// "api.example.com", or "*.example.com": any depth below, not the apex itself.
class HostPattern {
 public:
  // Errors: kInvalidHost; also for a bare "*", or a wildcard over a whole public suffix of one
  // label
  // ("*.com").
  static Result<HostPattern> parse(std::string_view text);
  bool matches(const Host& host) const;
  // Every host that `other` matches is matched by this.
  bool covers(const HostPattern& other) const;
  bool wildcard() const noexcept { return wildcard_; }
  std::string text() const;  // as it is shown: "*." in front of a wildcard
  auto operator<=>(const HostPattern&) const = default;

 private:
  HostPattern(Host host, bool wildcard) : host_(std::move(host)), wildcard_(wildcard) {}
  Host host_;
  bool wildcard_ = false;
};

enum class Scheme { kHttps, kHttp, kTcp, kSsh };

// "https", "http", "tcp", "ssh": as it is written before "://".
std::string_view scheme_name(Scheme scheme) noexcept;

// One entry of `allow`, `deny` or `ask`. What it decides is network_rules.hpp.
struct HostRule {
  HostPattern pattern;
  Scheme scheme = Scheme::kHttps;
  std::uint16_t port = 443;
  // A deny or ask rule stands for every scheme, every port, that it does not name.
  bool any_scheme = false;
  bool any_port = false;
  bool splice = false;
  std::vector<std::string> methods;         // upper case; empty: all
  std::vector<std::string> paths;           // globs; empty: all
  std::vector<std::string> private_ranges;  // CIDR, non-public ranges the name may resolve to
  std::string text;                         // the short form as written, for messages

  enum class List { kAllow, kDeny, kAsk };

  // The short form: host, *.host, host:port, scheme://host[:port]; an IPv6 address stands in
  // brackets. Without a scheme it is https (on any port that is named); without a port the scheme's
  // own, and tcp has none. In `deny` and `ask` what is not named stands for all of it.
  // Errors: kInvalidHost.
  static Result<HostRule> parse(std::string_view text, List list = List::kAllow);

  // Everything that `other` decides is decided by this, with the same effect; so that in one list
  // `other` can never be the rule that matters.
  bool covers(const HostRule& other) const;
};

}  // namespace redoubtful
