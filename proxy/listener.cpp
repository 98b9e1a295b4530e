#include "proxy/listener.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <exception>
#include <set>

#include "proxy/authority.hpp"
#include "proxy/limits.hpp"
#include "proxy/own_connection.hpp"
#include "proxy/session.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// While no descriptor is free there is nothing to do but wait for one.
constexpr std::chrono::milliseconds kAcceptAgain{50};

sa_family_t family_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return AF_UNSPEC;
  return address.ss_family;
}

// The ports on which a rule may let this name through, but for 80 and 443.
std::set<std::uint16_t> own_ports(const NetworkProfile& network, const Host& name) {
  std::set<std::uint16_t> ports;
  for (const auto* list : {&network.allow, &network.ask}) {
    for (const auto& rule : *list) {
      const auto& [value, origin] = rule;
      if (value.any_port || value.port == 80 || value.port == 443) continue;
      if (value.pattern.matches(name)) ports.insert(value.port);
    }
  }
  return ports;
}

// Is there a rule for it? Then a name that is no public one has an address all the same.
bool named_by_rule(const NetworkProfile& network, const Host& name) {
  for (const auto* list : {&network.allow, &network.ask, &network.deny}) {
    for (const auto& rule : *list) {
      if (rule.value.pattern.matches(name)) return true;
    }
  }
  return false;
}

// The whole buffer. False: it ended before.
Awaitable<bool> fill(Stream& stream, asio::mutable_buffer buffer) {
  while (buffer.size() > 0) {
    const IoResult got = co_await stream.read_some(buffer);
    if (got.error) co_return false;
    buffer += got.bytes;
  }
  co_return true;
}

}  // namespace

Result<void> Listeners::start(control::Listeners passed) {
  using control::SocketPurpose;
  for (auto& [purpose, fd] : passed.sockets) {
    Result<void> begun;
    switch (purpose) {
      case SocketPurpose::kDnsUdp: {
        const bool v6 = family_of(fd.get()) == AF_INET6;
        auto socket = std::make_shared<udp::socket>(context_);
        error_code error;
        socket->assign(v6 ? udp::v6() : udp::v4(), fd.get(), error);
        if (error) return Error(Errc::kSystemCall, "the passed DNS socket: " + error.message());
        (void)fd.release();  // the socket's now
        asio::co_spawn(context_, answer_udp(std::move(socket)), [](std::exception_ptr bug) {
          if (bug) std::rethrow_exception(bug);
        });
        break;
      }
      case SocketPurpose::kDnsTcp:
        begun = listen(std::move(fd), Entry::kDns);
        break;
      case SocketPurpose::kPlainHttp:
      case SocketPurpose::kTls:
        begun = listen(std::move(fd), Entry::kCaptured);
        break;
      case SocketPurpose::kSsh:
        ssh_ = true;
        begun = listen(std::move(fd), Entry::kCaptured);
        break;
      case SocketPurpose::kExplicit:
        begun = listen(std::move(fd), Entry::kExplicit);
        break;
      case SocketPurpose::kSpare4:
        spare4_.push_back(std::move(fd));
        break;
      case SocketPurpose::kSpare6:
        spare6_.push_back(std::move(fd));
        break;
    }
    if (!begun) return begun;
  }
  return {};
}

Result<void> Listeners::listen(UniqueFd fd, Entry entry) {
  const bool v6 = family_of(fd.get()) == AF_INET6;
  auto acceptor = std::make_shared<tcp::acceptor>(context_);
  error_code error;
  acceptor->assign(v6 ? tcp::v6() : tcp::v4(), fd.get(), error);
  if (error) return Error(Errc::kSystemCall, "a passed listener: " + error.message());
  (void)fd.release();  // the acceptor's now
  asio::co_spawn(context_, accept(std::move(acceptor), entry), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
  return {};
}

Awaitable<void> Listeners::accept(std::shared_ptr<tcp::acceptor> acceptor, Entry entry) {
  for (;;) {
    auto [error, socket] = co_await acceptor->async_accept(kTuple);
    if (!error) {
      begin(std::move(socket), entry);
      continue;
    }
    if (!acceptor->is_open() || error == asio::error::operation_aborted) co_return;
    if (error == asio::error::no_descriptors || error.value() == ENFILE ||
        error.value() == ENOBUFS || error.value() == ENOMEM) {
      asio::steady_timer pause(context_, kAcceptAgain);
      co_await pause.async_wait(kTuple);
    }
  }
}

void Listeners::begin(tcp::socket socket, Entry entry) {
  if (connections_ >= limits::kConnections) {
    Denial denial;
    denial.reason = DenyReason::kLimit;
    denial.target = "the box";
    denial.detail = std::to_string(limits::kConnections) + " connections are open at once";
    services_.audit.deny(denial, "accept");
    return;
  }
  if (looped_ && loops(socket)) return;
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  ++connections_;
  asio::co_spawn(context_, serve(std::move(socket), entry), [this](std::exception_ptr bug) {
    --connections_;
    if (!bug) return;
    // A bug in one session is that session's end, and known.
    AuditEvent event;
    event.event = "error";
    event.reason = "proxy_internal_error";
    try {
      std::rethrow_exception(bug);
    } catch (const std::exception& error) {
      event.detail = error.what();
    } catch (...) {
      event.detail = "an unknown exception";
    }
    services_.audit.record(event);
  });
}

bool Listeners::loops(tcp::socket& socket) {
  if (!is_own_connection(socket)) return false;
  error_code error;
  const auto dialled = original_destination(socket);
  const auto end = dialled ? *dialled : socket.local_endpoint(error);
  AuditEvent event;
  event.event = "error";
  event.host = end.address().to_string();
  event.port = end.port();
  event.reason = "proxy_loop_detected";
  event.detail = "a connection of the proxy's own came back to it";
  services_.audit.record(event);
  if (loops_++ == 0) looped_(endpoint_text(end));
  return true;
}

Awaitable<void> Listeners::serve(tcp::socket socket, Entry entry) {
  switch (entry) {
    case Entry::kCaptured:
      return serve_captured(services_, std::move(socket));
    case Entry::kExplicit:
      return serve_explicit(services_, std::move(socket));
    case Entry::kRedirectedTls:
      return serve_redirected(services_, std::move(socket), https_port());
    case Entry::kRedirectedHttp:
      return serve_redirected(services_, std::move(socket), http_port());
    case Entry::kDns:
      break;
  }
  return answer_tcp(std::move(socket));
}

DnsAnswer Listeners::note(DnsAnswer answer) {
  if (answer.name && answer.fresh) {
    AuditEvent event;
    event.event = "dns";
    event.host = answer.name->text();
    services_.audit.record(event);
    open_ports(*answer.name);
  }
  if (answer.limited) {
    Denial denial;
    denial.reason = DenyReason::kLimit;
    denial.target = "DNS";
    denial.detail = "too many names were looked up";
    services_.audit.deny(denial, "dns");
  }
  return answer;
}

void Listeners::open_ports(const Host& name) {
  const auto addresses = services_.names.addresses(name);
  if (!addresses) return;
  for (const std::uint16_t port : own_ports(services_.policy.network(), name)) {
    if (ssh_ && port == 22) continue;
    const tcp::endpoint ends[] = {tcp::endpoint(addresses->v4, port),
                                  tcp::endpoint(addresses->v6, port)};
    for (const auto& end : ends) {
      auto& spare = end.address().is_v4() ? spare4_ : spare6_;
      std::string failure = "no socket is left for its port";
      if (!spare.empty()) {
        UniqueFd fd = std::move(spare.back());
        spare.pop_back();
        if (::bind(fd.get(), end.data(), static_cast<socklen_t>(end.size())) == 0 &&
            ::listen(fd.get(), SOMAXCONN) == 0) {
          if (auto begun = listen(std::move(fd), Entry::kCaptured)) continue;
        }
        failure = strerrordesc_np(errno);
      } else if (end.address().is_v6()) {
        continue;  // a kernel without IPv6 has none
      }
      AuditEvent event;
      event.event = "error";
      event.host = name.text();
      event.port = port;
      event.reason = "port_not_opened";
      event.detail = failure;
      services_.audit.record(event);
    }
  }
}

Awaitable<void> Listeners::answer_udp(std::shared_ptr<udp::socket> socket) {
  std::array<char, limits::kDnsMessageBytes> query;
  udp::endpoint asker;
  const NamedByRule named = [this](const Host& name) {
    return named_by_rule(services_.policy.network(), name);
  };
  for (;;) {
    auto [error, bytes] = co_await socket->async_receive_from(asio::buffer(query), asker, kTuple);
    if (error == asio::error::operation_aborted || !socket->is_open()) co_return;
    if (error) continue;
    auto answer = answer_dns({query.data(), bytes}, services_.names, named);
    if (!answer) continue;
    const DnsAnswer noted = note(std::move(*answer));
    co_await socket->async_send_to(asio::buffer(noted.bytes), asker, kTuple);
  }
}

Awaitable<void> Listeners::answer_tcp(tcp::socket socket) {
  auto client = plain_stream(std::move(socket));
  Watchdog patience(*client);
  std::array<unsigned char, 2> length;
  std::string query;
  const NamedByRule named = [this](const Host& name) {
    return named_by_rule(services_.policy.network(), name);
  };
  for (;;) {
    patience.expires_after(limits::kFirstBytes);
    if (!co_await fill(*client, asio::buffer(length))) co_return;
    query.resize(static_cast<std::size_t>(length[0] * 256 + length[1]));
    if (query.size() > limits::kDnsMessageBytes) co_return;
    if (!co_await fill(*client, asio::buffer(query))) co_return;
    auto answer = answer_dns(query, services_.names, named);
    if (!answer) co_return;
    const DnsAnswer noted = note(std::move(*answer));
    const std::size_t size = noted.bytes.size();
    length = {static_cast<unsigned char>(size >> 8U), static_cast<unsigned char>(size)};
    std::vector<asio::const_buffer> pieces = {asio::buffer(length), asio::buffer(noted.bytes)};
    const IoResult put = co_await client->write(std::move(pieces));
    if (put.error) co_return;
  }
}

}  // namespace redoubtful::proxy
