#pragma once

// One profile of ~/.aws/config and ~/.aws/credentials: where its keys come from. Pure. [trusted
// core]
//
// Read as botocore reads them: sections "[profile NAME]" in the one file and "[NAME]" in the other,
// "key = value" by lines, comments with '#' or ';' at a line's beginning; indented lines belong to
// the key above and are not looked at. Of a key that stands twice the last counts.
//
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files"; botocore
// 1.43, configloader.py and credentials.py (the order of providers).

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "proxy/aws_keys.hpp"

namespace redoubtful::proxy {

struct AwsSsoLogin {
  std::string cache_key;  // what the name of the token's file is made of: session, or start URL
  std::string region;
  std::string account;
  std::string role;
};

// Exactly one of the three.
struct AwsProfile {
  enum class Kind { kStatic, kProcess, kSso } kind = Kind::kStatic;
  FreshAwsKeys keys;
  std::string process;  // a command line
  AwsSsoLogin sso;
};

// Errors: kInvalidProfile where there is no such profile, or it has keys in no way that is known
// here (a role to assume), with what to write instead.
Result<AwsProfile> find_aws_profile(std::string_view config, std::string_view credentials,
                                    std::string_view name);

// What a process may show of ~/.aws/config: lines that say where keys come from are left out.
// "region", "output" and the like stay.
std::string config_without_keys(std::string_view config);

// `credential_process` in words, as a shell would part them. Nothing for an open quote. Source:
// botocore/compat.py, compat_shell_split: POSIX rules, no shell.
std::vector<std::string> process_words(std::string_view text);

}  // namespace redoubtful::proxy
