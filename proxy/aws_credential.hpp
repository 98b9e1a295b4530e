#pragma once

// Makes a live credential of AWS's keys: surrogates for all three parts, what recognises them, and
// the files that hold them in the box.

#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/aws_keys.hpp"
#include "proxy/aws_signer.hpp"
#include "proxy/injector.hpp"

namespace redoubtful::proxy {

// The same keys in the two forms that they are needed in.
struct AwsKeyParts {
  AwsKeys keys;                       // to sign with
  std::vector<LiveCredential> parts;  // key id, secret, token: to be recognised, and scrubbed
};
// Errors: kInvalidSecret, naming the part.
Result<AwsKeyParts> aws_key_parts(const LiveAwsCredential& credential, FreshAwsKeys keys);

struct NewAwsCredential {
  LiveAwsCredential live;
  std::vector<LiveCredential> parts;
  std::vector<control::Surrogate> surrogates;  // by variable
};
// Errors: kInvalidSecret for keys of which no surrogate can be made.
Result<NewAwsCredential> make_aws_credential(const CredentialProfile& profile, FreshAwsKeys keys);

// A file of ~/.aws for the box: "credentials" with the surrogates of all that name it, "config" as
// the host has it, without what says where keys come from. Errors: kInvalidSecret for other files.
struct AwsExposed {
  const LiveAwsCredential* live = nullptr;
  std::string section;  // "default", or the name in aws-profile:NAME
};
Result<std::string> aws_file_text(const std::string& path, const std::vector<AwsExposed>& exposed);
std::string aws_section(const CredentialProfile& profile);

}  // namespace redoubtful::proxy
