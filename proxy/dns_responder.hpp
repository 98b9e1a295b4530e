#pragma once

// Answers the box's DNS queries from made-up addresses alone. [trusted core]
//
// Every well-formed public name gets an A and an AAAA record (TTL 60 s), allowed or not, so that a
// refusal can be said in the client's own protocol. Other types: no data; HTTPS and SVCB too, so
// that nobody learns about HTTP/3 or ECH. NXDOMAIN: single labels and special-use names
// (private_names.hpp) that no rule speaks of, names outside the grammar of hosts, and what the name
// table refuses. localhost is the box's loopback, redoubtful.internal has an address, and a
// synthetic address has a name (PTR). Nothing is ever looked up outside.
//
// A query that is not understood whole is refused whole: FORMERR for one that is malformed, has not
// exactly one question, or compresses the name it asks for. An answer never has more than one
// record beside the SOA and OPT, so it fits every transport and is never truncated.
//
// Pure: bytes in, bytes out. Source: RFC 1035, RFC 2308 (SOA in negative answers), RFC 6891 (EDNS),
// RFC 6761, draft-vixie-dnsext-dns0x20 (the question is echoed in the letters it came in).

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/host.hpp"
#include "proxy/synthetic_names.hpp"

namespace redoubtful::proxy {

struct DnsAnswer {
  std::string bytes;         // without TCP's length prefix
  std::optional<Host> name;  // a name that was given addresses now or before
  bool fresh = false;        // its first time
  bool limited = false;      // refused because of the name table's limits
};

// Does a rule of the profile speak of the name? Only asked for single labels and special-use names.
using NamedByRule = std::function<bool(const Host&)>;

// `query`: one message, without TCP's length prefix. Nothing: it is not worth an answer (shorter
// than a header, longer than limits::kDnsMessageBytes, or itself a response).
std::optional<DnsAnswer> answer_dns(std::string_view query, SyntheticNames& names,
                                    const NamedByRule& named = {});

}  // namespace redoubtful::proxy
