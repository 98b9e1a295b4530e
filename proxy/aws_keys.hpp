#pragma once

// The keys that a source of AWS credentials gives, and the one text in which programs hand them on.
//
//     {"Version": 1, "AccessKeyId": "ASIA…", "SecretAccessKey": "…", "SessionToken": "…",
//      "Expiration": "2026-11-28T12:00:00Z"}
//
// Source: AWS CLI User Guide, "Sourcing credentials with an external process". `aws configure
// export-credentials` prints it, and so do aws-vault, granted and others.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::proxy {

// Erased when it goes away. Moved, not copied.
struct FreshAwsKeys {
  std::string key_id;
  std::string secret;
  std::string session_token;                          // empty: none, for long-term keys
  std::optional<std::chrono::sys_seconds> expires{};  // nothing: never, as far as it says

  FreshAwsKeys() = default;
  FreshAwsKeys(FreshAwsKeys&&) = default;
  FreshAwsKeys& operator=(FreshAwsKeys&&) = default;
  FreshAwsKeys(const FreshAwsKeys&) = delete;
  FreshAwsKeys& operator=(const FreshAwsKeys&) = delete;
  ~FreshAwsKeys();
};

// The text above. Errors: kInvalidSecret, saying which part is missing or malformed, never a value.
Result<FreshAwsKeys> parse_aws_keys(std::string_view text);
std::string aws_keys_text(const FreshAwsKeys& keys);

// Of what form keys must be to stand in a header field. Errors: kInvalidSecret.
Result<void> check_aws_keys(const FreshAwsKeys& keys);

// "2026-11-28T12:00:00Z", with a fraction, an offset ("+00:00") or "UTC" in place of the Z, as
// AWS's programs write it. Nothing for anything else. Source: RFC 3339; botocore's SSO cache.
std::optional<std::chrono::sys_seconds> parse_aws_time(std::string_view text);
std::string aws_time_text(std::chrono::sys_seconds time);

}  // namespace redoubtful::proxy
