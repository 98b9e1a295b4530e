#pragma once

// Reads the server name and ALPN from a TLS ClientHello without answering it. [trusted core]
//
// Needed before a handshake is begun: which name is meant, and what protocols to offer the origin.
// Source: RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301, draft-ietf-tls-esni (ECH).

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct ClientHello {
  std::string server_name;             // as sent; empty: none. Not checked against the host grammar
  std::vector<std::string> protocols;  // ALPN, in the client's order
  bool encrypted = false;              // an encrypted_client_hello of type outer
};

struct NeedMoreBytes {};

// `bytes`: what the connection began with; more may follow. May span several records.
// Errors: kPeerProtocol: not TLS, malformed, or longer than limits::kClientHelloBytes.
std::variant<ClientHello, NeedMoreBytes, Error> parse_client_hello(std::string_view bytes);

// Could this be the beginning of a TLS connection? One byte is enough: a handshake record.
inline bool looks_like_tls(std::string_view bytes) { return !bytes.empty() && bytes[0] == 0x16; }

}  // namespace redoubtful::proxy
