#pragma once

// Reads the server name and ALPN from a TLS ClientHello without answering it. [trusted core]
//
// Needed before a handshake is begun: which name is meant, and what protocols to offer the origin.
// A hello that two readers could understand differently is refused: an extension twice, a second
// name, a name of another type, a length that does not fit. What OpenSSL (or, for `splice`, the
// origin) reads later is what was read here.
//
// Source: RFC 8446 sections 4.1.2, 4.2 and 5.1, RFC 6066 section 3, RFC 7301, RFC 9849 (ECH).

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct ClientHello {
  std::string server_name;  // as sent, 1–255 bytes; empty: none. Not checked against the grammar
  std::vector<std::string> protocols;  // ALPN, in the client's order
  // An encrypted_client_hello of type outer: another name may be hidden in it. Chromium and Firefox
  // send a made-up one to everybody (GREASE), which looks just the same. It means nothing to a
  // server without the key, so where TLS ends here, server_name is what holds; passed through
  // (`splice`) it may mean something to the origin.
  bool encrypted = false;
};

struct NeedMoreBytes {};

// `bytes`: what the connection began with; more may follow. May span several records; what is
// behind the hello is not looked at. Errors: kPeerProtocol: not TLS, malformed, or longer than
// limits::kClientHelloBytes.
std::variant<ClientHello, NeedMoreBytes, Error> parse_client_hello(std::string_view bytes);

// Could this be the beginning of a TLS connection? One byte is enough: a handshake record. SSLv2's
// hello begins otherwise and is not TLS to us (RFC 6176).
inline bool looks_like_tls(std::string_view bytes) { return !bytes.empty() && bytes[0] == 0x16; }

}  // namespace redoubtful::proxy
