#pragma once

// What is owed for a login that is renewed: the new tokens are in the file where the old ones were,
// and everything else is as it was; the text that is shown inside can be read as a login and has no
// refresh token unless the grant wants one. Shared by the libFuzzer program and the replay of its
// corpus.
//
// An input: '0', '1' or '2', which of known_grants() it is; the file; a zero byte; the endpoint's
// answer.

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/oauth_grant.hpp"
#include "proxy/oauth_login.hpp"
#include "proxy/sigv4_canonical.hpp"

namespace redoubtful::fuzz {

inline void must(bool held) {
  if (!held) std::abort();
}

// Some are read less exactly than they are written.
inline void blank_fractions(boost::json::value& value) {
  if (value.is_double()) value = 0.0;
  if (auto* list = value.if_array()) {
    for (auto& item : *list) blank_fractions(item);
  }
  if (auto* object = value.if_object()) {
    for (auto& member : *object) blank_fractions(member.value());
  }
}

// The file without what a renewal is to change.
inline boost::json::value rest_of_login(std::string_view file, const std::string& pointer,
                                        const OauthGrant& grant) {
  boost::json::value document = boost::json::parse({file.data(), file.size()});
  for (const std::string& leaf :
       {grant.access_token, grant.refresh_token, grant.id_token, grant.expires, grant.refreshed}) {
    if (leaf.empty()) continue;
    const std::size_t name = leaf.rfind('/');
    boost::json::error_code missing;
    boost::json::value* parent = document.find_pointer(pointer + leaf.substr(0, name), missing);
    if (parent != nullptr && parent->is_object()) {
      parent->get_object().stable_erase(leaf.substr(name + 1));
    }
  }
  blank_fractions(document);
  return document;
}

inline void login(std::string_view input) {
  if (input.empty() || input[0] < '0' || input[0] > '2') return;
  const KnownGrant& known = known_grants()[static_cast<std::size_t>(input[0] - '0')];
  const OauthGrant grant = known.make();
  const std::string pointer(known.source_end.substr(known.source_end.find('#') + 1));
  const std::size_t zero = input.find('\0');
  const std::string_view file = input.substr(1, zero == input.npos ? zero : zero - 1);
  const std::string_view answer = zero == input.npos ? "" : input.substr(zero + 1);
  constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'800'000'000)};

  // Whatever the status, nothing but a 200 gives tokens.
  for (const unsigned status : {302U, 400U, 401U, 503U}) {
    must(!proxy::parse_grant_answer(status, answer, now));
  }
  const auto granted = proxy::parse_grant_answer(200, answer, now);
  const auto before = proxy::parse_login(file, pointer, grant);
  if (!before) return;
  const std::string body = proxy::grant_request(grant, *before);
  if (grant.body == GrantBody::kJson) {
    const auto sent = boost::json::parse(body);
    if (!before->refresh_token.empty()) {
      must(sent.at("refresh_token").as_string() == before->refresh_token);
    }
  } else if (!before->refresh_token.empty()) {
    must(body.find("&refresh_token=" + proxy::uri_encoded(before->refresh_token) + "&") !=
         body.npos);
  }

  const auto shown = proxy::login_without_end(file, pointer, grant, now);
  must(static_cast<bool>(shown));
  const auto inside = proxy::parse_login(*shown, pointer, grant);
  must(static_cast<bool>(inside));
  must(inside->access_token == before->access_token);
  must(grant.shows_refresh_token || inside->refresh_token.empty());
  must(rest_of_login(*shown, pointer, grant) == rest_of_login(file, pointer, grant));

  if (!granted) return;
  const auto made = proxy::login_with(file, pointer, grant, *granted, now);
  must(static_cast<bool>(made));
  const auto after = proxy::parse_login(*made, pointer, grant);
  must(static_cast<bool>(after));
  must(after->access_token == granted->access_token);
  must(after->refresh_token ==
       (granted->refresh_token.empty() ? before->refresh_token : granted->refresh_token));
  if (granted->expires && !grant.expires.empty()) must(after->expires == granted->expires);
  must(rest_of_login(*made, pointer, grant) == rest_of_login(file, pointer, grant));
}

}  // namespace redoubtful::fuzz
