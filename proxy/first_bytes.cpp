#include "proxy/first_bytes.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "proxy/limits.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

namespace asio = boost::asio;

Awaitable<FirstBytes> first_bytes(asio::ip::tcp::socket& socket, std::string early) {
  FirstBytes out{.early = std::move(early), .hello = {}};
  // A Stream, for its watchdog holds between two reads as well, and cannot outlive what it watches.
  auto client = plain_stream(std::move(socket));
  std::optional<Watchdog> patience(std::in_place, *client);
  patience->expires_after(limits::kFirstBytes);
  std::array<char, 4096> buffer;
  for (;;) {
    if (!out.early.empty()) {
      if (!looks_like_tls(out.early)) {
        out.readable = true;
        break;
      }
      auto parsed = parse_client_hello(out.early);
      if (auto* hello = std::get_if<ClientHello>(&parsed)) {
        out.hello = std::move(*hello);
        out.readable = true;
        break;
      }
      if (std::holds_alternative<Error>(parsed)) break;
    }
    const IoResult got = co_await client->read_some(asio::buffer(buffer));
    out.left = got.error && !patience->expired();
    if (got.error) break;
    out.early.append(buffer.data(), got.bytes);
  }
  patience.reset();
  socket = take_socket(std::move(client));
  co_return out;
}

bool looks_like_http(std::string_view early) {
  const char first = early.empty() ? '\0' : early[0];
  return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

}  // namespace redoubtful::proxy
