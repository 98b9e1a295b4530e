#pragma once

// Accepts what the box sends: connections on the passed sockets, and its DNS queries.
//
// The sockets were made in the box's network namespace; nothing here listens on the host. A name
// that a rule allows on a port of its own gets listeners on its own addresses when it is first
// looked up, from the passed spare sockets.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/unique_fd.hpp"
#include "proxy/dns_responder.hpp"
#include "proxy/services.hpp"

namespace redoubtful::proxy {

class Listeners {
 public:
  Listeners(boost::asio::io_context& context, Services& services)
      : context_(context), services_(services) {}

  // Takes the sockets and begins to accept. Errors: kSystemCall for a socket that is not what it is
  // said to be.
  Result<void> start(control::Listeners passed);

  std::size_t connections() const noexcept { return connections_; }

  // How a connection says where it wants to go.
  enum class Entry {
    kCaptured,        // by the synthetic address it was made to
    kExplicit,        // CONNECT, absolute URIs
    kDns,             // a query
    kRedirectedTls,   // SNI, as for port 443
    kRedirectedHttp,  // Host, as for port 80
  };

  // Accepts on a listening socket. Errors: as start().
  Result<void> listen(UniqueFd fd, Entry entry);

  // Standing alone: connections of the proxy's own that come back to it are ended, and the first is
  // told to `looped`, with where it had been going.
  void end_loops(std::function<void(const std::string&)> looped) { looped_ = std::move(looped); }

 private:
  Awaitable<void> accept(std::shared_ptr<boost::asio::ip::tcp::acceptor> acceptor, Entry entry);
  Awaitable<void> answer_udp(std::shared_ptr<boost::asio::ip::udp::socket> socket);
  Awaitable<void> answer_tcp(boost::asio::ip::tcp::socket socket);
  Awaitable<void> serve(boost::asio::ip::tcp::socket socket, Entry entry);
  void begin(boost::asio::ip::tcp::socket socket, Entry entry);
  bool loops(boost::asio::ip::tcp::socket& socket);
  DnsAnswer note(DnsAnswer answer);
  void open_ports(const Host& name);

  boost::asio::io_context& context_;
  Services& services_;
  std::vector<UniqueFd> spare4_;
  std::vector<UniqueFd> spare6_;
  bool ssh_ = false;  // port 22 is listened on at every address
  std::size_t connections_ = 0;
  std::function<void(const std::string&)> looped_;
  std::size_t loops_ = 0;
};

}  // namespace redoubtful::proxy
