#pragma once

// HTTP/1.1 between a client and its origin: reads, has judged, re-serialises, relays.
//
// Strict toward the client (http1_head.hpp): ambiguous framing is answered 400 and the connection
// is closed. Bodies stream in pieces of at most limits::kRelayBytes, each passed on as soon as it
// is there (server-sent events), with back-pressure. 1xx, trailers, HEAD, 204, 304, close-delimited
// answers, `Expect: 100-continue`, and WebSocket upgrades (after 101: relay()).

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "proxy/message.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

enum class Http1Entry {
  kDirect,    // transparent, or inside TLS: only origin-form targets
  kExplicit,  // the proxy's own port: CONNECT, and absolute-form targets for http://
};

// Gives the stream that an admitted request is sent on. It is asked for each request, and may give
// the same stream as before, or a new one where the old one was closed.
class OriginSource {
 public:
  virtual ~OriginSource() = default;
  // Valid until the next call. Refusal: what the client gets instead.
  virtual Awaitable<std::variant<Stream*, Refusal>> stream_for(Exchange& exchange) = 0;
  // The stream cannot be used again: answer cut short, "Connection: close", an upgrade that ended.
  virtual void discard() noexcept = 0;
  // The stream that was given last has carried requests before, of another connection.
  virtual bool reused() const noexcept { return false; }
  // An authentication holds for the stream itself: it is for this client alone.
  virtual void bind() noexcept {}
};

// A CONNECT on the explicit port; the 200 is the caller's to write.
struct ConnectRequest {
  std::string authority;  // as sent, not yet checked
  std::string early;      // bytes behind the head
  std::string proxy_authorization;
};

// Until the connection ends, or a CONNECT comes (kExplicit only). Closes `client` only where it
// must not look as if it had ended well, or has gone; else the caller ends it.
Awaitable<std::optional<ConnectRequest>> serve_http1(Stream& client, Http1Entry entry, Gate& gate,
                                                     OriginSource& origins);

}  // namespace redoubtful::proxy
