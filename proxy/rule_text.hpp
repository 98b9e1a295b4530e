#pragma once

// How hosts, rules and the places they were written at are spelt, for people and for
// `redoubtful allow`. What it returns holds no byte that a terminal would obey.

#include <string>

#include "common/host.hpp"
#include "common/profile.hpp"

namespace redoubtful::proxy {

// "host", "host:port" where the port is not the scheme's own; an IPv6 address in brackets.
std::string authority_of(const Host& host, Port port, Scheme scheme);

// The short form of a rule that allows it: "host", "http://host", "tcp://host:5432".
std::string rule_for(const Host& host, Port port, Scheme scheme);

// "file.yaml:12", "command line (--deny x)".
std::string place_of(const Origin& origin);

}  // namespace redoubtful::proxy
