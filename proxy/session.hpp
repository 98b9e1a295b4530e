#pragma once

// One connection from the box, from accept to close. Source: design 5, "life of a connection".
//
// Finds out who was dialled, asks the policy, peeks at what is spoken, connects the origin first,
// then answers the client in the same protocol. A refusal is said inside the client's own protocol.

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "proxy/services.hpp"

namespace redoubtful::proxy {

// A connection that was captured: the address it was made to says which name was meant.
Awaitable<void> serve_captured(Services& services, boost::asio::ip::tcp::socket socket);

// A connection to the explicit proxy port: CONNECT, and absolute-form requests for http://.
Awaitable<void> serve_explicit(Services& services, boost::asio::ip::tcp::socket socket);

// A connection that somebody else's rules led here (a container's network): TLS says by its SNI
// which name is meant, a request by its Host. `port`: the one it was made to.
Awaitable<void> serve_redirected(Services& services, boost::asio::ip::tcp::socket socket,
                                 Port port);

}  // namespace redoubtful::proxy
