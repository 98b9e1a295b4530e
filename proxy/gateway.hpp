#pragma once

// A gateway in an origin's place (`network.origins.HOST.via`): the same requests, under another
// name and below a prefix. [pure]
//
//     via https://gateway.corp/v1/anthropic, for api.anthropic.com:
//     GET /v1/models of api.anthropic.com   ->  GET /v1/anthropic/v1/models of gateway.corp
//     Location: /v1/anthropic/x             ->  Location: /x
//
// TLS name, Host and path are the gateway's; what it answers is mapped back, so that the client
// sees only the name it asked for. Links inside bodies are not touched.
//
// Source: RFC 9110 section 10.2.2 (Location), RFC 6265 section 5.1.3 and 5.1.4 (Set-Cookie).

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/host.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

class Gateway {
 public:
  // "https://host[:port][/prefix]". The prefix is in canonical form (target.hpp) and has no query.
  // Errors: kInvalidProfile.
  static Result<Gateway> parse(std::string_view url);

  const Host& host() const noexcept { return host_; }
  Port port() const noexcept { return port_; }
  // Empty, or "/v1/anthropic": never with a slash at its end.
  const std::string& prefix() const noexcept { return prefix_; }
  // What Host or :authority says: "gateway.corp", "gateway.corp:8443".
  std::string authority() const;

  // The request target to send for a canonical one; "*" stays.
  std::string target(std::string_view canonical) const;

  // Maps Location, Content-Location and Set-Cookie of an answer back. `authority`: the original
  // host's, as Admission::authority() spells it.
  void map_back(Fields& fields, const Host& original, std::string_view authority) const;

  // One value of each, for map_back(). A URL below the prefix loses it and the gateway's name; a
  // path beside the prefix becomes an absolute URL of the gateway, which is where it leads.
  std::string location(std::string_view value, std::string_view authority) const;
  // A Domain that is the gateway's becomes the original host's, a wider one is dropped, which
  // leaves the cookie to the original host alone; a Path loses the prefix.
  std::string set_cookie(std::string_view value, const Host& original) const;

 private:
  Gateway(Host host, Port port, std::string prefix)
      : host_(std::move(host)), port_(port), prefix_(std::move(prefix)) {}

  Host host_;
  Port port_;
  std::string prefix_;
};

}  // namespace redoubtful::proxy
