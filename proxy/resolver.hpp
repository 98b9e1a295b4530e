#pragma once

// Looks names up with c-ares: no blocking getaddrinfo(3), no NSS plug-ins after confinement.
//
// Reads resolv.conf and hosts once, when it is made, which is before confinement. Only ever asked
// about names that were admitted.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <memory>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

class Resolver {
 public:
  // `servers`: "127.0.0.1:5353,…" in place of resolv.conf's; empty: resolv.conf. For tests.
  static Result<std::unique_ptr<Resolver>> create(boost::asio::any_io_executor executor,
                                                  const std::string& servers);
  virtual ~Resolver() = default;
  // All A and AAAA addresses, at most 64, IPv6 and IPv4 as they came. Errors: kPeerProtocol with
  // c-ares' reason in words ("no such name", "timed out" …). Completes within limits::kResolve.
  virtual Awaitable<Result<std::vector<boost::asio::ip::address>>> resolve(Host name) = 0;
};

}  // namespace redoubtful::proxy
