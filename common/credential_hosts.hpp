#pragma once

// Which hosts credentials open: a credential's own hosts are allowed by it where no rule mentions
// them (cli/network_settling.hpp adds these rules, with the credential's origin). What only an
// optional credential opens that turned out to be absent stays closed: a profile may know many
// providers, and a host whose key nobody has is of no use to anybody but an attacker.

#include <string>
#include <vector>

#include "common/profile.hpp"

namespace redoubtful {

// `network.allow` without the rules that only absent credentials made. `live`: the names of the
// credentials that were found.
std::vector<Sourced<HostRule>> allowed_with(const NetworkProfile& network,
                                            const std::vector<CredentialProfile>& credentials,
                                            const std::vector<std::string>& live);

}  // namespace redoubtful
