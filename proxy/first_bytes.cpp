#include "proxy/first_bytes.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <variant>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {

namespace asio = boost::asio;

Awaitable<FirstBytes> first_bytes(asio::ip::tcp::socket& socket, std::string early) {
  FirstBytes out{.early = std::move(early), .hello = {}};
  asio::steady_timer patience(socket.get_executor(), limits::kFirstBytes);
  patience.async_wait([&socket](const boost::system::error_code& error) {
    boost::system::error_code ignored;
    if (!error) socket.cancel(ignored);
  });
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
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
    auto [error, bytes] = co_await socket.async_read_some(asio::buffer(buffer), kTuple);
    out.left = error && error != asio::error::operation_aborted;
    if (error) break;
    out.early.append(buffer.data(), bytes);
  }
  patience.cancel();
  co_return out;
}

bool looks_like_http(std::string_view early) {
  const char first = early.empty() ? '\0' : early[0];
  return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

}  // namespace redoubtful::proxy
