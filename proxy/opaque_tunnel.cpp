#include "proxy/opaque_tunnel.hpp"

#include "proxy/origin_link.hpp"
#include "proxy/tunnel_refusal.hpp"

namespace redoubtful::proxy {

using boost::asio::ip::tcp;

Awaitable<void> refuse_tunnel(Services& services, tcp::socket socket, Host host, Port port,
                              Denial denial, Way way) {
  services.audit.deny(denial, way_name(way));
  if (!is_ssh_port(port)) co_return;
  std::string text = ssh_refusal_text(services.policy, denial, host);
  co_await tell_ssh(std::move(socket), std::move(text));
}

Awaitable<void> tunnel(Services& services, tcp::socket socket, std::string early,
                       Admission admission, Way way) {
  std::vector<std::string> none;
  auto connected = co_await connect_origin(services, admission, std::move(none));
  if (const auto* denial = std::get_if<Denial>(&connected)) {
    auto refused = refuse_tunnel(services, std::move(socket), admission.host(), admission.port(),
                                 *denial, way);
    co_await std::move(refused);
    co_return;
  }
  if (const auto* failure = std::get_if<DialFailure>(&connected)) {
    // The log says why; but for SSH, these protocols have no words for it.
    if (!is_ssh_port(admission.port())) co_return;
    std::string text = "redoubtful: " + failure->text;
    co_await tell_ssh(std::move(socket), std::move(text));
    co_return;
  }
  auto& origin = std::get<std::unique_ptr<Stream>>(connected);
  auto client = plain_stream(std::move(socket), std::move(early));
  const auto begun = std::chrono::steady_clock::now();
  const Relayed relayed = co_await relay(*client, *origin);
  AuditEvent event;
  event.event = "tunnel";
  event.host = admission.host().text();
  event.port = admission.port().number();
  event.bytes_up = relayed.up;
  event.bytes_down = relayed.down;
  event.time = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begun);
  event.rule = admission.rule();
  event.place = admission.place();
  event.detail = relayed.failure;
  services.audit.record(event);
}

}  // namespace redoubtful::proxy
