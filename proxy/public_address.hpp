#pragma once

// Which addresses a name may resolve to. [trusted core]
//
// For IPv6 the public ones are listed (2000::/3 without its special parts), for IPv4 the special
// ones. An IPv6 form that holds an IPv4 address is public only as NAT64's well-known prefix, which
// IPv6-only networks reach the rest through, and then as the IPv4 address is; mapped, compatible,
// 6to4 and Teredo forms have no business in DNS.
//
// Source: the IANA special-purpose registries (RFC 6890), RFC 8215, RFC 3056, RFC 4380.

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string_view>

#include "common/host.hpp"

namespace redoubtful::proxy {

// Is the address one that the public Internet routes?
bool is_public_address(const boost::asio::ip::address& address);

// Where packets to it end: the IPv4 address that an IPv4-mapped or NAT64 (64:ff9b::/96) address
// stands for; any other as it is.
boost::asio::ip::address routed_as(const boost::asio::ip::address& address);

// "10.0.0.0/8" against an address; an IPv4-mapped address counts as the IPv4 one. False for what is
// no range.
bool in_range(std::string_view cidr, const boost::asio::ip::address& address);

struct LiteralEndpoint {
  boost::asio::ip::address address;
  std::optional<Port> port;
};
// What `origins.HOST.address` may be: "192.0.2.1", "192.0.2.1:443", "::1", "[::1]", "[::1]:443".
std::optional<LiteralEndpoint> parse_literal_endpoint(std::string_view text);

}  // namespace redoubtful::proxy
