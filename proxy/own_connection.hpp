#pragma once

// Connections of a standalone proxy that somebody's rules redirected: where they were going, and
// whether they are the proxy's own, come back to it.
//
// A redirection of a network that the proxy is in itself catches its connections to origins too,
// and so does an HTTPS_PROXY that names this proxy: each would be answered by one more, until
// nothing is left. Told by the kernel's own facts, not by anything that a peer says.

#include <boost/asio/ip/tcp.hpp>
#include <optional>

namespace redoubtful::proxy {

// Where the client had dialled before netfilter changed it (REDIRECT, DNAT); none when it did not,
// or when that was done in another network namespace.
std::optional<boost::asio::ip::tcp::endpoint> original_destination(
    boost::asio::ip::tcp::socket& accepted);

// Whether the peer of an accepted connection is a socket of this process. One getsockname(2) for
// each descriptor that is open, and some more.
bool is_own_connection(boost::asio::ip::tcp::socket& accepted);

}  // namespace redoubtful::proxy
