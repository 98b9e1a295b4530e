#pragma once

// The session's own certificate authority: made in memory, gone with the process. [trusted core]
//
// P-256, one day (standing alone: a year), back-dated an hour (clock skew). Leaves are made at
// first use and kept; their SAN is the name, or the address. The keys never leave this object, and
// nothing writes them anywhere; they are in OpenSSL's secure heap (openssl.hpp). Source: RFC 5280;
// Python 3.13 and Go check authority and subject key ids.

#include <chrono>
#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/host.hpp"
#include "proxy/openssl.hpp"

namespace redoubtful::proxy {

class CertificateAuthority {
 public:
  static constexpr std::chrono::hours kSession{24};
  static constexpr std::chrono::hours kStandalone{365 * 24};  // below the 398 days of browsers

  // `life`: how long it and all its leaves are valid. Errors: kTls with OpenSSL's reason.
  static Result<std::unique_ptr<CertificateAuthority>> create(std::chrono::hours life = kSession);
  virtual ~CertificateAuthority() = default;

  virtual const std::string& certificate_pem() const noexcept = 0;

  // Makes what all connections share; else the first one does. Apart from create(), for it takes
  // longer than the rest, and the box waits for the certificate only. Errors: kTls.
  virtual Result<void> prepare() = 0;

  // The server's end of a connection that shows a leaf for the host: TLS 1.2 and later, tickets on
  // (for this host only), read-ahead. All share one context, for a context costs more than a leaf;
  // at most 1,024 leaves are kept, the least recently used goes first.
  // `protocol`: what ALPN chooses if the client offers it; none when empty. Must outlive the
  // handshake.
  // Errors: kTls.
  virtual Result<SslPtr> server(const Host& host, const std::string& protocol) = 0;
};

}  // namespace redoubtful::proxy
