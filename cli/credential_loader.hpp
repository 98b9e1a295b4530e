#pragma once

// `credentials` of a YAML document, and -s of the command line: what each is called, where its
// value is found, where it may go and what it is called inside.
//
// A source says where a value is, never the value. Somebody will write the value all the same, so
// no message here repeats a source that was not understood.

#include <string>
#include <string_view>
#include <vector>

#include "cli/yaml_reader.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// The mapping below `credentials` (profiles/credentials.md). Errors: kInvalidProfile, kInvalidHost,
// kNotYet, with the place.
Result<void> read_credentials(const Document& document, const YamlNode& node,
                              std::vector<CredentialProfile>& out);

// "NAME=SOURCE@HOST[,HOST]": NAME ends at the first '=', the hosts begin behind the last '@'. The
// credential is called NAME, and so is the variable inside. No origin yet.
// Errors: kUsage, kInvalidProfile, kInvalidHost, kNotYet; none repeats what stands behind the '='.
Result<CredentialProfile> parse_secret(std::string_view text);

}  // namespace redoubtful::cli
