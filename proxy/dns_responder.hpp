#pragma once

// Answers the box's DNS queries from made-up addresses alone. [trusted core]
//
// Every well-formed public name gets an A and an AAAA record (TTL 60 s), allowed or not, so that a
// refusal can be said in the client's own protocol. Other types: no data; HTTPS and SVCB too, so
// that nobody learns about HTTP/3 or ECH. Single labels, special-use names (.local .internal .onion
// .home.arpa .localhost .invalid .test is public here …, RFC 6761) and what the name table refuses:
// NXDOMAIN. redoubtful.internal has an address. Nothing is ever looked up outside.
//
// Pure: bytes in, bytes out. Source: RFC 1035, RFC 6891 (EDNS), RFC 8020.

#include <optional>
#include <string>
#include <string_view>

#include "common/host.hpp"
#include "proxy/synthetic_names.hpp"

namespace redoubtful::proxy {

enum class DnsTransport { kUdp, kTcp };

struct DnsAnswer {
  std::string bytes;         // without TCP's length prefix
  std::optional<Host> name;  // a name that was given addresses now or before
  bool fresh = false;        // its first time
  bool limited = false;      // refused because of the name table's limits
};

// Nothing: the query is not worth an answer (shorter than a header, or itself a response).
std::optional<DnsAnswer> answer_dns(std::string_view query, DnsTransport transport,
                                    SyntheticNames& names);

}  // namespace redoubtful::proxy
