#pragma once

// Why TLS failed, for the person who has to do something about it.
//
// Certificates are the peer's words: everything out of them is quoted.

#include <string>

#include "common/host.hpp"
#include "proxy/openssl.hpp"
#include "proxy/tls.hpp"
#include "proxy/tls_stream.hpp"

namespace redoubtful::proxy {

// "the certificate of example.com expired on 2026-01-31 12:00 UTC". Precondition: verification of
// `context` failed just now.
std::string certificate_reason(X509_STORE_CTX* context, const Host& name);

enum class TlsPeer { kOrigin, kClient };

// A handshake that failed for another reason than the peer's certificate.
// `timed_out`: the Watchdog closed the stream.
enum class Ended { kByItself, kByTheWatchdog };
TlsFailure handshake_reason(const TlsStream::Failure& failure, Ended ended, TlsPeer peer,
                            const Host& name);

}  // namespace redoubtful::proxy
