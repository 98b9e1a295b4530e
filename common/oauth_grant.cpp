#include "common/oauth_grant.hpp"

#include <algorithm>

namespace redoubtful {
namespace {

OauthGrant claude() {
  OauthGrant out;
  out.endpoint = "https://platform.claude.com/v1/oauth/token";
  out.client_id = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";
  out.client_id_at = "/clientId";
  out.body = GrantBody::kJson;
  out.access_token = "/accessToken";
  out.refresh_token = "/refreshToken";
  out.expires = "/expiresAt";
  out.expires_as = TimeForm::kMilliseconds;
  out.scope = "/scopes";
  out.lock = LoginLock::kClaude;
  return out;
}

OauthGrant codex() {
  OauthGrant out;
  out.endpoint = "https://auth.openai.com/oauth/token";
  out.client_id = "app_EMoamEEZ73f0CkXaXp7hrann";
  out.body = GrantBody::kJson;
  out.access_token = "/tokens/access_token";
  out.refresh_token = "/tokens/refresh_token";
  out.id_token = "/tokens/id_token";
  out.account = "/tokens/account_id";
  out.refreshed = "/last_refresh";
  out.lock = LoginLock::kCodex;
  out.shows_refresh_token = true;
  return out;
}

OauthGrant gemini() {
  OauthGrant out;
  out.endpoint = "https://oauth2.googleapis.com/token";
  out.client_id = "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com";
  // Published with the program, by which Google tells it from others, and no secret to anybody.
  out.client_secret =
      "GOCSPX-"
      "4uHgMPm-1o7Sk-geV6Cu5clXFsxl";
  out.id_token = "/id_token";
  out.expires = "/expiry_date";
  out.expires_as = TimeForm::kMilliseconds;
  return out;
}

constexpr std::array<KnownGrant, 3> kKnown{
    {{"claude", "/.claude/.credentials.json#/claudeAiOauth", claude},
     {"codex", "/.codex/auth.json#", codex},
     {"gemini", "/.gemini/oauth_creds.json#", gemini}}};

constexpr std::array<GrantText, 12> kTexts{
    {{"endpoint", &OauthGrant::endpoint, false},
     {"client_id", &OauthGrant::client_id, false},
     {"client_id_at", &OauthGrant::client_id_at, true},
     {"client_secret", &OauthGrant::client_secret, false},
     {"client_secret_at", &OauthGrant::client_secret_at, true},
     {"access_token", &OauthGrant::access_token, true},
     {"refresh_token", &OauthGrant::refresh_token, true},
     {"id_token", &OauthGrant::id_token, true},
     {"account", &OauthGrant::account, true},
     {"expires", &OauthGrant::expires, true},
     {"refreshed", &OauthGrant::refreshed, true},
     {"scope", &OauthGrant::scope, true}}};

}  // namespace

const std::array<KnownGrant, 3>& known_grants() noexcept { return kKnown; }

const KnownGrant* grant_named(std::string_view name) noexcept {
  const auto* found = std::find_if(kKnown.begin(), kKnown.end(),
                                   [&](const KnownGrant& one) { return one.name == name; });
  return found == kKnown.end() ? nullptr : found;
}

const KnownGrant* grant_of_source(std::string_view source) noexcept {
  const auto* found = std::find_if(kKnown.begin(), kKnown.end(), [&](const KnownGrant& one) {
    return source.ends_with(one.source_end);
  });
  return found == kKnown.end() ? nullptr : found;
}

std::string_view word_of(GrantBody body) noexcept {
  return body == GrantBody::kForm ? "form" : "json";
}

std::string_view word_of(TimeForm form) noexcept {
  switch (form) {
    case TimeForm::kSeconds:
      return "seconds";
    case TimeForm::kMilliseconds:
      return "milliseconds";
    case TimeForm::kRfc3339:
      return "rfc3339";
  }
  return "";
}

std::string_view word_of(LoginLock lock) noexcept {
  switch (lock) {
    case LoginLock::kNone:
      return "none";
    case LoginLock::kClaude:
      return "claude";
    case LoginLock::kCodex:
      return "codex";
  }
  return "";
}

const std::array<GrantText, 12>& grant_texts() noexcept { return kTexts; }

bool is_json_pointer(std::string_view text) noexcept {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) < ' ') return false;
    const bool escaped = at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1');
    if (text[at] == '~' && !escaped) return false;
  }
  return true;
}

}  // namespace redoubtful
