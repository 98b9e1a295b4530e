#include "proxy/web_get.hpp"

#include <string.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "common/host.hpp"
#include "proxy/limits.hpp"
#include "proxy/tls.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxAnswer = 1024 * 1024;

Error failed(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

bool is_loopback(const Host& host) {
  if (host.text() == "localhost") return true;
  boost::system::error_code bad;
  return asio::ip::make_address(host.text(), bad).is_loopback() && !bad;
}

Awaitable<std::unique_ptr<Stream>> connected(const WebServer& server, OriginTls& tls,
                                             std::string& error) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  const auto [unknown, places] = co_await resolver.async_resolve(
      server.authority.host.text(), std::to_string(server.authority.port.number()),
      asio::as_tuple(asio::use_awaitable));
  asio::ip::tcp::socket socket(executor);
  boost::system::error_code bad = unknown;
  if (!bad) {
    const auto [refused, end] =
        co_await asio::async_connect(socket, places, asio::as_tuple(asio::use_awaitable));
    bad = refused;
  }
  if (bad) {
    error = bad.message();
    co_return nullptr;
  }
  if (!server.tls) co_return plain_stream(std::move(socket));
  auto shaken = co_await tls.connect(std::move(socket), server.authority.host, {});
  if (auto* failure = std::get_if<TlsFailure>(&shaken)) {
    error = failure->text;
    co_return nullptr;
  }
  co_return std::get<std::unique_ptr<Stream>>(std::move(shaken));
}

Awaitable<RawAnswer> asked(const WebServer& server, OriginTls& tls, const std::string& request) {
  RawAnswer out;
  auto stream = co_await connected(server, tls, out.error);
  if (!stream) co_return out;
  co_return co_await web_exchange(*stream, request, kPatience);
}

enum class Ended { kNo, kYes };  // more may come, or not

bool parse(http::response_parser<http::string_body>& parser, const std::string& answer,
           Ended ended) {
  parser.body_limit(kMaxAnswer);
  parser.eager(true);
  boost::system::error_code bad;
  parser.put(asio::buffer(answer), bad);
  if (!bad && !parser.is_done() && ended == Ended::kYes) parser.put_eof(bad);
  return !bad && parser.is_done();
}

bool is_whole(const std::string& answer) {
  http::response_parser<http::string_body> parser;
  const bool whole = parse(parser, answer, Ended::kNo);
  std::string& body = parser.get().body();
  ::explicit_bzero(body.data(), body.size());
  return whole;
}

}  // namespace

Awaitable<RawAnswer> web_exchange(Stream& stream, const std::string& request,
                                  std::chrono::seconds patience) {
  RawAnswer out;
  Watchdog watchdog(stream);
  watchdog.expires_after(patience);
  const std::vector<asio::const_buffer> buffers{asio::buffer(request)};
  const IoResult sent = co_await stream.write(buffers);
  std::string buffer(16384, '\0');
  IoResult got;
  // A server may let the connection be, although it was asked to end it.
  while (!sent.error && out.text.size() <= kMaxAnswer && !is_whole(out.text)) {
    got = co_await stream.read_some(asio::buffer(buffer));
    out.text.append(buffer, 0, got.bytes);
    if (got.error) break;
  }
  ::explicit_bzero(buffer.data(), buffer.size());
  if (watchdog.expired()) {
    out.error = "it did not answer within " + std::to_string(patience.count()) + " s";
  } else if (sent.error || (got.error && out.text.empty())) {
    out.error = sent.error ? sent.error.message() : got.error.message();
  }
  co_return out;
}

Result<WebAnswer> parse_web_answer(std::string& answer) {
  http::response_parser<http::string_body> parser;
  const bool whole = parse(parser, answer, Ended::kYes);
  ::explicit_bzero(answer.data(), answer.size());
  if (!whole) return failed("the server's answer is no HTTP, or not whole");
  return WebAnswer{parser.get().result_int(), std::move(parser.get().body())};
}

Result<WebServer> parse_web_server(std::string_view url) {
  constexpr std::string_view kTls = "https://";
  constexpr std::string_view kPlain = "http://";
  const bool tls = url.starts_with(kTls);
  if (!tls && !url.starts_with(kPlain)) return failed("it is no https:// address");
  url.remove_prefix(tls ? kTls.size() : kPlain.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  auto authority = parse_authority(url.substr(0, slash), *Port::parse(tls ? "443" : "80"));
  if (!authority) return std::move(authority).error();
  if (!tls && !is_loopback(authority->host)) {
    return failed("it is http://, where the token would be readable on the way")
        .hint("use https://; plain HTTP is for a server on this machine");
  }
  std::string_view prefix = url.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return WebServer{*std::move(authority), std::string(prefix), tls};
}

Result<WebAnswer> web_get(const WebServer& server, std::string_view target, const Fields& fields,
                          std::vector<Sourced<std::string>> roots) {
  const std::string named = roots.empty() ? std::string() : roots.front().origin.file;
  auto tls = OriginTls::create(std::move(roots), {});
  if (!tls) return named.empty() ? std::move(tls).error() : std::move(tls).error().during(named);
  std::string request;
  request.reserve(limits::kHeadBytes);  // no copy is left behind by growing
  request.append("GET ").append(target).append(" HTTP/1.1\r\nHost: ");
  request.append(authority_text(server.authority));
  request.append("\r\nConnection: close\r\nAccept: application/json\r\n");
  for (const Field& field : fields) {
    request.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  request.append("\r\n");

  asio::io_context context(1);
  std::optional<RawAnswer> answer;
  asio::co_spawn(context, asked(server, **tls, request),
                 [&answer](std::exception_ptr bug, RawAnswer got) {
                   if (bug) std::rethrow_exception(bug);
                   answer = std::move(got);
                 });
  context.run_for(kPatience);
  ::explicit_bzero(request.data(), request.size());
  const std::string who = authority_text(server.authority);
  if (!answer) return failed(who + " does not answer");
  if (!answer->error.empty()) return failed("cannot reach " + who + ": " + answer->error);
  auto out = parse_web_answer(answer->text);
  if (!out) return std::move(out).error().during(who);
  return out;
}

}  // namespace redoubtful::proxy
