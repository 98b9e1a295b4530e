#pragma once

// How a login file of `type: oauth` is renewed: who is asked, how, and where in the file what
// stands.
//
// The grants of Claude, Codex and Gemini are known by the end of their source; any other service's
// is written under `refresh` (cli/oauth_loader.hpp). Positions are JSON pointers (RFC 6901) below
// the source's own.
//
// Source of the three: the programs themselves, run against a stand-in that rotates and revokes
// (Claude Code 2.1.197, Codex 0.169.0, Gemini CLI 0.61.0).

#include <array>
#include <string>
#include <string_view>

namespace redoubtful {

enum class GrantBody {
  kForm,  // application/x-www-form-urlencoded. Source: RFC 6749, section 6
  kJson,
};

// How a file writes a time.
enum class TimeForm { kSeconds, kMilliseconds, kRfc3339 };

// What the program itself holds while it renews. Ours is held in any case.
enum class LoginLock {
  kNone,
  kClaude,  // the directories DIR/.oauth_refresh.lock and DIR.lock, DIR being the file's
  kCodex,   // flock(2) of FILE.lock
};

struct OauthGrant {
  std::string endpoint;         // "https://host[:port]/path"
  std::string client_id;        // empty: client_id_at alone says it
  std::string client_id_at{};   // where the login may say another; empty: nowhere
  std::string client_secret{};  // of a program that everybody has, which is none: RFC 8252, 8.5
  std::string client_secret_at{};
  GrantBody body = GrantBody::kForm;
  std::string access_token{"/access_token"};
  std::string refresh_token{"/refresh_token"};
  std::string id_token{};  // empty: there is none
  std::string account{};   // who it is: a login of another account is never taken for this one
  std::string expires{};   // of the access token; empty: its own `exp`, where it has one
  TimeForm expires_as = TimeForm::kSeconds;
  std::string refreshed{};  // when it was last renewed, RFC 3339
  std::string scope{};      // what is asked for, a text or a list; empty: what there was
  LoginLock lock = LoginLock::kNone;
  // The program takes a file without a refresh token for no login: inside it has a surrogate, that
  // stands for nothing anywhere.
  bool shows_refresh_token = false;

  bool operator==(const OauthGrant&) const = default;
};

struct KnownGrant {
  std::string_view name;        // "claude"
  std::string_view source_end;  // "/.claude/.credentials.json#/claudeAiOauth"
  OauthGrant (*make)();
};
const std::array<KnownGrant, 3>& known_grants() noexcept;
// By the name; null where there is none.
const KnownGrant* grant_named(std::string_view name) noexcept;
// By the source's end ("json:~/.claude/.credentials.json#/claudeAiOauth"); null where there is
// none.
const KnownGrant* grant_of_source(std::string_view source) noexcept;

// "form", "json"; "seconds", "milliseconds", "rfc3339"; "none", "claude", "codex".
std::string_view word_of(GrantBody body) noexcept;
std::string_view word_of(TimeForm form) noexcept;
std::string_view word_of(LoginLock lock) noexcept;

// The members that are texts, as profiles and `show --json` name them.
struct GrantText {
  std::string_view key;
  std::string OauthGrant::*member;
  bool pointer;  // a place in the login
};
const std::array<GrantText, 12>& grant_texts() noexcept;

// Empty, or "/a/b" with "~0" and "~1" alone behind a tilde.
bool is_json_pointer(std::string_view text) noexcept;

}  // namespace redoubtful
