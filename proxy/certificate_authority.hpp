#pragma once

// The session's own certificate authority: made in memory, gone with the process. [trusted core]
//
// P-256, one day, back-dated an hour (clock skew). Leaves are made at first use and kept; their SAN
// is the name, or the address. The key never leaves this object, and nothing writes it anywhere.
// Source: RFC 5280; Python 3.13 and Go check authority and subject key ids.

#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/host.hpp"

struct ssl_ctx_st;

namespace redoubtful::proxy {

class CertificateAuthority {
 public:
  // Errors: kTls with OpenSSL's reason.
  static Result<std::unique_ptr<CertificateAuthority>> create();
  virtual ~CertificateAuthority() = default;

  virtual const std::string& certificate_pem() const noexcept = 0;

  // A server context (TLS 1.2 and later, tickets on, read-ahead) with a leaf for the host. Valid as
  // long as this object. At most 4,096 are kept; the least recently used goes first.
  // Errors: kTls.
  virtual Result<ssl_ctx_st*> server_context(const Host& host) = 0;
};

}  // namespace redoubtful::proxy
