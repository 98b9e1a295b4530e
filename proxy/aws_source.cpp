#include "proxy/aws_source.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/aws.hpp"
#include "common/text.hpp"
#include "proxy/aws_profile.hpp"
#include "proxy/aws_sso.hpp"
#include "proxy/command_source.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/source_reader.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kOwnVariables = "env:";
constexpr std::string_view kProfile = "aws-profile:";

Error absent(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

class Variables {
 public:
  explicit Variables(const std::vector<control::NamedValue>& all) : all_(all) {}
  std::string operator[](std::string_view name) const {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.name == name; });
    return found == all_.end() ? std::string() : found->value;
  }

 private:
  const std::vector<control::NamedValue>& all_;
};

Result<FreshAwsKeys> from_variables(const Variables& variables) {
  FreshAwsKeys out;
  out.key_id = variables[kAwsKeyVariables[0]];
  out.secret = variables[kAwsKeyVariables[1]];
  out.session_token = variables[kAwsKeyVariables[2]];
  for (const std::size_t needed : {0U, 1U}) {
    if (!(needed == 0 ? out.key_id : out.secret).empty()) continue;
    return absent("the variable " + std::string(kAwsKeyVariables[needed]) + " is not set");
  }
  if (auto checked = check_aws_keys(out); !checked) return std::move(checked).error();
  return out;
}

// Erased at the end. A file that is not there is an empty one.
class Text {
 public:
  static Result<Text> of(const std::string& path, FilePrivacy privacy) {
    auto content = read_secret_file(path, privacy);
    if (content) return Text(std::move(*content));
    const int reason = content.error().system_errno();
    if (reason == ENOENT || reason == ENOTDIR) return Text({});
    return std::move(content).error();
  }
  Text(Text&&) = default;
  Text& operator=(Text&&) = delete;
  ~Text() { ::explicit_bzero(text_.data(), text_.size()); }
  std::string_view view() const { return text_; }

 private:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

Result<FreshAwsKeys> from_process(const std::string& line,
                                  const std::vector<std::string>& commands) {
  auto words = process_words(line);
  if (words.empty()) return absent("credential_process is no command line");
  auto output = run_source_command({std::move(words), commands});
  if (!output) return std::move(output).error().during("credential_process");
  auto keys = parse_aws_keys(*output);
  ::explicit_bzero(output->data(), output->size());
  if (!keys) return std::move(keys).error().during("what credential_process prints");
  return keys;
}

Result<FreshAwsKeys> from_profile(std::string_view name, const Variables& variables,
                                  const std::vector<std::string>& commands) {
  const std::string home = variables["HOME"];
  const auto place = [&](std::string_view variable, std::string_view usual) {
    std::string named = variables[variable];
    if (named.starts_with("~/")) named.replace(0, 1, home);
    return named.empty() ? home + std::string(usual) : named;
  };
  auto config = Text::of(place("AWS_CONFIG_FILE", "/.aws/config"), FilePrivacy::kAny);
  if (!config) return std::move(config).error();
  auto held =
      Text::of(place("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"), FilePrivacy::kOwnerOnly);
  if (!held) return std::move(held).error();
  auto profile = find_aws_profile(config->view(), held->view(), name);
  if (!profile) return std::move(profile).error();
  switch (profile->kind) {
    case AwsProfile::Kind::kProcess:
      return from_process(profile->process, commands);
    case AwsProfile::Kind::kSso:
      return read_aws_sso(profile->sso,
                          {home, variables["AWS_ENDPOINT_URL_SSO"], variables["AWS_CA_BUNDLE"]},
                          wall_seconds());
    case AwsProfile::Kind::kStatic:
      break;
  }
  if (auto checked = check_aws_keys(profile->keys); !checked) return std::move(checked).error();
  return std::move(profile->keys);
}

}  // namespace

Result<FreshAwsKeys> read_aws_source(const CredentialProfile& credential,
                                     const std::vector<control::NamedValue>& variables,
                                     const std::vector<std::string>& commands) {
  const std::string_view source = credential.source;
  if (source == kOwnVariables) return from_variables(Variables(variables));
  if (source.starts_with(kProfile)) {
    return from_profile(source.substr(kProfile.size()), Variables(variables), commands);
  }
  auto text = SourceReader(variables, commands).read(credential);
  if (!text) return std::move(text).error();
  auto keys = parse_aws_keys(*text);
  ::explicit_bzero(text->data(), text->size());
  if (!keys) {
    return std::move(keys)
        .error()
        .during("the value of " + shown(source))
        .hint(
            "of an AWS credential it is what credential_process prints: {\"Version\": 1, "
            "\"AccessKeyId\": …, \"SecretAccessKey\": …}");
  }
  return keys;
}

bool can_be_renewed(const CredentialProfile& credential) noexcept {
  return !credential.source.starts_with(kOwnVariables);
}

Result<std::string> harmless_aws_config(const std::string& path) {
  auto text = Text::of(path, FilePrivacy::kAny);
  if (!text) return std::move(text).error();
  return config_without_keys(text->view());
}

}  // namespace redoubtful::proxy
