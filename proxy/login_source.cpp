#include "proxy/login_source.hpp"

#include <stdlib.h>
#include <string.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "common/text.hpp"
#include "proxy/oauth_login.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/sigv4_key.hpp"
#include "proxy/surrogate.hpp"

namespace redoubtful::proxy {
namespace {

// Links are followed once, for the file is replaced where it is.
Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  if (real) return std::string(real.get());
  if (errno == ENOENT || errno == ENOTDIR) {
    return Error(Errc::kInvalidProfile, shown(path) + " does not exist");
  }
  return Error::system_call("cannot look at " + quoted(path), errno);
}

Result<LiveCredential> live(const CredentialProfile& credential, std::string&& token) {
  auto secret = Secret::take(std::move(token));
  if (!secret) return std::move(secret).error();
  auto surrogate = make_surrogate(*secret);
  if (!surrogate) return std::move(surrogate).error();
  return LiveCredential{credential.name, {}, *std::move(secret), *std::move(surrogate)};
}

}  // namespace

void drop_secret(LiveCredential& credential) {
  auto nothing = Secret::take(std::string(credential.surrogate));
  if (nothing) credential.secret = *std::move(nothing);
}

Result<ReadLogin> read_login_source(const CredentialProfile& credential, const LoginPlace& place) {
  const OauthGrant& grant = *credential.refresh;
  auto path = real_path(place.path);
  if (!path) return std::move(path).error();
  auto text = read_secret_file(*path, FilePrivacy::kOwnerOnly);
  if (!text) return std::move(text).error();
  auto login = parse_login(*text, place.pointer, grant);
  ::explicit_bzero(text->data(), text->size());
  if (!login) return std::move(login).error().during(shown(place.path));
  const bool renewable = !login->refresh_token.empty();
  KeptLogin kept{
      credential.name, *std::move(path), place.pointer, grant, sha256_hex(login->access_token),
      login->account,  login->expires};
  auto access = live(credential, std::move(login->access_token));
  if (!access) return std::move(access).error().during(shown(place.path));
  ReadLogin out{*std::move(access)};
  out.access.hosts = credential.hosts;
  out.access.surfaces = credential.replace_in;
  out.access.attach = credential.attach;
  out.access.exclusive = credential.exclusive;
  if (renewable) out.kept = std::move(kept);
  if (!grant.shows_refresh_token) {
    ::explicit_bzero(login->refresh_token.data(), login->refresh_token.size());
    login->refresh_token.clear();
  }
  for (std::string* token : {&login->refresh_token, &login->id_token}) {
    if (token->empty()) continue;
    auto one = live(credential, std::move(*token));
    if (!one) return std::move(one).error().during(shown(place.path));
    out.shown.push_back(*std::move(one));
  }
  return out;
}

}  // namespace redoubtful::proxy
