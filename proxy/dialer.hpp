#pragma once

// Opens the connection to an origin: override or lookup, vet every address, then race them.
//
// An address that vet() refuses is dropped; when all are, its Denial is the answer. What is dialled
// is the address that was vetted, never the name again.
//
// Through a corporate proxy (HTTPS_PROXY, NO_PROXY, `network.proxy`) it is a CONNECT by name; what
// the name resolves to is then that proxy's business, so names that are not public ones and address
// literals are refused there. An address that `network.origins` names is dialled directly.

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <variant>

#include "common/error.hpp"
#include "proxy/address_race.hpp"
#include "proxy/message.hpp"
#include "proxy/policy.hpp"
#include "proxy/resolver.hpp"
#include "proxy/upstream_proxy.hpp"

namespace redoubtful::proxy {

class Dialer {
 public:
  // Lifetime: all that is given by reference outlives it.
  Dialer(const Policy& policy, Resolver& resolver, std::optional<UpstreamProxy> upstream)
      : policy_(policy), resolver_(resolver), upstream_(std::move(upstream)) {}

  // A connected socket to the admitted host. Completes within limits::kConnect (+ kResolve).
  Awaitable<std::variant<boost::asio::ip::tcp::socket, Denial, DialFailure>> dial(
      Admission admission);

  // For those who say what a dial would do.
  Resolver& resolver() const noexcept { return resolver_; }
  const std::optional<UpstreamProxy>& upstream() const noexcept { return upstream_; }

 private:
  Awaitable<std::variant<boost::asio::ip::tcp::socket, Denial, DialFailure>> dial_through_proxy(
      Admission admission);

  const Policy& policy_;
  Resolver& resolver_;
  std::optional<UpstreamProxy> upstream_;
};

}  // namespace redoubtful::proxy
