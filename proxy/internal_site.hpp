#pragma once

// What `http://redoubtful.internal/` answers: the policy, and why a URL may or may not be reached.
//
// From the policy alone: nothing is resolved, connected or logged. Written for people and agents.

#include <optional>
#include <string>
#include <string_view>

#include "proxy/message.hpp"
#include "proxy/policy.hpp"

namespace redoubtful::proxy {

// An answer (status 200, 400 or 404, text/plain) to a request on that host.
Refusal internal_answer(const Policy& policy, const RequestHead& head);

// The policy in words, a rule a line.
std::string policy_text(const NetworkProfile& network);

// Would a GET (or `method`) of this URL, host or host:port be sent? The words of the verdict.
struct Explanation {
  bool allowed = false;
  std::string text;
  std::optional<Admission> admission{};  // where the host at least is allowed
};
Explanation explain(const Policy& policy, std::string_view url, std::string_view method);

}  // namespace redoubtful::proxy
