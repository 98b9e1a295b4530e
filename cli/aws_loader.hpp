#pragma once

// What a credential of `type: aws` has that others have not: `services`, `aws-profile:`, keys that
// are a pair.
//
//     bedrock:
//       type: aws
//       source: aws-profile:default        # or env: (AWS_* variables), or a source whose value is
//                                          # what credential_process prints: json:FILE#/Credentials
//       services: [bedrock]
//       hosts: [bedrock-runtime.us-east-1.amazonaws.com]

#include <string>
#include <string_view>

#include "cli/yaml_reader.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

inline constexpr std::string_view kAwsProfile = "aws-profile:";

// The name of a profile in ~/.aws/config or ~/.aws/credentials. Errors: kInvalidProfile.
Result<std::string> parse_aws_profile(std::string_view place);

// The list below `services`.
Result<void> read_aws_services(const Document& document, const YamlNode& node,
                               CredentialProfile& out);

// After all keys were read: what must be there is there, what makes no sense for this type is not,
// and where nothing says how it is exposed, it is by the variables that AWS's programs read.
// Errors: kInvalidProfile, without the place.
Result<void> settle_aws(CredentialProfile& credential);

}  // namespace redoubtful::cli
