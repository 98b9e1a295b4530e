#include "proxy/oauth_login.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <utility>

#include "common/text.hpp"
#include "proxy/aws_keys.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/sigv4_canonical.hpp"
#include "proxy/web_token.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;
using std::chrono::sys_seconds;

constexpr std::string_view kLogIn = "log in again with the program itself, outside of the box";
constexpr std::int64_t kFarAway = 4'102'444'800;  // 2100, in seconds
constexpr std::size_t kMaxCode = 60;

template <class... Texts>
void erase(Texts&... texts) {
  (::explicit_bzero(texts.data(), texts.size()), ...);
}

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

json::value* found(json::value& at, std::string_view pointer) {
  json::error_code missing;
  return at.find_pointer(view(pointer), missing);
}

std::string text_at(json::value& at, std::string_view pointer) {
  if (pointer.empty()) return {};
  const json::value* value = found(at, pointer);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

// "a b", or ["a", "b"].
std::string scope_at(json::value& at, std::string_view pointer) {
  if (pointer.empty()) return {};
  json::value* value = found(at, pointer);
  if (value == nullptr || !value->is_array()) return text_at(at, pointer);
  std::string out;
  for (const json::value& one : value->get_array()) {
    if (!one.is_string()) continue;
    out.append(out.empty() ? "" : " ").append(one.get_string().data(), one.get_string().size());
  }
  return out;
}

std::optional<std::int64_t> number_of(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return static_cast<std::int64_t>(value.get_uint64() >> 1U << 1U);
  if (!value.is_double()) return std::nullopt;
  const double number = value.get_double();
  if (!(number > 0 && number < 1e15)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<sys_seconds> time_of(const json::value& value, TimeForm form) {
  if (form == TimeForm::kRfc3339) {
    const json::string* text = value.if_string();
    if (text == nullptr) return std::nullopt;
    return parse_aws_time({text->data(), text->size()});
  }
  const auto number = number_of(value);
  if (!number) return std::nullopt;
  const bool milliseconds = form == TimeForm::kMilliseconds;
  return sys_seconds(std::chrono::seconds(milliseconds ? *number / 1000 : *number));
}

json::value time_value(sys_seconds time, TimeForm form, json::storage_ptr storage) {
  const std::int64_t count = time.time_since_epoch().count();
  switch (form) {
    case TimeForm::kSeconds:
      return json::value(count, std::move(storage));
    case TimeForm::kMilliseconds:
      return json::value(count * 1000, std::move(storage));
    case TimeForm::kRfc3339:
      break;
  }
  return json::value(view(aws_time_text(time)), std::move(storage));
}

// Who an id token is of: issuer and subject, and OpenAI's account.
std::string owner_of(std::string_view id_token) {
  auto claims = web_token_claims(id_token);
  if (!claims) return {};
  const std::string subject = text_at(*claims, "/sub");
  const std::string account =
      text_at(*claims, "/https:~1~1api.openai.com~1auth/chatgpt_account_id");
  return subject.empty() && account.empty() ? std::string() : subject + " " + account;
}

// The document in erasing memory; at the pointer is an object.
Result<json::value> opened(std::string_view file, std::string_view pointer) {
  auto document = parse_json(file, erasing_storage());
  if (!document) return Error(Errc::kInvalidSecret, document.error().what());
  const json::value* login = found(*document, pointer);
  if (login == nullptr || !login->is_object()) {
    return Error(Errc::kInvalidProfile, "there is no login at " + quoted(pointer, 200))
        .hint(std::string(kLogIn));
  }
  return std::move(*document);
}

struct Leaf {
  json::object* parent = nullptr;  // null: there is no such object
  std::string name;
};

Leaf leaf_at(json::value& login, std::string_view pointer) {
  const std::size_t slash = pointer.rfind('/');
  json::value* parent = found(login, pointer.substr(0, slash));
  Leaf out{parent == nullptr ? nullptr : parent->if_object(),
           std::string(pointer.substr(slash + 1))};
  for (std::size_t at = 0; (at = out.name.find('~', at)) != std::string::npos; ++at) {
    out.name.replace(at, 2, out.name.substr(at, 2) == "~1" ? "/" : "~");
  }
  return out;
}

void set(json::value& login, std::string_view pointer, json::value value) {
  if (pointer.empty()) return;
  const Leaf leaf = leaf_at(login, pointer);
  if (leaf.parent != nullptr) (*leaf.parent)[view(leaf.name)] = std::move(value);
}

void set_text(json::value& login, std::string_view pointer, std::string_view text) {
  if (!text.empty()) set(login, pointer, json::value(view(text), login.storage()));
}

// Of a token or an id: what can stand in a header field and in no other place means anything.
bool is_token_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// "invalid_grant", of {"error": "invalid_grant"} or {"error": {"type"|"code": …}}.
std::string error_code_of(json::value& answer) {
  for (const std::string_view place : {"/error", "/error/code", "/error/type"}) {
    std::string code = text_at(answer, place);
    const bool word =
        !code.empty() && code.size() <= kMaxCode &&
        std::all_of(code.begin(), code.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
        });
    if (word) return code;
  }
  return {};
}

// Codex's endpoint has words of its own for a token that was used before, or ended. Source: Codex
// 0.169.0, auth manager.
bool is_final(std::string_view code) {
  return code == "invalid_grant" || code == "refresh_token_reused" ||
         code == "refresh_token_expired" || code == "refresh_token_invalidated";
}

}  // namespace

OauthLogin::~OauthLogin() { erase(access_token, refresh_token, id_token, client_secret); }
GrantedTokens::~GrantedTokens() { erase(access_token, refresh_token, id_token); }

std::optional<sys_seconds> web_token_end(std::string_view token) {
  auto claims = web_token_claims(token);
  if (!claims) return std::nullopt;
  const json::value* end = found(*claims, "/exp");
  return end == nullptr ? std::nullopt : time_of(*end, TimeForm::kSeconds);
}

Result<OauthLogin> parse_login(std::string_view file, std::string_view pointer,
                               const OauthGrant& grant) {
  auto document = opened(file, pointer);
  if (!document) return std::move(document).error();
  json::value& login = *found(*document, pointer);
  OauthLogin out;
  out.access_token = text_at(login, grant.access_token);
  out.refresh_token = text_at(login, grant.refresh_token);
  out.id_token = text_at(login, grant.id_token);
  if (out.access_token.empty()) {
    return Error(Errc::kInvalidProfile, "there is no access token at " +
                                            quoted(std::string(pointer) + grant.access_token, 200))
        .hint(std::string(kLogIn));
  }
  if (!is_token_text(out.access_token) || !is_token_text(out.refresh_token)) {
    return Error(Errc::kInvalidSecret, "a token of the login has a blank or a control character");
  }
  out.client_id = text_at(login, grant.client_id_at);
  if (out.client_id.empty()) out.client_id = grant.client_id;
  out.client_secret = text_at(login, grant.client_secret_at);
  if (out.client_secret.empty()) out.client_secret = grant.client_secret;
  out.scope = scope_at(login, grant.scope);
  out.account = text_at(login, grant.account);
  if (out.account.empty()) out.account = owner_of(out.id_token);
  if (!grant.expires.empty()) {
    const json::value* end = found(login, grant.expires);
    if (end != nullptr) out.expires = time_of(*end, grant.expires_as);
  }
  if (!out.expires) out.expires = web_token_end(out.access_token);
  return out;
}

std::string_view grant_content_type(GrantBody body) noexcept {
  return body == GrantBody::kForm ? "application/x-www-form-urlencoded" : "application/json";
}

std::string grant_request(const OauthGrant& grant, const OauthLogin& login) {
  const std::array<std::pair<std::string_view, std::string_view>, 5> fields{
      {{"grant_type", "refresh_token"},
       {"refresh_token", login.refresh_token},
       {"client_id", login.client_id},
       {"client_secret", login.client_secret},
       {"scope", login.scope}}};
  if (grant.body == GrantBody::kJson) {
    json::object out(erasing_storage());
    for (const auto& [name, value] : fields) {
      if (!value.empty()) out[view(name)] = view(value);
    }
    return json::serialize(out);
  }
  std::string out;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    out.append(out.empty() ? "" : "&").append(name).append("=").append(uri_encoded(value));
  }
  return out;
}

Result<GrantedTokens> parse_grant_answer(unsigned status, std::string_view body, sys_seconds now) {
  auto answer = parse_json(body, erasing_storage());
  const std::string code = answer ? error_code_of(*answer) : std::string();
  const std::string says =
      " (status " + std::to_string(status) + (code.empty() ? std::string() : ", " + code) + ")";
  if (status >= 400 && status < 500 && is_final(code)) {
    return Error(Errc::kInvalidSecret, "the login is no longer good" + says)
        .hint(std::string(kLogIn));
  }
  if (status != 200) return Error(Errc::kPeerProtocol, "it gave no token" + says);
  if (!answer || !answer->is_object()) {
    return Error(Errc::kPeerProtocol, "its answer is no JSON object" + says);
  }
  GrantedTokens out;
  out.access_token = text_at(*answer, "/access_token");
  out.refresh_token = text_at(*answer, "/refresh_token");
  out.id_token = text_at(*answer, "/id_token");
  const bool formed = !out.access_token.empty() && is_token_text(out.access_token) &&
                      is_token_text(out.refresh_token) && is_token_text(out.id_token);
  if (!formed) return Error(Errc::kPeerProtocol, "its answer has no access token" + says);
  if (const json::value* lifetime = found(*answer, "/expires_in")) {
    constexpr std::int64_t kYears = 100LL * 366 * 24 * 3600;
    const auto seconds = number_of(*lifetime);
    if (seconds && *seconds > 0)
      out.expires = now + std::chrono::seconds(std::min(*seconds, kYears));
  }
  if (!out.expires) out.expires = web_token_end(out.access_token);
  return out;
}

bool same_account(const OauthLogin& login, const GrantedTokens& granted) {
  const std::string before = owner_of(login.id_token);
  const std::string after = owner_of(granted.id_token);
  return before.empty() || after.empty() || before == after;
}

Result<std::string> login_with(std::string_view file, std::string_view pointer,
                               const OauthGrant& grant, const GrantedTokens& granted,
                               sys_seconds now) {
  auto document = opened(file, pointer);
  if (!document) return std::move(document).error();
  json::value& login = *found(*document, pointer);
  set_text(login, grant.access_token, granted.access_token);
  set_text(login, grant.refresh_token, granted.refresh_token);
  set_text(login, grant.id_token, granted.id_token);
  if (granted.expires) {
    set(login, grant.expires, time_value(*granted.expires, grant.expires_as, login.storage()));
  }
  set_text(login, grant.refreshed, aws_time_text(now));
  return json::serialize(*document) + "\n";
}

Result<std::string> login_without_end(std::string_view file, std::string_view pointer,
                                      const OauthGrant& grant, sys_seconds now) {
  auto document = opened(file, pointer);
  if (!document) return std::move(document).error();
  json::value& login = *found(*document, pointer);
  const sys_seconds far{std::chrono::seconds(kFarAway)};
  set(login, grant.expires, time_value(far, grant.expires_as, login.storage()));
  set_text(login, grant.refreshed, aws_time_text(now));
  if (!grant.shows_refresh_token) {
    const Leaf leaf = leaf_at(login, grant.refresh_token);
    if (leaf.parent != nullptr) leaf.parent->stable_erase(view(leaf.name));
  }
  return json::serialize(*document) + "\n";
}

}  // namespace redoubtful::proxy
