#pragma once

// Reads the keys of a credential of `type: aws` from where its source says: `env:` alone (AWS's own
// variables), `aws-profile:NAME`, or any other source, whose value is then what a
// credential_process prints (aws_keys.hpp).
//
// Outside of confinement only: it blocks, and may run the user's programs.

#include <chrono>
#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/aws_keys.hpp"

namespace redoubtful::proxy {

// `variables`, `commands`: as for SourceReader. Errors: as SourceReader::read.
Result<FreshAwsKeys> read_aws_source(const CredentialProfile& credential,
                                     const std::vector<control::NamedValue>& variables,
                                     const std::vector<std::string>& commands);

// Can the source be asked again when its keys have expired? Variables are what they were.
bool can_be_renewed(const CredentialProfile& credential) noexcept;

// ~/.aws/config as the box may see it: without what says where keys come from. Empty where there is
// none. Errors: as read_secret_file.
Result<std::string> harmless_aws_config(const std::string& path);

}  // namespace redoubtful::proxy
