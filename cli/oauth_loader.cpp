#include "cli/oauth_loader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kJson = "json:";

Error wrong(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

Result<std::string> parse_pointer(std::string_view text) {
  if (!text.empty() && is_json_pointer(text)) return std::string(text);
  return wrong(quoted(text, 80) + " is no JSON pointer (/a/b)");
}

Result<std::string> parse_client_id(std::string_view text) {
  const bool fits =
      !text.empty() && text.size() <= 300 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (fits) return std::string(text);
  return wrong(quoted(text, 80) + " is no client id");
}

// One of the words of an enumeration.
template <class T, std::size_t N>
Result<T> parse_word(std::string_view text, const std::array<T, N>& all) {
  std::string words;
  for (const T one : all) {
    if (word_of(one) == text) return one;
    words += (words.empty() ? "" : ", ") + std::string(word_of(one));
  }
  return wrong(quoted(text, 40) + " is none of " + words);
}

Result<GrantBody> parse_body(std::string_view text) {
  return parse_word(text, std::array{GrantBody::kForm, GrantBody::kJson});
}
Result<TimeForm> parse_time_form(std::string_view text) {
  return parse_word(text,
                    std::array{TimeForm::kSeconds, TimeForm::kMilliseconds, TimeForm::kRfc3339});
}
Result<LoginLock> parse_lock(std::string_view text) {
  return parse_word(text, std::array{LoginLock::kNone, LoginLock::kClaude, LoginLock::kCodex});
}

template <std::string OauthGrant::*member>
Result<void> read_pointer(const Document& document, const YamlNode& node, OauthGrant& out) {
  return read_into(document, node, parse_pointer, out.*member);
}

// A secret has no place in a profile, and who needs a published one is known by name.
Result<void> refuse_secret(const Document& document, const YamlNode& node, OauthGrant&) {
  return document.error(node, wrong("a secret does not stand in a profile")
                                  .hint("client_secret_at: /client_secret names its place in the "
                                        "login file"));
}

constexpr std::array<Key<OauthGrant>, 16> kKeys{{
    {"endpoint",
     [](const Document& document, const YamlNode& node, OauthGrant& out) -> Result<void> {
       return read_into(document, node, parse_token_endpoint, out.endpoint);
     }},
    {"client_id",
     [](const Document& document, const YamlNode& node, OauthGrant& out) -> Result<void> {
       return read_into(document, node, parse_client_id, out.client_id);
     }},
    {"client_id_at", read_pointer<&OauthGrant::client_id_at>},
    {"client_secret", refuse_secret},
    {"client_secret_at", read_pointer<&OauthGrant::client_secret_at>},
    {"body",
     [](const Document& document, const YamlNode& node, OauthGrant& out) -> Result<void> {
       return read_into(document, node, parse_body, out.body);
     }},
    {"access_token", read_pointer<&OauthGrant::access_token>},
    {"refresh_token", read_pointer<&OauthGrant::refresh_token>},
    {"id_token", read_pointer<&OauthGrant::id_token>},
    {"account", read_pointer<&OauthGrant::account>},
    {"expires", read_pointer<&OauthGrant::expires>},
    {"expires_as",
     [](const Document& document, const YamlNode& node, OauthGrant& out) -> Result<void> {
       return read_into(document, node, parse_time_form, out.expires_as);
     }},
    {"refreshed", read_pointer<&OauthGrant::refreshed>},
    {"scope", read_pointer<&OauthGrant::scope>},
    {"lock",
     [](const Document& document, const YamlNode& node, OauthGrant& out) -> Result<void> {
       return read_into(document, node, parse_lock, out.lock);
     }},
    {"shows_refresh_token",
     [](const Document& document, const YamlNode& node, OauthGrant& out) -> Result<void> {
       return read_into(document, node, parse_flag, out.shows_refresh_token);
     }},
}};

Result<OauthGrant> parse_known(std::string_view text) {
  if (const KnownGrant* known = grant_named(text)) return known->make();
  std::string names;
  for (const auto& one : known_grants()) {
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  return wrong(quoted(text, 40) + " is none of " + names)
      .hint("or write {endpoint: https://…, client_id: …} for another service's login");
}

}  // namespace

Result<std::string> parse_token_endpoint(std::string_view text) {
  const std::string_view rest = text.substr(std::min(kHttps.size(), text.size()));
  const std::size_t slash = rest.find('/');
  const bool formed = text.starts_with(kHttps) && slash != std::string_view::npos &&
                      slash + 1 < rest.size() && std::all_of(rest.begin(), rest.end(), [](char c) {
                        return c > ' ' && c <= '~' && c != '?' && c != '#' && c != '%';
                      });
  if (!formed) {
    return wrong(quoted(text, 200) + " is no token endpoint: https://HOST[:PORT]/PATH, no query");
  }
  auto rule = HostRule::parse(std::string(kHttps) + std::string(rest.substr(0, slash)));
  if (!rule) return std::move(rule).error();
  if (rule->pattern.wildcard()) return wrong("the token endpoint is one host");
  return std::string(text);
}

Result<void> read_refresh(const Document& document, const YamlNode& node, CredentialProfile& out) {
  out.refresh.emplace();
  if (node.kind != YamlNode::Kind::kMap) {
    return read_into(document, node, parse_known, *out.refresh);
  }
  auto read = read_keys<OauthGrant>(document, node, kKeys, *out.refresh);
  if (!read) return read;
  if (out.refresh->endpoint.empty()) return document.error(node, "refresh needs the key endpoint");
  if (out.refresh->client_id.empty() && out.refresh->client_id_at.empty()) {
    return document.error(node, "refresh needs the key client_id, or client_id_at");
  }
  return {};
}

Result<void> settle_oauth(CredentialProfile& credential) {
  const std::string who = "the credential " + credential.name;
  const bool whole_document =
      credential.source.starts_with(kJson) && credential.source.ends_with('#');
  if (credential.type != CredentialType::kOauth) {
    if (credential.refresh) return wrong(who + " has refresh, which is for type: oauth");
    if (whole_document) {
      return wrong(who + ": the form is json:FILE#/pointer")
          .hint("a whole document is a source for type: oauth alone");
    }
    return {};
  }
  if (!credential.source.starts_with(kJson)) {
    return wrong(who +
                 " is of type oauth, and its login is written back when it was renewed: its "
                 "source is json:FILE#/pointer");
  }
  if (credential.refresh) return {};
  const KnownGrant* known = grant_of_source(credential.source);
  if (known == nullptr) {
    return wrong(who + " needs the key refresh: nothing is known of logins in " +
                 shown(credential.source))
        .hint("refresh: claude, codex or gemini, or {endpoint: https://…, client_id: …}");
  }
  credential.refresh = known->make();
  return {};
}

}  // namespace redoubtful::cli
