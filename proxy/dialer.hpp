#pragma once

// Opens the connection to an origin: override or lookup, vet every address, then race them.
//
// Happy Eyeballs (RFC 8305): IPv6 first, the next address after limits::kNextAddress. Through a
// corporate proxy (HTTPS_PROXY, NO_PROXY, `network.proxy`) it is a CONNECT by name; what the name
// resolves to is then the proxy's business, so names that are not public ones and address literals
// are refused there.

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/error.hpp"
#include "proxy/message.hpp"
#include "proxy/policy.hpp"
#include "proxy/resolver.hpp"

namespace redoubtful::proxy {

// Why an origin could not be reached, for failure_of().
struct DialFailure {
  unsigned status = 502;  // 504 for time
  std::string error;      // RFC 9209 section 2.3: "dns_error", "connection_timeout" …
  std::string text;       // for people: names the host, the address, the reason
};

// The host's own way out, from HTTPS_PROXY and the like. Parsed once.
class UpstreamProxy {
 public:
  // "http://[user:password@]host:port". `no_proxy` as curl reads it: suffixes, "*", CIDR ranges.
  // Errors: kInvalidProfile; the text never shows the password.
  static Result<UpstreamProxy> parse(std::string_view url, std::string_view no_proxy);
  bool bypassed(const Host& host, Port port) const;
  const std::string& host() const noexcept { return host_; }
  Port port() const noexcept { return port_; }
  // "Basic …", or empty.
  const std::string& authorization() const noexcept { return authorization_; }

 private:
  UpstreamProxy(std::string host, Port port) : host_(std::move(host)), port_(port) {}
  std::string host_;
  Port port_;
  std::string authorization_;
  std::vector<std::string> bypass_;
};

class Dialer {
 public:
  Dialer(const Policy& policy, Resolver& resolver, std::optional<UpstreamProxy> upstream);

  // A connected socket to the admitted host. Completes within limits::kConnect (+ kResolve).
  Awaitable<std::variant<boost::asio::ip::tcp::socket, Denial, DialFailure>> dial(
      Admission admission);

 private:
  const Policy& policy_;
  Resolver& resolver_;
  std::optional<UpstreamProxy> upstream_;
};

}  // namespace redoubtful::proxy
