#pragma once

// The host's own way out: a corporate HTTP proxy, as HTTPS_PROXY and NO_PROXY (or `network.proxy`)
// name it. Parsed once; pure.
//
// NO_PROXY is read as curl does, with Go's CIDR ranges and ports: a list by commas or blanks of
// names (which stand for what is below them as well; a leading "." or "*." changes nothing),
// addresses, ranges and "*". A range is compared with address literals only; nothing is looked up.
//
// Holds a password, so no text made here shows the URL.

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"

namespace redoubtful::proxy {

class UpstreamProxy {
 public:
  // "http://[user:password@]host[:port][/]"; without "http://" it is meant, without a port it
  // is 80. User and password are percent-decoded. Entries of `no_proxy` that mean nothing match
  // nothing. Errors: kInvalidProfile; also for https:// and socks proxies, which are not supported.
  static Result<UpstreamProxy> parse(std::string_view url, std::string_view no_proxy);

  // Is the host reached directly?
  bool bypassed(const Host& host, Port port) const;

  const Host& host() const noexcept { return host_; }
  Port port() const noexcept { return port_; }
  // "proxy.corp:3128", for people.
  std::string text() const;
  // "Basic …", or empty.
  const std::string& authorization() const noexcept { return authorization_; }

 private:
  struct Bypass {
    std::string name;  // lower case; a name, an address or a CIDR range; "*": everything
    std::optional<Port> port;
  };
  static std::optional<Bypass> parse_bypass(std::string_view entry);

  UpstreamProxy(Host host, Port port) : host_(std::move(host)), port_(port) {}

  Host host_;
  Port port_;
  std::string authorization_;
  std::vector<Bypass> bypass_;
};

}  // namespace redoubtful::proxy
