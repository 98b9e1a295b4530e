#pragma once

// Reads a credential of `type: oauth` when a session begins: the access token becomes a live
// credential, and of the rest only what a box is shown is kept, as surrogates that stand for
// nothing. The refresh token stays in its file.
//
// Before confinement only.

#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/injector.hpp"
#include "proxy/login_keeper.hpp"

namespace redoubtful::proxy {

// "json:/home/u/.codex/auth.json#/tokens", taken apart.
struct LoginPlace {
  std::string path;
  std::string pointer;
};

struct ReadLogin {
  LiveCredential access;
  // The tokens that leave in no request, with no hosts. Their secrets are for the file that is
  // shown (exposed_file.hpp), and are to be dropped then: drop_secret().
  std::vector<LiveCredential> shown{};
  std::optional<KeptLogin> kept{};  // nothing: it cannot be renewed
};

// `place`: with an absolute path. Errors: kInvalidProfile where there is no login, which an
// optional credential may go on without; kInvalidSecret for one that must not be used.
Result<ReadLogin> read_login_source(const CredentialProfile& credential, const LoginPlace& place);

// What it stands for is erased; the surrogate is known as before.
void drop_secret(LiveCredential& credential);

}  // namespace redoubtful::proxy
