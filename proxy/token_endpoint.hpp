#pragma once

// Asks token endpoints: one POST each, over verified TLS, the way every origin is reached
// (`network.origins`, `network.ca`, `network.proxy`), but by the login helper alone. What boxes may
// reach is not asked; an endpoint of a company may have a private address.
//
// Blocks: until the connection stands, for the times of limits.hpp, then for kPatience at most.
// Nothing is given up half way: a token that comes late is a token. Lifetime: refers to what it was
// made from.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/dialer.hpp"
#include "proxy/policy.hpp"
#include "proxy/resolver.hpp"
#include "proxy/tls.hpp"
#include "proxy/web_get.hpp"

namespace redoubtful::proxy {

// What reaching an endpoint takes.
struct EndpointAccess {
  const NetworkProfile& network;  // origins; nothing else of it is looked at
  std::optional<UpstreamProxy> upstream;
  std::string name_servers;  // as Resolver::create()
  OriginTls& tls;
};

class TokenEndpoints {
 public:
  static constexpr std::chrono::seconds kPatience{15};

  // `urls`: which may be asked. Opens the resolver's settings. Errors: kInvalidProfile,
  // kSystemCall.
  static Result<std::unique_ptr<TokenEndpoints>> open(EndpointAccess access,
                                                      const std::vector<std::string>& urls);

  // `beat` is called every few seconds while it takes (login_lock.hpp). The caller erases body and
  // answer. Errors: kPeerProtocol, with the endpoint's name; nothing is known then of what became
  // of the request.
  Result<WebAnswer> post(std::string_view url, std::string_view content_type,
                         const std::string& body, const std::function<void()>& beat);

 private:
  TokenEndpoints(EndpointAccess access, NetworkProfile rules);
  Awaitable<RawAnswer> asked(WebServer server, std::string_view content_type,
                             const std::string& body);

  boost::asio::io_context context_{1};
  OriginTls& tls_;
  Policy policy_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Dialer> dialer_;
};

}  // namespace redoubtful::proxy
