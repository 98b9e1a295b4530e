#pragma once

// What the merged profile means once every layer has spoken: credentials open their hosts, and
// promises that nobody could keep are refused.
//
// A pure function, and the last step of merging, so that `show`, `run` and the proxy judge by the
// same rules.

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Adds an allow rule (https, its ports, 443 where none is written) for each host of a credential
// that no allow rule mentions; its place is the credential's. Errors, kInvalidProfile:
// dangerously-open together with deny, ask or a credential; a credential for a host whose traffic
// cannot be looked at; two credentials under one variable.
Result<void> settle_network(Profile& profile);

}  // namespace redoubtful::cli
