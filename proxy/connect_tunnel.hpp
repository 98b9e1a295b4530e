#pragma once

// Asks a corporate proxy for a tunnel to a host. Source: RFC 9110, section 9.3.6.

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <string>
#include <variant>

#include "proxy/address_race.hpp"
#include "proxy/message.hpp"
#include "proxy/upstream_proxy.hpp"

namespace redoubtful::proxy {

// `socket` is connected to the proxy; `authority` is "host:port". What comes back is the tunnel:
// nothing that follows the proxy's answer has been read. Completes at `deadline`. The failure's
// text names the proxy and never shows what it was told.
Awaitable<std::variant<boost::asio::ip::tcp::socket, DialFailure>> connect_tunnel(
    boost::asio::ip::tcp::socket socket, const UpstreamProxy& proxy, std::string authority,
    std::chrono::steady_clock::time_point deadline);

}  // namespace redoubtful::proxy
