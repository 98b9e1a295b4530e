#pragma once

// Keeps one login alive: looks whether somebody else has renewed it, else has it renewed and writes
// it back, and loses no token on the way.
//
//   1  our lock; the file is read. It holds another token than the one in use: that is the answer,
//      and nobody is asked
//   2  the program's own lock; the file is read once more
//   3  room for the new text is reserved. There is none: nobody is asked, for a token that rotates
//      and cannot be written logs the user out
//   4  the endpoint is asked. What it refuses for good (invalid_grant) is not asked again
//   5  the file is read a third time: where somebody has logged in meanwhile, his login stays, and
//      is used where it is the same account's
//   6  the file is replaced. Should that fail, the tokens are kept here and used, and written at
//      the next occasion
//
// Blocks. One thread.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/oauth_grant.hpp"
#include "proxy/login_file.hpp"
#include "proxy/oauth_login.hpp"
#include "proxy/web_get.hpp"

namespace redoubtful::proxy {

// A login as it is when a session begins. No value is in it.
struct KeptLogin {
  std::string name;     // of the credential
  std::string path;     // absolute, links resolved
  std::string pointer;  // to the login in the file
  OauthGrant grant;
  std::string in_use;   // SHA-256 of the access token that the session begins with
  std::string account;  // OauthLogin::account
  std::optional<std::chrono::sys_seconds> expires;
};

struct FreshLogin {
  std::string access_token;  // the caller erases it
  std::optional<std::chrono::sys_seconds> expires;
  bool ours = false;      // renewed here; else somebody else did, and it was found
  std::string unwritten;  // not empty: why the file could not be written
};

class LoginKeeper {
 public:
  // Asks the grant's endpoint; `beat` must be called every kLockBeat.
  using Ask = std::function<Result<WebAnswer>(const OauthGrant& grant, const std::string& body,
                                              const std::function<void()>& beat)>;
  using Now = std::function<std::chrono::sys_seconds()>;

  LoginKeeper(KeptLogin login, Ask ask, Now now)
      : login_(std::move(login)), ask_(std::move(ask)), now_(std::move(now)) {}

  // A token that is another than the one in use, which ends soon or was refused. Errors: of the
  // source, the lock, the endpoint; the token in use is as good as before.
  Result<FreshLogin> renew();

  // Tries once more to write what could not be written, with both locks. True: nothing is
  // unwritten.
  bool write_rest();

  // Ahead of its end a token counts as ended. Claude Code, Codex, Gemini CLI: 5 minutes.
  static constexpr std::chrono::minutes kAhead{10};
  // A token that is refused although it has not ended was perhaps refused for another reason than
  // being withdrawn: one that was got here is renewed again after this time only.
  static constexpr std::chrono::minutes kBetween{5};
  static constexpr std::chrono::seconds kOurLock{30};
  static constexpr std::chrono::seconds kTheirLock{12};  // longer than a dead one stays fresh
  static constexpr std::chrono::seconds kLeftLock{1};    // either, by write_rest()

 private:
  struct Unwritten {
    std::string replaces;  // SHA-256 of the refresh token that was in the file
    GrantedTokens tokens;
    std::string why;
  };

  std::string directory() const { return login_.path.substr(0, login_.path.rfind('/')); }
  Result<std::string> file_text() const;
  // The login of the file, which is the same account's.
  Result<OauthLogin> read() const;
  // One that is not the one in use, and good for a while; nothing: there is none.
  std::optional<FreshLogin> newer(OauthLogin& login);
  Result<void> may_ask(const OauthLogin& login) const;
  Result<FreshLogin> ask();  // from step 2 on
  // Into the file as it is now, if the refresh token there is still the replaced one. `room`: what
  // was reserved for it; null: nothing was.
  Result<void> write(std::string_view replaced, const GrantedTokens& tokens, LoginWriter* room);
  // What could not be written, with the program's own lock. Wants ours.
  Result<void> write_left(std::chrono::milliseconds patience);
  FreshLogin taken(std::string token, std::optional<std::chrono::sys_seconds> expires);

  KeptLogin login_;
  Ask ask_;
  Now now_;
  std::string refused_;  // SHA-256 of a refresh token that is good for nothing
  std::optional<std::chrono::sys_seconds> got_;
  std::optional<Unwritten> unwritten_;
};

}  // namespace redoubtful::proxy
