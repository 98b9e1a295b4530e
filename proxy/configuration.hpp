#pragma once

// Reads what the proxy needs of a profile: the JSON that `redoubtful show --json` prints. [trusted
// core]
//
// It arrives over the control channel, or as the file of a standalone proxy, which people and
// programs write; so it is read as strictly as YAML is. Rules are built from their fields, never
// from their text. Of the other sections nothing is looked at.
//
// What is missing allows nothing: without `allow`, or with null, nothing is allowed. What could
// only be missing by mistake is an error: the methods and paths of a rule (where [] means every
// one), a `deny` or an `audit` that is null. So are unknown and doubled keys in what is read.

#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::proxy {

struct Configuration {
  NetworkProfile network;
  std::vector<CredentialProfile> credentials;
  AuditProfile audit;
};

// Errors: kInvalidProfile, naming the place as in "network.allow[3].port".
Result<Configuration> parse_configuration(std::string_view json);

}  // namespace redoubtful::proxy
