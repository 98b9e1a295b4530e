#pragma once

// What the command line and the proxy both know of AWS: how a credential of `type: aws` names
// services, and the variables that AWS's own programs read keys from.

#include <array>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful {

// Key id, secret and session token, in the order of `expose: {env: [...]}`. Source: AWS SDKs and
// Tools Reference Guide, "Environment variables".
inline constexpr std::array<std::string_view, 3> kAwsKeyVariables{
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};

// What tells where AWS's files are and which servers are asked: `aws-profile:` reads them, too.
inline constexpr std::array<std::string_view, 5> kAwsProfileVariables{
    "HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL_SSO"};

// Is this an entry of `services`: a service as signatures spell it ("s3", "bedrock"), or one of its
// calls ("ecr:GetAuthorizationToken")? Errors: kInvalidProfile.
Result<void> check_aws_service(std::string_view entry);

}  // namespace redoubtful
