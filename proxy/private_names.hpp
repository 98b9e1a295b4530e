#pragma once

// Names that the public DNS has nothing to say about, by their last labels. Pure.
//
// Whether a name resolves to a private address is Policy::vet()'s question; this one is for where
// nothing is resolved: the box's DNS, and a corporate proxy that resolves by itself.

#include "common/host.hpp"

namespace redoubtful::proxy {

// "localhost" and what is below it: the box's own loopback.
bool is_localhost(const Host& name);

// A single label, or below a name that is not in the public DNS by decree: .local .internal .onion
// .invalid .alt .localhost .arpa. Not .test and .example, which people use for what is real to
// them. Source: RFC 6761, 6762, 7686, 8375, 9476; ICANN's resolution 2024.07.29.06 (.internal).
bool is_special_use(const Host& name);

// Special use, or below what organisations call their own networks: .lan .home .corp .intranet
// .private .localdomain … Source: RFC 6762, appendix G; ICANN's list of name collisions.
bool is_private_name(const Host& name);

}  // namespace redoubtful::proxy
