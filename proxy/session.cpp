#include "proxy/session.hpp"

#include <algorithm>
#include <optional>

#include "common/text.hpp"
#include "proxy/authority.hpp"
#include "proxy/checkpoint.hpp"
#include "proxy/client_hello.hpp"
#include "proxy/denial.hpp"
#include "proxy/first_bytes.hpp"
#include "proxy/http1.hpp"
#include "proxy/http2.hpp"
#include "proxy/limits.hpp"
#include "proxy/opaque_tunnel.hpp"
#include "proxy/origin_link.hpp"
#include "proxy/own_connection.hpp"
#include "proxy/tunnel_refusal.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Where a connection wants to go, however that was learnt.
struct Wanted {
  Host host;
  Port port;
  Way way;
};

Denial mismatch(const Wanted& wanted, DenyReason reason, std::string detail) {
  Denial denial;
  denial.reason = reason;
  denial.target = authority_text(wanted.host, wanted.port, https_port());
  denial.detail = std::move(detail);
  return denial;
}

// What a client of ours may be told to speak with the origin.
std::vector<std::string> spoken(const std::vector<std::string>& offered) {
  std::vector<std::string> out;
  for (const auto& protocol : offered) {
    if (protocol == "h2" || protocol == "http/1.1") out.push_back(protocol);
  }
  return out;
}

bool offers(const std::vector<std::string>& offered, std::string_view protocol) {
  return std::find(offered.begin(), offered.end(), protocol) != offered.end();
}

// An origin that is never asked, for gates that never open an exchange.
class NoOrigins final : public OriginSource {
 public:
  Awaitable<std::variant<Stream*, Refusal>> stream_for(Exchange&) override {
    co_return std::variant<Stream*, Refusal>(Refusal{});
  }
  void discard() noexcept override {}
};

// Completes the client's handshake and answers whatever it asks with the gate's words: clients show
// the body of a 403, and nothing of a connection that was cut.
Awaitable<void> answer_inside_tls(Services& services, tcp::socket socket, std::string early,
                                  Host name, const ClientHello& hello,
                                  std::unique_ptr<AnsweringGate> gate) {
  const auto protocols = spoken(hello.protocols);
  // HTTP/1.1 where there is a choice; what offers h2 alone (gRPC) gets it.
  std::string protocol = offers(protocols, "http/1.1") || protocols.empty() ? "http/1.1" : "h2";
  if (hello.protocols.empty()) protocol.clear();
  auto accepted = co_await accept_tls(services.authority, std::move(socket), std::move(early),
                                      std::move(name), protocol);
  auto* stream = std::get_if<std::unique_ptr<Stream>>(&accepted);
  if (stream == nullptr) {  // a client that does not trust us, or went away
    gate->ended();
    co_return;
  }
  Stream& client = **stream;
  if (client.protocol() == "h2") {
    co_await serve_http2(client, nullptr, *gate);
  } else {
    NoOrigins none;
    co_await serve_http1(client, Http1Entry::kDirect, *gate, none);
  }
  gate->ended();
  co_await client.shutdown_write();
  client.close();
}

Awaitable<void> intercept(Services& services, tcp::socket socket, std::string early,
                          ClientHello hello, Admission admission, Way way) {
  auto protocols = spoken(hello.protocols);
  std::string pool_key = OriginPool::key_of(admission, protocols);
  std::unique_ptr<Stream> origin;  // null: the pool has one
  std::string chosen;
  if (auto pooled = services.pool.protocol(pool_key)) {
    chosen = *std::move(pooled);
  } else {
    auto connected = co_await connect_origin(services, admission, protocols);
    if (const auto* denial = std::get_if<Denial>(&connected)) {
      auto gate = denied_gate(services, *denial, way);
      co_await answer_inside_tls(services, std::move(socket), std::move(early), admission.host(),
                                 hello, std::move(gate));
      co_return;
    }
    if (const auto* failure = std::get_if<DialFailure>(&connected)) {
      auto gate = failed_gate(services, admission, *failure, way);
      co_await answer_inside_tls(services, std::move(socket), std::move(early), admission.host(),
                                 hello, std::move(gate));
      co_return;
    }
    origin = std::move(std::get<std::unique_ptr<Stream>>(connected));
    chosen = origin->protocol();
  }
  auto accepted = co_await accept_tls(services.authority, std::move(socket), std::move(early),
                                      admission.host(), chosen);
  if (const auto* failure = std::get_if<TlsFailure>(&accepted)) {
    AuditEvent event;
    event.event = "error";
    event.host = admission.host().text();
    event.port = admission.port().number();
    event.reason = failure->error;
    event.detail = "the client: " + failure->text;
    services.audit.record(event);
    co_return;
  }
  Stream& client = *std::get<std::unique_ptr<Stream>>(accepted);
  auto gate = connection_gate(services, admission, way);
  if (chosen == "h2") {
    co_await serve_http2(client, origin.get(), *gate);
  } else {
    LinkedOrigins origins(services, way, admission, std::move(origin), std::move(pool_key));
    co_await serve_http1(client, Http1Entry::kDirect, *gate, origins);
    origins.give_back();
  }
  co_await client.shutdown_write();
  client.close();
}

Awaitable<void> serve_tls(Services& services, tcp::socket socket, std::string early,
                          ClientHello hello, Wanted wanted) {
  const auto deny = [&](Denial denial, Host leaf) {
    return answer_inside_tls(services, std::move(socket), std::move(early), std::move(leaf), hello,
                             denied_gate(services, std::move(denial), wanted.way));
  };
  if (hello.server_name.empty() && !wanted.host.is_address()) {
    auto denial = mismatch(wanted, DenyReason::kNameNotIndicated,
                           "TLS without a server name (SNI) cannot be matched to a host");
    auto denied = deny(std::move(denial), wanted.host);
    co_await std::move(denied);
    co_return;
  }
  if (!hello.server_name.empty()) {
    const auto named = Host::parse(hello.server_name);
    if (!named || *named != wanted.host) {
      auto denial = mismatch(
          wanted, DenyReason::kNameMismatch,
          "the TLS server name " + quoted(hello.server_name, 80) + " is not the host dialled");
      auto denied = deny(std::move(denial), named ? *named : wanted.host);
      co_await std::move(denied);
      co_return;
    }
  }
  if (wanted.host.text() == kInternalHost) {
    co_await answer_inside_tls(services, std::move(socket), std::move(early), wanted.host, hello,
                               internal_gate(services));
    co_return;
  }
  auto admitted = services.policy.admit(wanted.host, wanted.port, Carried::kTls);
  if (auto* denial = std::get_if<Denial>(&admitted)) {
    auto denied = deny(std::move(*denial), wanted.host);
    co_await std::move(denied);
    co_return;
  }
  const Admission admission = std::get<Admission>(admitted);
  // A tcp:// rule may be all that speaks of a port beside one for plain HTTP.
  if (admission.handling() == Handling::kTunnel) {
    co_await tunnel(services, std::move(socket), std::move(early), admission, wanted.way);
    co_return;
  }
  if (admission.handling() == Handling::kSplice) {
    if (hello.encrypted) {
      auto denial = mismatch(wanted, DenyReason::kNameNotIndicated,
                             "an encrypted client hello could name another host than is allowed");
      auto denied = deny(std::move(denial), wanted.host);
      co_await std::move(denied);
      co_return;
    }
    co_await tunnel(services, std::move(socket), std::move(early), admission, wanted.way);
    co_return;
  }
  co_await intercept(services, std::move(socket), std::move(early), std::move(hello), admission,
                     wanted.way);
}

Awaitable<void> serve_plain(Services& services, tcp::socket socket, std::string early,
                            Wanted wanted) {
  std::unique_ptr<Gate> gate;
  std::unique_ptr<OriginSource> origins = std::make_unique<NoOrigins>();
  if (wanted.host.text() == kInternalHost) {
    gate = internal_gate(services);
  } else {
    auto admitted = services.policy.admit(wanted.host, wanted.port, Carried::kHttp);
    if (auto* denial = std::get_if<Denial>(&admitted)) {
      gate = denied_gate(services, std::move(*denial), wanted.way);
    } else {
      const Admission admission = std::get<Admission>(admitted);
      if (admission.handling() == Handling::kTunnel) {
        co_await tunnel(services, std::move(socket), std::move(early), admission, wanted.way);
        co_return;
      }
      gate = connection_gate(services, admission, wanted.way);
      origins = std::make_unique<LinkedOrigins>(services, wanted.way);
    }
  }
  auto client = plain_stream(std::move(socket), std::move(early));
  co_await serve_http1(*client, Http1Entry::kDirect, *gate, *origins);
  co_await client->shutdown_write();
  client->close();
}

// Why nothing that speaks TLS or HTTP would be let through here; nothing where something might.
std::optional<Denial> refused_in_sight(const Services& services, const Wanted& wanted) {
  auto tls = services.policy.admit(wanted.host, wanted.port, Carried::kTls);
  if (std::holds_alternative<Admission>(tls)) return std::nullopt;
  const auto http = services.policy.admit(wanted.host, wanted.port, Carried::kHttp);
  if (std::holds_alternative<Admission>(http)) return std::nullopt;
  return std::get<Denial>(std::move(tls));
}

// CONNECT to a port that only says something inside TLS or HTTP if it is allowed at all: these are
// refused at once, since what speaks there waits for the server. SSH is told in its own words.
std::optional<Denial> refused_connect(const Services& services, const Wanted& wanted) {
  if (wanted.port == https_port() || wanted.port == http_port()) return std::nullopt;
  if (is_ssh_port(wanted.port)) return std::nullopt;
  if (services.policy.opaque(wanted.host, wanted.port)) return std::nullopt;
  return refused_in_sight(services, wanted);
}

// Where no rule speaks of it: only --network discover lets it through, and only on its own port,
// for on any other what begins so may yet be a request that is to be judged.
Awaitable<void> serve_ssh(Services& services, tcp::socket socket, std::string early,
                          Wanted wanted) {
  auto admitted = services.policy.admit(wanted.host, wanted.port, Carried::kOpaque);
  if (const auto* denial = std::get_if<Denial>(&admitted)) {
    services.audit.deny(*denial, way_name(wanted.way));
    std::string text = ssh_refusal_text(services.policy, *denial, wanted.host);
    co_await tell_ssh(std::move(socket), std::move(text));
  } else if (is_ssh_port(wanted.port)) {
    co_await tunnel(services, std::move(socket), std::move(early), std::get<Admission>(admitted),
                    wanted.way);
  } else {
    services.audit.deny(mismatch(wanted, DenyReason::kMalformed, "SSH on a port of HTTP"),
                        way_name(wanted.way));
  }
}

Awaitable<void> serve_wanted(Services& services, tcp::socket socket, std::string early,
                             Wanted wanted) {
  if (services.policy.opaque(wanted.host, wanted.port)) {
    auto admitted = services.policy.admit(wanted.host, wanted.port, Carried::kOpaque);
    if (const auto* denial = std::get_if<Denial>(&admitted)) {
      auto refused =
          refuse_tunnel(services, std::move(socket), wanted.host, wanted.port, *denial, wanted.way);
      co_await std::move(refused);
      co_return;
    }
    co_await tunnel(services, std::move(socket), std::move(early), std::get<Admission>(admitted),
                    wanted.way);
    co_return;
  }
  if (is_ssh_port(wanted.port) && refused_in_sight(services, wanted)) {
    co_await serve_ssh(services, std::move(socket), std::move(early), std::move(wanted));
    co_return;
  }
  FirstBytes spoken = co_await first_bytes(socket, std::move(early));
  if (spoken.hello) {
    ClientHello hello = std::move(*spoken.hello);
    co_await serve_tls(services, std::move(socket), std::move(spoken.early), std::move(hello),
                       std::move(wanted));
  } else if (looks_like_ssh(spoken.early)) {
    co_await serve_ssh(services, std::move(socket), std::move(spoken.early), std::move(wanted));
  } else if (spoken.readable && looks_like_http(spoken.early)) {
    co_await serve_plain(services, std::move(socket), std::move(spoken.early), std::move(wanted));
  } else if (!spoken.early.empty() || !spoken.left) {
    // Browsers and Bun connect in advance and leave without a word: that is refused nothing.
    auto denial = mismatch(wanted, DenyReason::kMalformed,
                           spoken.early.empty() ? "nothing was said" : "neither TLS nor HTTP");
    services.audit.deny(denial, way_name(wanted.way));
  }
}

}  // namespace

Awaitable<void> serve_captured(Services& services, tcp::socket socket) {
  boost::system::error_code error;
  const auto local = socket.local_endpoint(error);
  if (error) co_return;
  const auto name = services.names.name(local.address());
  if (!name) co_return;  // 127.0.0.1:443 and the like: there is nothing
  auto port = Port::parse(std::to_string(local.port()));
  if (!port) co_return;
  Wanted wanted{*name, *port, Way::kTransparent};
  co_await serve_wanted(services, std::move(socket), {}, std::move(wanted));
}

Awaitable<void> serve_redirected(Services& services, tcp::socket socket, Port port) {
  FirstBytes spoken = co_await first_bytes(socket, {});
  const auto dialled = original_destination(socket);
  const std::string target =
      dialled ? endpoint_text(*dialled) : "port " + std::to_string(port.number());
  const auto named = spoken.hello ? Host::parse(spoken.hello->server_name) : Host::parse("");
  if (spoken.hello && named) {
    Wanted wanted{*named, port, Way::kTransparent};
    ClientHello hello = std::move(*spoken.hello);
    co_await serve_tls(services, std::move(socket), std::move(spoken.early), std::move(hello),
                       std::move(wanted));
  } else if (spoken.hello) {
    const ClientHello& hello = *spoken.hello;
    Denial denial;
    denial.target = target;
    denial.reason =
        hello.server_name.empty() ? DenyReason::kNameNotIndicated : DenyReason::kInvalidName;
    denial.detail = hello.server_name.empty()
                        ? "TLS without a server name (SNI) cannot be matched to a host"
                        : "its TLS server name is " + quoted(hello.server_name, 80);
    // There is nobody to be: what is said is said under the proxy's own name.
    Host self = *Host::parse(kInternalHost);
    auto gate = denied_gate(services, std::move(denial), Way::kTransparent);
    co_await answer_inside_tls(services, std::move(socket), std::move(spoken.early),
                               std::move(self), hello, std::move(gate));
  } else if (spoken.readable && looks_like_http(spoken.early)) {
    // Each request says by its Host where it goes, and is admitted by that.
    auto client = plain_stream(std::move(socket), std::move(spoken.early));
    auto gate = redirected_gate(services, port);
    LinkedOrigins origins(services, Way::kTransparent);
    co_await serve_http1(*client, Http1Entry::kDirect, *gate, origins);
    co_await client->shutdown_write();
    client->close();
  } else if (!spoken.early.empty() || !spoken.left) {
    Denial denial;
    denial.reason = DenyReason::kMalformed;
    denial.target = target;
    denial.detail = spoken.early.empty() ? "nothing was said" : "neither TLS nor HTTP";
    services.audit.deny(denial, way_name(Way::kTransparent));
  }
}

Awaitable<void> serve_explicit(Services& services, tcp::socket socket) {
  auto client = plain_stream(std::move(socket));
  auto gate = forward_gate(services, services.token);
  LinkedOrigins origins(services, Way::kAbsoluteForm);
  auto connect = co_await serve_http1(*client, Http1Entry::kExplicit, *gate, origins);
  if (!connect) {
    co_await client->shutdown_write();
    client->close();
    co_return;
  }
  if (services.token != nullptr && !services.token->shown_in(connect->proxy_authorization)) {
    services.audit.deny(access_denial(), way_name(Way::kConnect), "CONNECT");
    auto refusal = access_refusal();
    co_await refuse_connect(*client, std::move(refusal));
    co_return;
  }
  auto authority = parse_authority(connect->authority, https_port());
  if (!authority) {
    Denial denial;
    denial.reason = DenyReason::kInvalidName;
    denial.target = quoted(connect->authority, 80);
    denial.detail = authority.error().what();
    services.audit.deny(denial, way_name(Way::kConnect), "CONNECT");
    auto refusal = refusal_of(denial, nullptr);
    co_await refuse_connect(*client, std::move(refusal));
    co_return;
  }
  Wanted wanted{authority->host, authority->port, Way::kConnect};
  if (authority->host.is_address()) {
    // A client that resolved by itself was given one of our addresses.
    boost::system::error_code bad;
    const auto address = asio::ip::make_address(authority->host.text(), bad);
    if (const auto name = services.names.name(address)) wanted.host = *name;
  }
  if (auto denial = refused_connect(services, wanted)) {
    services.audit.deny(*denial, way_name(Way::kConnect), "CONNECT");
    auto refusal = refusal_of(*denial, nullptr);
    co_await refuse_connect(*client, std::move(refusal));
    co_return;
  }
  static constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
  std::vector<asio::const_buffer> answer = {asio::buffer(kEstablished)};
  const IoResult written = co_await client->write(std::move(answer));
  if (written.error) co_return;
  std::string early = std::move(connect->early);
  co_await serve_wanted(services, take_socket(std::move(client)), std::move(early),
                        std::move(wanted));
}

}  // namespace redoubtful::proxy
