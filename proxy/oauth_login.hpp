#pragma once

// A login that ends: what its file says, what is sent to have it renewed, what comes back, and the
// file's new text. [trusted core; pure]
//
// What the grant does not name is left as it is: siblings of the login, fields that only the
// program knows. A login of another account is never taken for the one that was there.
//
// Source: RFC 6749, sections 5.1, 5.2 and 6.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/oauth_grant.hpp"

namespace redoubtful::proxy {

// The real thing, erased when it goes away. Moved, not copied.
struct OauthLogin {
  std::string access_token;
  std::string refresh_token;  // empty: there is none, and nothing can be renewed
  std::string id_token;
  std::string client_id;
  std::string client_secret;
  std::string scope;    // as the request says it: words with a blank between them
  std::string account;  // a text of the file's, or who the id token is of; empty: not known
  std::optional<std::chrono::sys_seconds> expires{};  // nothing: it does not say

  OauthLogin() = default;
  OauthLogin(OauthLogin&&) = default;
  OauthLogin& operator=(OauthLogin&&) = default;
  OauthLogin(const OauthLogin&) = delete;
  OauthLogin& operator=(const OauthLogin&) = delete;
  ~OauthLogin();
};

// What the token endpoint gave. Erased, and moved, as above.
struct GrantedTokens {
  std::string access_token;
  std::string refresh_token;  // empty: the old one stays good
  std::string id_token;       // empty: the old one stays
  std::optional<std::chrono::sys_seconds> expires{};

  GrantedTokens() = default;
  GrantedTokens(GrantedTokens&&) = default;
  GrantedTokens& operator=(GrantedTokens&&) = default;
  GrantedTokens(const GrantedTokens&) = delete;
  GrantedTokens& operator=(const GrantedTokens&) = delete;
  ~GrantedTokens();
};

// `file`: its whole text; `pointer`: to the login in it. Errors: kInvalidProfile where there is no
// login, kInvalidSecret where it is none that can be read. No value is in either.
Result<OauthLogin> parse_login(std::string_view file, std::string_view pointer,
                               const OauthGrant& grant);

// The body of the request; the caller erases it.
std::string grant_request(const OauthGrant& grant, const OauthLogin& login);
std::string_view grant_content_type(GrantBody body) noexcept;

// Errors: kInvalidSecret when the refresh token is no longer good (invalid_grant), and asking again
// with it is of no use; kPeerProtocol for everything else. Of the answer only the status and the
// error's code are said.
Result<GrantedTokens> parse_grant_answer(unsigned status, std::string_view body,
                                         std::chrono::sys_seconds now);

// Is it the account's that `login` is of, as far as both say?
bool same_account(const OauthLogin& login, const GrantedTokens& granted);

// The file with the new tokens in it. Errors: as parse_login. The caller erases it.
Result<std::string> login_with(std::string_view file, std::string_view pointer,
                               const OauthGrant& grant, const GrantedTokens& granted,
                               std::chrono::sys_seconds now);

// The file as it may be shown once its tokens are replaced: it ends in a far future, was renewed
// just now, and has a refresh token only where the grant says so. Errors: as parse_login.
Result<std::string> login_without_end(std::string_view file, std::string_view pointer,
                                      const OauthGrant& grant, std::chrono::sys_seconds now);

// The `exp` of a JSON web token.
std::optional<std::chrono::sys_seconds> web_token_end(std::string_view token);

}  // namespace redoubtful::proxy
