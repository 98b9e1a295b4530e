#pragma once

// "host[:port]" as it stands in Host, :authority, CONNECT and absolute URIs. [trusted core]
//
// The host is common/host.hpp's strict grammar; an IPv6 address stands in brackets. Userinfo, an
// empty port and everything else are refused.

#include <cstdint>
#include <string_view>

#include "common/error.hpp"
#include "common/host.hpp"

namespace redoubtful::proxy {

struct Authority {
  Host host;
  Port port;
  bool port_given = false;  // it was written, and is no default
};

// Errors: kInvalidHost.
Result<Authority> parse_authority(std::string_view text, Port default_port);

// The same the other way round: without the port where it is `default_port`.
std::string authority_text(const Host& host, Port port, Port default_port);
// What was parsed in its canonical spelling, with the port where one was given.
std::string authority_text(const Authority& authority);

// 443 and 80, which every default here is.
Port https_port();
Port http_port();

}  // namespace redoubtful::proxy
