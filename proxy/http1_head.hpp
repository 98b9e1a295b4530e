#pragma once

// Reads the head of an HTTP/1 message, or refuses it. [trusted core]
//
// The raw bytes are checked first, line by line (http1_syntax.hpp); only what passed is given to
// Beast's parser, and both must have seen the same fields. How a body is framed is decided here and
// nowhere else: what two programs could read in two ways (a length and a coding, two lengths, a
// coding other than one "chunked") is refused. Pure: bytes in, values out.
//
// Nothing of the spelling survives but names and values: heads are written anew (http1_format.hpp).
// Source: RFC 9112 sections 2 to 7, RFC 6455 section 4.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/http1.hpp"
#include "proxy/http1_syntax.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

struct Framing {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength

  bool has_body() const noexcept {
    return kind == Kind::kChunked || kind == Kind::kUntilClose || length > 0;
  }
};

struct ParsedRequest {
  RequestHead head;  // `fields` keeps Content-Length, which no one but the writer's own may go by
  Framing framing;
  bool keep_alive = false;
  bool expects_continue = false;
};

struct ParsedConnect {
  std::string authority;
  std::string proxy_authorization;
};

// `bytes`: exactly a head, as HeadScanner found its end.
std::variant<ParsedRequest, ParsedConnect, HeadFault> parse_request_head(std::string_view bytes,
                                                                         Http1Entry entry);

struct ParsedResponse {
  ResponseHead head;
  Framing framing;
  bool keep_alive = false;
  bool upgraded = false;  // 101 to a WebSocket
};

// `method`: of the request that it answers. A HeadFault's status is always 502.
std::variant<ParsedResponse, HeadFault> parse_response_head(std::string_view bytes,
                                                            std::string_view method);

}  // namespace redoubtful::proxy
