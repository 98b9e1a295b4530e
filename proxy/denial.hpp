#pragma once

// How a refusal is said: one text for people and agents, in the shape that the client understands.
//
// Names the rule, where it is written, and the remedy. Proxy-Status is RFC 9209's. Model APIs get
// an error in their own JSON, so that agents report it at once and do not try again
// (facts/agents.md).

#include <string>
#include <string_view>

#include "proxy/message.hpp"
#include "proxy/policy.hpp"

namespace redoubtful::proxy {

// One line: "api.evil.example: no rule allows it. Allow it with: redoubtful allow
// api.evil.example".
std::string denial_text(const Denial& denial);

// The HTTP answer to a denied request. `head` is the request's where it could be read (Accept,
// content-type and authority choose the body's shape), else null. 421 for kNameMismatch, 400 for
// kBadTarget and kMalformed, 401 for kCredentialMissing, 407 for kNoToken, 429 for kLimit, else
// 403.
Refusal refusal_of(const Denial& denial, const RequestHead* head);

// The origin could not be reached or broke its protocol. `status` 502 or 504; `error` is an RFC
// 9209 error type ("dns_error", "connection_refused", "tls_certificate_error" …), `text` for
// people.
Refusal failure_of(unsigned status, std::string_view error, std::string_view text,
                   const RequestHead* head);

}  // namespace redoubtful::proxy
