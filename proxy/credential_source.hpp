#pragma once

// Reads what the profile's credentials name (source_reader.hpp), once, before confinement, and
// makes of each a live credential and its surrogate.
//
// What is read is erased everywhere but in the Secret.

#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/injector.hpp"

namespace redoubtful::proxy {

struct ReadCredentials {
  std::vector<LiveCredential> live;
  std::vector<control::Surrogate> surrogates;
  std::vector<control::ExposedFile> files;
  std::vector<std::string> notes;  // a line each: what is live and where, what is off and why
};

// Erases the values of `environment` and `commands` (of which the latter is what programs get).
// Errors: kInvalidProfile for a source that is absent and not optional, kInvalidSecret; both name
// the credential and where it is written, never the value.
Result<ReadCredentials> read_credentials(const std::vector<CredentialProfile>& credentials,
                                         std::vector<control::NamedValue>& environment,
                                         std::vector<std::string>& commands);

}  // namespace redoubtful::proxy
