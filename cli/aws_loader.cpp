#include "cli/aws_loader.hpp"

#include <algorithm>

#include "common/aws.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxProfileName = 128;
constexpr std::string_view kOwnVariables = "env:";

Error wrong(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

Result<void> only_for_values(const CredentialProfile& credential) {
  const std::string who = "the credential " + credential.name;
  if (!credential.services.empty()) {
    return wrong(who + " has services, which are for type: aws");
  }
  if (credential.source.starts_with(kAwsProfile)) {
    return wrong(who + ": keys of an AWS profile are for type: aws");
  }
  if (credential.source == kOwnVariables) {
    return wrong(who + ": env: without a name is for type: aws").hint("write env:NAME");
  }
  return {};
}

}  // namespace

Result<std::string> parse_aws_profile(std::string_view place) {
  const bool fits = !place.empty() && place.size() <= kMaxProfileName &&
                    std::none_of(place.begin(), place.end(), [](char c) {
                      return static_cast<unsigned char>(c) < ' ' || c == '\x7f' || c == ']';
                    });
  if (fits) return std::string(place);
  return wrong("what stands behind aws-profile: is not the name of a profile");
}

Result<void> read_aws_services(const Document& document, const YamlNode& node,
                               CredentialProfile& out) {
  return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    auto text = read_text(document, item);
    if (!text) return std::move(text).error();
    if (auto checked = check_aws_service(*text); !checked) {
      return document.error(item, checked.error());
    }
    if (std::find(out.services.begin(), out.services.end(), *text) != out.services.end()) {
      return document.error(item, "the service " + *text + " stands here twice");
    }
    out.services.push_back(*std::move(text));
    return {};
  });
}

Result<void> settle_aws(CredentialProfile& credential) {
  if (credential.type != CredentialType::kAws) return only_for_values(credential);
  const std::string who = "the credential " + credential.name;
  if (credential.services.empty()) {
    return wrong(who +
                 " needs the key services: nothing is signed for a service that is not listed")
        .hint("name them as signatures do: services: [s3], [bedrock], one call as ecr:CALL");
  }
  if (!credential.replace_in.empty() || credential.attach) {
    return wrong(who +
                 " is of type aws: its requests are signed anew, so replace_in and attach "
                 "have no meaning");
  }
  std::vector<std::string>& variables = credential.expose_env;
  if (variables.empty() && credential.expose_file.empty()) {
    variables.assign(kAwsKeyVariables.begin(), kAwsKeyVariables.end());
  }
  if (variables.size() == 1 || variables.size() > kAwsKeyVariables.size()) {
    return wrong(who + ": its variables are those of the key id, the secret and the session token")
        .hint("leave expose out for AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN");
  }
  return {};
}

}  // namespace redoubtful::cli
