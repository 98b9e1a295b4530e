#include "proxy/tls.hpp"

#include "proxy/limits.hpp"
#include "proxy/tls_reasons.hpp"
#include "proxy/tls_stream.hpp"

namespace redoubtful::proxy {

Awaitable<std::variant<std::unique_ptr<Stream>, TlsFailure>> accept_tls(
    CertificateAuthority& authority, boost::asio::ip::tcp::socket socket, std::string early,
    Host name, std::string protocol) {
  using Outcome = std::variant<std::unique_ptr<Stream>, TlsFailure>;
  auto ssl = authority.server(name, protocol);
  if (!ssl) co_return Outcome(TlsFailure{"proxy_internal_error", ssl.error().what()});
  SSL_set_accept_state(ssl->get());
  auto stream = std::make_unique<TlsStream>(std::move(socket), *std::move(ssl), early);
  Watchdog watchdog(*stream);
  watchdog.expires_after(limits::kHandshake);
  const TlsStream::Failure failure = co_await stream->handshake();
  if (failure.failed()) {
    const Ended ended = watchdog.expired() ? Ended::kByTheWatchdog : Ended::kByItself;
    co_return Outcome(handshake_reason(failure, ended, TlsPeer::kClient, name));
  }
  co_return Outcome(std::unique_ptr<Stream>(std::move(stream)));
}

}  // namespace redoubtful::proxy
