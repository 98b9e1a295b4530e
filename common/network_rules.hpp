#pragma once

// What the host rules of a profile say about one access: the only reading of allow, ask and deny.
//
// Deny beats ask beats allow, whatever layer a rule came from and in whatever order they stand, and
// what no rule names is denied. So adding a rule to `deny` never makes anything wider: the property
// test holds on to that.
//
// A pure function of the rules. It resolves no name, and it says nothing about what a name resolves
// to (`private`), which is checked where the address is known.

#include <optional>
#include <string_view>

#include "common/host.hpp"
#include "common/profile.hpp"

namespace redoubtful {

// What somebody inside wants to reach.
//
// `method` and `path` (without the query) are absent where nobody can see them: in a TCP or SSH
// tunnel, in spliced TLS, and before the first request. A rule that names methods or paths is then
// taken at its worst: deny and ask match, allow does not.
struct Access {
  Host host;
  Port port;
  Scheme scheme = Scheme::kHttps;
  std::optional<std::string_view> method = std::nullopt;
  std::optional<std::string_view> path = std::nullopt;
};

enum class Decision { kDeny, kAsk, kAllow };

struct Verdict {
  Decision decision = Decision::kDeny;
  // The rule that decided, in the profile that was asked; null: no rule names it (or the mode alone
  // decides).
  const Sourced<HostRule>* rule = nullptr;
};

// The most specific allow rule is the one reported (a name before a wildcard, a longer wildcard
// before a shorter one, splice before interception), because its `private` and `splice` are the
// ones that hold. An opaque access (tcp, ssh, splice) may carry any protocol: a deny or ask of any
// scheme on its host and port matches it.
Verdict decide(const NetworkProfile& network, const Access& access);

// A request path against a glob of `paths`: '*' is anything but '/', '**' anything at all.
bool path_matches(std::string_view glob, std::string_view path);

}  // namespace redoubtful
