#pragma once

// Certificates that vouch for an origin: PEM text, each certificate parsed when one asks for it.
//
// Parsing the 140 of a distribution takes 16 ms, of which a connection needs one. So only subjects
// are read at first, and what a chain names as issuer is handed to OpenSSL, which judges alone.

#include <string>
#include <string_view>
#include <vector>

#include "proxy/openssl.hpp"

namespace redoubtful::proxy {

class TrustedRoots {
 public:
  // Takes what is between BEGIN and END CERTIFICATE; what cannot be read is left out, as OpenSSL's
  // own loader would stop there.
  explicit TrustedRoots(std::string_view pem);

  // Certificates found.
  std::size_t size() const noexcept { return entries_.size(); }

  // Adds to the store every certificate with that subject, and what these name as their issuer.
  void add_to(X509_STORE* store, const X509_NAME* subject) const;

 private:
  struct Entry {
    NamePtr subject;
    std::string der;
  };
  std::vector<Entry> entries_;
};

}  // namespace redoubtful::proxy
