#include "proxy/aws_sso.hpp"

#include <openssl/evp.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/text.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/sigv4_canonical.hpp"
#include "proxy/web_get.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::string_view kLogIn = "`aws sso login` for this profile, outside of the box";

Error failed(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

// Of a name, not of a secret. Source: SSOTokenLoader._generate_cache_key.
std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  if (::EVP_Digest(text.data(), text.size(), bytes.data(), &size, ::EVP_sha1(), nullptr) != 1) {
    return {};
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4U];
    out += kDigits[bytes[i] & 15U];
  }
  return out;
}

std::string text_of(const json::value* value) {
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

Result<std::string> read_token(const AwsSsoLogin& login, const AwsSsoPlaces& places,
                               std::chrono::sys_seconds now) {
  const std::string path = places.home + "/.aws/sso/cache/" + sha1_hex(login.cache_key) + ".json";
  auto content = read_secret_file(path, FilePrivacy::kOwnerOnly);
  if (!content) {
    if (content.error().system_errno() != ENOENT) return std::move(content).error();
    return failed("there is no SSO login for " + quoted(login.cache_key, 120))
        .hint(std::string(kLogIn));
  }
  const auto document = parse_json(*content, erasing_storage());
  ::explicit_bzero(content->data(), content->size());
  const json::object* object = document ? document->if_object() : nullptr;
  if (object == nullptr) return failed(shown(path) + " is no JSON object");
  std::string token = text_of(object->if_contains("accessToken"));
  const auto expires = parse_aws_time(text_of(object->if_contains("expiresAt")));
  if (token.empty() || !expires) return failed(shown(path) + " holds no token with its end");
  if (*expires <= now) {
    return failed("the SSO login for " + quoted(login.cache_key, 120) + " has expired")
        .hint(std::string(kLogIn));
  }
  return token;
}

// {"roleCredentials": {"accessKeyId": …, "secretAccessKey": …, "sessionToken": …, "expiration":
// ms}}
Result<FreshAwsKeys> role_keys(std::string_view body) {
  const auto document = parse_json(body, erasing_storage());
  if (!document) return failed("the answer is not JSON");
  json::error_code bad;
  const json::value* found = document->find_pointer("/roleCredentials", bad);
  const json::object* role = found == nullptr ? nullptr : found->if_object();
  if (role == nullptr) return failed("the answer has no roleCredentials");
  FreshAwsKeys out;
  out.key_id = text_of(role->if_contains("accessKeyId"));
  out.secret = text_of(role->if_contains("secretAccessKey"));
  out.session_token = text_of(role->if_contains("sessionToken"));
  const json::value* expiration = role->if_contains("expiration");
  if (expiration != nullptr && expiration->is_int64()) {
    out.expires = std::chrono::sys_seconds(std::chrono::floor<std::chrono::seconds>(
        std::chrono::milliseconds(expiration->get_int64())));
  }
  if (auto checked = check_aws_keys(out); !checked) return std::move(checked).error();
  return out;
}

bool is_region(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

}  // namespace

Result<FreshAwsKeys> read_aws_sso(const AwsSsoLogin& login, const AwsSsoPlaces& places,
                                  std::chrono::sys_seconds now) {
  if (!is_region(login.region)) return failed(quoted(login.region, 60) + " is no region");
  auto token = read_token(login, places, now);
  if (!token) return std::move(token).error();
  const std::string url = places.endpoint.empty()
                              ? "https://portal.sso." + login.region + ".amazonaws.com"
                              : places.endpoint;
  auto server = parse_web_server(url);
  if (!server) return std::move(server).error().during("AWS_ENDPOINT_URL_SSO");
  std::vector<Sourced<std::string>> roots;
  if (!places.certificate.empty())
    roots.push_back(
        {places.certificate, {.file = "AWS_CA_BUNDLE", .line = 0, .column = 0, .option = {}}});
  Fields fields{{"x-amz-sso_bearer_token", std::move(*token)}};
  auto answer =
      web_get(*server,
              server->prefix + "/federation/credentials?role_name=" + uri_encoded(login.role) +
                  "&account_id=" + uri_encoded(login.account),
              fields, std::move(roots));
  ::explicit_bzero(fields.front().value.data(), fields.front().value.size());
  if (!answer) return std::move(answer).error();
  const std::string who = authority_text(server->authority);
  if (answer->status == 401) {
    return failed(who + " says that the SSO login has expired (401)").hint(std::string(kLogIn));
  }
  if (answer->status == 403) {
    return failed(who + " gives no keys of the role " + quoted(login.role, 80) + " in account " +
                  quoted(login.account, 40) + " (403)")
        .hint("`aws sso login`, or another sso_role_name");
  }
  if (answer->status != 200) {
    return failed(who + " answers with status " + std::to_string(answer->status));
  }
  auto keys = role_keys(answer->body);
  ::explicit_bzero(answer->body.data(), answer->body.size());
  if (!keys) return std::move(keys).error().during(who);
  return keys;
}

}  // namespace redoubtful::proxy
