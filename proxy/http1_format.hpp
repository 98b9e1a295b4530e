#pragma once

// Writes heads of HTTP/1 messages anew, with framing and connection fields of our own.
//
// What an origin or client receives is this, never bytes that the other side sent.

#include <optional>
#include <string>

#include "proxy/http1_head.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

// Host first. A request without a body that had no Content-Length gets none.
void format_request(const RequestHead& head, const Framing& framing, std::string& out);

enum class Persistence { kKeepAlive, kClose };

// `framing` kNone: an answer that has no body whatever its fields say (HEAD, 204, 304): its
// Content-Length stays as it came, but for 1xx and 204. `client`: the version that the client
// speaks.
void format_response(const ResponseHead& head, const Framing& framing, HttpVersion client,
                     Persistence persistence, std::string& out);

// 101: the connection is a WebSocket after it.
void format_upgraded(const ResponseHead& head, std::string& out);

// 1xx but 101.
void format_interim(const ResponseHead& head, std::string& out);

// An answer of our own, whole. The body is left out for HEAD.
void format_refusal(const Refusal& refusal, std::string_view method, HttpVersion client,
                    Persistence persistence, std::string& out);

}  // namespace redoubtful::proxy
