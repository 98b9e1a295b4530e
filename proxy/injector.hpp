#pragma once

// Puts real credentials in the place of surrogates, on the way out, where they belong. [trusted
// core]
//
// Swapped only: over verified TLS (the permit is of an intercepted connection), for the
// credential's own hosts, in the known credential header fields (all duplicates; Basic is decoded).
// A surrogate anywhere else in a head is refused and alarmed: somebody is carrying it where it has
// no business.
//
// Not covered here: bodies, cookies, queries; the profile cannot ask for them yet.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/control_channel.hpp"
#include "common/profile.hpp"
#include "common/secret.hpp"
#include "proxy/message.hpp"
#include "proxy/policy.hpp"

namespace redoubtful::proxy {

// A credential that is live in this session.
struct LiveCredential {
  std::string name;
  std::vector<Host> hosts;
  Secret secret;
  std::string surrogate;
};

class Injector {
 public:
  explicit Injector(std::vector<LiveCredential> credentials)
      : credentials_(std::move(credentials)) {}

  // Names of the credentials that were put in. Denial: kCredential; the caller audits it as an
  // alarm.
  std::variant<std::vector<std::string>, Denial> inject(const RequestPermit& permit,
                                                        Handling handling, RequestHead& head) const;

  // The credential whose surrogate stands somewhere in the text, or null. For what is not injected
  // into: plain HTTP, denied hosts, trailers.
  const LiveCredential* surrogate_in(std::string_view text) const;
  const LiveCredential* surrogate_in(const RequestHead& head) const;

  const std::vector<LiveCredential>& credentials() const noexcept { return credentials_; }
  bool empty() const noexcept { return credentials_.empty(); }
  bool has_credentials(const Host& host) const;

 private:
  std::vector<LiveCredential> credentials_;
};

}  // namespace redoubtful::proxy
