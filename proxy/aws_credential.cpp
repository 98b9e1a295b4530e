#include "proxy/aws_credential.hpp"

#include <algorithm>
#include <utility>

#include "common/text.hpp"
#include "proxy/aws_source.hpp"
#include "proxy/rule_text.hpp"
#include "proxy/surrogate.hpp"

namespace redoubtful::proxy {
namespace {

// Where a part may stand in a request to its own host.
Surface field(std::string name) { return {SurfaceKind::kNamedHeader, std::move(name), {}, {}}; }
Surface parameter(std::string name) { return {SurfaceKind::kQuery, std::move(name), {}, {}}; }

Result<LiveCredential> part(const LiveAwsCredential& credential, const std::string& value,
                            const std::string& surrogate, std::vector<Surface> surfaces) {
  auto secret = Secret::take(std::string(value));
  if (!secret) return std::move(secret).error();
  LiveCredential out{credential.name,     credential.hosts, std::move(*secret),  surrogate,
                     std::move(surfaces), std::nullopt,     credential.exclusive};
  out.aws = true;
  return out;
}

Result<std::string> surrogate_for(const std::string& value) {
  auto secret = Secret::take(std::string(value));
  if (!secret) return std::move(secret).error();
  return make_surrogate(*secret);
}

}  // namespace

Result<AwsKeyParts> aws_key_parts(const LiveAwsCredential& credential, FreshAwsKeys fresh) {
  const AwsSurrogate& surrogate = credential.surrogate;
  std::vector<LiveCredential> parts;
  auto id = part(credential, fresh.key_id, surrogate.key_id,
                 {field("authorization"), parameter("X-Amz-Credential")});
  if (!id) return std::move(id).error().during("the access key id");
  parts.push_back(std::move(*id));
  auto secret = part(credential, fresh.secret, surrogate.secret, {});
  if (!secret) return std::move(secret).error().during("the secret access key");
  parts.push_back(std::move(*secret));
  if (!fresh.session_token.empty()) {
    // Of keys that had none at first: nothing in the box is this text, but answers are scrubbed.
    const std::string stand_in =
        surrogate.session_token.empty() ? "token-of-" + surrogate.key_id : surrogate.session_token;
    auto token = part(credential, fresh.session_token, stand_in,
                      {field("x-amz-security-token"), parameter("X-Amz-Security-Token")});
    if (!token) return std::move(token).error().during("the session token");
    parts.push_back(std::move(*token));
  }
  auto to_sign = Secret::take(std::string(fresh.secret));
  if (!to_sign) return std::move(to_sign).error();
  AwsKeys keys{fresh.key_id, std::move(*to_sign), std::nullopt};
  if (!fresh.session_token.empty()) {
    auto token = Secret::take(std::string(fresh.session_token));
    if (!token) return std::move(token).error();
    keys.session_token.emplace(std::move(*token));
  }
  return AwsKeyParts{std::move(keys), std::move(parts)};
}

Result<NewAwsCredential> make_aws_credential(const CredentialProfile& profile, FreshAwsKeys keys) {
  AwsSurrogate surrogate;
  auto id = surrogate_for(keys.key_id);
  if (!id) return std::move(id).error().during("the access key id");
  auto secret = surrogate_for(keys.secret);
  if (!secret) return std::move(secret).error().during("the secret access key");
  surrogate.key_id = std::move(*id);
  surrogate.secret = std::move(*secret);
  if (!keys.session_token.empty()) {
    auto token = surrogate_for(keys.session_token);
    if (!token) return std::move(token).error().during("the session token");
    surrogate.session_token = std::move(*token);
  }
  auto placeholder = Secret::take(std::string(keys.secret));
  if (!placeholder) return std::move(placeholder).error();
  LiveAwsCredential live{profile.name,
                         place_of(profile.origin),
                         profile.hosts,
                         profile.services,
                         profile.exclusive,
                         std::move(surrogate),
                         AwsKeys{{}, std::move(*placeholder), std::nullopt},
                         keys.expires};
  auto parts = aws_key_parts(live, std::move(keys));
  if (!parts) return std::move(parts).error();
  live.keys = std::move(parts->keys);
  NewAwsCredential out{std::move(live), std::move(parts->parts), {}};
  const AwsSurrogate& shown = out.live.surrogate;
  const std::vector<const std::string*> values{&shown.key_id, &shown.secret, &shown.session_token};
  for (std::size_t i = 0; i < std::min(values.size(), profile.expose_env.size()); ++i) {
    if (values[i]->empty()) continue;
    out.surrogates.push_back({profile.name, {profile.expose_env[i]}, *values[i]});
  }
  return out;
}

std::string aws_section(const CredentialProfile& profile) {
  constexpr std::string_view kProfile = "aws-profile:";
  if (!profile.source.starts_with(kProfile)) return "default";
  return profile.source.substr(kProfile.size());
}

Result<std::string> aws_file_text(const std::string& path, const std::vector<AwsExposed>& exposed) {
  if (path.ends_with("/.aws/config")) return harmless_aws_config(path);
  if (!path.ends_with("/.aws/credentials")) {
    return Error(Errc::kInvalidSecret, shown(path) + " is no file that keys of AWS are exposed in")
        .hint("these are ~/.aws/credentials and ~/.aws/config");
  }
  std::string out;
  for (const AwsExposed& one : exposed) {
    const AwsSurrogate& surrogate = one.live->surrogate;
    out += "[" + one.section + "]\naws_access_key_id = " + surrogate.key_id +
           "\naws_secret_access_key = " + surrogate.secret + "\n";
    if (!surrogate.session_token.empty()) {
      out += "aws_session_token = " + surrogate.session_token + "\n";
    }
  }
  return out;
}

}  // namespace redoubtful::proxy
