#pragma once

// Keys of a role, got with a login of AWS IAM Identity Center ("SSO") that the user has made
// outside.
//
// `aws sso login` leaves a token in ~/.aws/sso/cache; with it AWS's portal gives keys of one role
// in one account, good for an hour or so. The token itself is only read: AWS's program renews it,
// for it also writes it back.
//
// Outside of confinement only: it blocks. Source: botocore/utils.py, SSOTokenLoader; SSO portal
// API, GetRoleCredentials.

#include <chrono>
#include <string>

#include "common/error.hpp"
#include "proxy/aws_keys.hpp"
#include "proxy/aws_profile.hpp"

namespace redoubtful::proxy {

struct AwsSsoPlaces {
  std::string home;
  std::string endpoint;     // AWS_ENDPOINT_URL_SSO; empty: AWS's own of the region
  std::string certificate;  // AWS_CA_BUNDLE: a PEM file; may be empty
};

// Errors: kInvalidProfile when there is no login, it has expired, or the portal refuses it; each
// says what to do. kInvalidSecret for a cache file that others may read.
Result<FreshAwsKeys> read_aws_sso(const AwsSsoLogin& login, const AwsSsoPlaces& places,
                                  std::chrono::sys_seconds now);

}  // namespace redoubtful::proxy
