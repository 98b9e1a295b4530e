#pragma once

// HTTP/2 end to end: nghttp2 as the server toward the client and as a client toward the origin, one
// origin connection per client connection, each stream judged by itself.
//
// Trailers and bidirectional streams pass (gRPC), flow control is passed through: a slow reader
// slows its own stream, and no more than a window of it is held. Not offered: server push, extended
// CONNECT, h2c, PRIORITY. A refused stream is answered in its own terms (gRPC: trailers-only with
// status 7); the others go on. RST_STREAM, GOAWAY and PING pass their meaning on to the other side.

#include "proxy/message.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

// `origin` null: every request must be refused by the gate (a denied host). Until the client or the
// origin ends the connection; streams under way are told. Both connections are closed then.
Awaitable<void> serve_http2(Stream& client, Stream* origin, Gate& gate);

}  // namespace redoubtful::proxy
