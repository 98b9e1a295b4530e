#pragma once

// TLS on both legs: the client's, with a leaf of ours, and the origin's, verified.
//
// The origin is verified against the system's roots, `network.ca` and the host's own `origins.ca`,
// never against our session's CA; roots are parsed when first needed. Sessions are resumed on both
// legs. TLS 1.2 and 1.3, no renegotiation, no early data.
//
// Not promised: revocation is not checked (CRL, OCSP), as curl, git and Node do not either.

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"
#include "common/profile.hpp"
#include "proxy/certificate_authority.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

struct TlsFailure {
  std::string
      error;  // RFC 9209: "tls_certificate_error", "tls_protocol_error", "connection_timeout" …
  std::string text;  // for people: "the certificate of api.example.com has expired (CN=…, until …)"
};

class OriginTls {
 public:
  // `roots`: PEM files added to the system's. `system_bundle`: the file of the system's roots;
  // empty: found among the places that distributions use. Both are read now (confinement follows)
  // and parsed at first use. Errors: kInvalidProfile for a file that cannot be read or has no
  // certificate, with the place that names it.
  static Result<std::unique_ptr<OriginTls>> create(std::vector<Sourced<std::string>> roots,
                                                   std::string system_bundle);
  virtual ~OriginTls() = default;

  // A PEM file that is trusted for this host alone, besides the others; a root, or the very
  // certificate that the host shows. Errors: as create.
  virtual Result<void> trust_for(const Host& host, const std::string& pem_file) = 0;

  // Makes what all connections share; else the first one does. Errors: kTls.
  virtual Result<void> prepare() = 0;

  // Handshakes as a client. `protocols`: ALPN to offer, in order, may be empty. `name` is verified
  // and sent as SNI (an address: verified as IP, no SNI). Completes within limits::kHandshake.
  virtual Awaitable<std::variant<std::unique_ptr<Stream>, TlsFailure>> connect(
      boost::asio::ip::tcp::socket socket, Host name, std::vector<std::string> protocols) = 0;
};

// Handshakes as the server with a leaf for `name`. `early`: the bytes that were already read (the
// ClientHello). `protocol`: what ALPN chooses if the client offers it; empty: none is chosen.
// Completes within limits::kHandshake.
Awaitable<std::variant<std::unique_ptr<Stream>, TlsFailure>> accept_tls(
    CertificateAuthority& authority, boost::asio::ip::tcp::socket socket, std::string early,
    Host name, std::string protocol);

}  // namespace redoubtful::proxy
