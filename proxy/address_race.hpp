#pragma once

// Connects to whichever of several addresses answers first. Source: RFC 8305 (Happy Eyeballs).
//
// IPv6 and IPv4 alternate, IPv6 first; the next attempt begins when the last one failed or after
// limits::kNextAddress. The losers are closed.

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

// Why an origin could not be reached, for failure_of().
struct DialFailure {
  unsigned status = 502;  // 504 for time
  std::string error;      // RFC 9209 section 2.3: "dns_error", "connection_timeout" …
  std::string text;       // for people: names the host, the address, the reason
};

// A connected socket, with TCP_NODELAY and keep-alive probes. Completes at `deadline`.
// Precondition: `endpoints` is not empty.
Awaitable<std::variant<boost::asio::ip::tcp::socket, DialFailure>> connect_first(
    std::vector<boost::asio::ip::tcp::endpoint> endpoints,
    std::chrono::steady_clock::time_point deadline);

// "203.0.113.7:443", "[2001:db8::7]:443".
std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace redoubtful::proxy
