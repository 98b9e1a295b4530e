#pragma once

// What passes unopened: splice, tcp:// and ssh://. Bytes both ways, and a line in the audit log.
//
// Where nothing can pass, SSH is told why (tunnel_refusal.hpp); the other protocols have no words
// for it, and are cut.

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "proxy/policy.hpp"
#include "proxy/services.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy {

// `early`: what the client said already. Completes when both sides have ended.
Awaitable<void> tunnel(Services& services, boost::asio::ip::tcp::socket socket, std::string early,
                       Admission admission, Way way);

// Audits the denial of a connection to host:port; says it where that is SSH's.
Awaitable<void> refuse_tunnel(Services& services, boost::asio::ip::tcp::socket socket, Host host,
                              Port port, Denial denial, Way way);

}  // namespace redoubtful::proxy
