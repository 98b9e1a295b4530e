#pragma once

// Looks names up with c-ares: no blocking getaddrinfo(3), no NSS plug-ins after confinement.
//
// Reads resolv.conf and hosts once, when it is made, which is before confinement; a network that
// changes its name servers later is not noticed. Names in hosts are not asked for; other names are
// asked for just as they are, without search domains, so that what is looked up is what was
// admitted.
//
// Both families are asked for together and fail apart: name servers that swallow AAAA queries cost
// limits::kOtherFamily, not the name.
//
// Lifetime: ends before the executor's context; may end while lookups are under way, which then
// complete with an error.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"
#include "proxy/hosts_file.hpp"
#include "proxy/limits.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

// Shorter in tests.
struct LookupTimes {
  std::chrono::milliseconds whole = limits::kResolve;
  std::chrono::milliseconds name_server = limits::kNameServer;
  std::chrono::milliseconds other_family = limits::kOtherFamily;
};

class Resolver {
 public:
  // `servers`: "127.0.0.1:5353,…" in place of resolv.conf's; empty: resolv.conf. For tests.
  static Result<std::unique_ptr<Resolver>> create(boost::asio::any_io_executor executor,
                                                  const std::string& servers,
                                                  HostsFile hosts = HostsFile::read("/etc/hosts"),
                                                  LookupTimes times = {});
  virtual ~Resolver() = default;

  // All A and AAAA addresses, at most limits::kAddresses, as they came. An address literal is its
  // own. Completes within limits::kResolve. Errors: kPeerProtocol with the reason in words ("no
  // such name" …); kSystemCall with ETIMEDOUT when no server answered in time.
  virtual Awaitable<Result<std::vector<boost::asio::ip::address>>> resolve(Host name) = 0;
};

}  // namespace redoubtful::proxy
