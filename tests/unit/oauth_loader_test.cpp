#include "cli/oauth_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/network_settling.hpp"
#include "cli/profile_loader.hpp"
#include "common/network_rules.hpp"

namespace redoubtful::cli {
namespace {

using testing::HasSubstr;

Result<Layer> load(const std::string& keys) {
  return load_layer(
      "credentials:\n  login: {type: oauth, hosts: [api.example], expose: {file: ~/l.json}, " +
          keys + "}\n",
      "p", "p.yaml");
}

OauthGrant grant(const std::string& keys) {
  const auto layer = load(keys);
  if (layer) return *layer->credentials.at(0).refresh;
  ADD_FAILURE() << keys << ": " << layer.error().what();
  return {};
}

TEST(OauthLoader, TheLoginsOfKnownProgramsNeedNoWord) {
  EXPECT_EQ(grant(R"(source: "json:~/.claude/.credentials.json#/claudeAiOauth")"),
            grant_named("claude")->make());
  EXPECT_EQ(grant(R"(source: "json:~/.codex/auth.json#")"), grant_named("codex")->make());
  EXPECT_EQ(grant(R"(source: "json:~/.gemini/oauth_creds.json#")"), grant_named("gemini")->make());
  EXPECT_EQ(grant(R"(source: "json:~/elsewhere.json#/a", refresh: claude)"),
            grant_named("claude")->make());
}

TEST(OauthLoader, AnotherServicesIsWrittenOut) {
  OauthGrant wanted;
  wanted.endpoint = "https://login.example:8443/oauth/token";
  wanted.client_id_at = "/client_id";
  wanted.client_secret_at = "/client_secret";
  wanted.body = GrantBody::kJson;
  wanted.expires = "/expires_at";
  wanted.expires_as = TimeForm::kRfc3339;
  wanted.shows_refresh_token = true;
  EXPECT_EQ(
      grant(
          R"(source: "json:~/l.json#", refresh: {endpoint: "https://login.example:8443/oauth/token",
      client_id_at: /client_id, client_secret_at: /client_secret, body: json, expires: /expires_at,
      expires_as: rfc3339, shows_refresh_token: true})"),
      wanted);
}

TEST(OauthLoader, NamesWhatIsWrongAndWhere) {
  const std::string place = R"(source: "json:~/l.json#/a", )";
  const auto refresh = [&](const std::string& keys) {
    return place + "refresh: {endpoint: https://l.example/t, client_id: c" + keys + "}";
  };
  for (const auto& [keys, words] : std::vector<std::pair<std::string, std::string>>{
           {R"(source: "json:~/l.json#/a")",
            "p.yaml:2:3: the credential login needs the key refresh"},
           {"source: env:A", "its source is json:FILE#/pointer"},
           {place + "refresh: claud", "p.yaml:2:"},
           {place + "refresh: {client_id: c}", "needs the key endpoint"},
           {place + "refresh: {endpoint: https://l.example/t}", "needs the key client_id"},
           {place + "refresh: {endpoint: http://l.example/t, client_id: c}", "no token endpoint"},
           {place + "refresh: {endpoint: https://l.example, client_id: c}", "no token endpoint"},
           {place + "refresh: {endpoint: \"https://*.l.example/t\", client_id: c}", "one host"},
           {place + "refresh: {endpoint: \"https://u@l.example/t\", client_id: c}", "p.yaml:2:"},
           {refresh(", client_secret: hush"), "a secret does not stand in a profile"},
           {refresh(", acess_token: /a"), "did you mean access_token?"},
           {refresh(", access_token: a"), "no JSON pointer"},
           {refresh(", access_token: \"/a~2\""), "no JSON pointer"},
           {refresh(", body: xml"), "none of form, json"},
           {refresh(", expires_as: days"), "none of seconds, milliseconds, rfc3339"},
           {refresh(", lock: mine"), "none of none, claude, codex"},
           {refresh(", shows_refresh_token: 1"), "p.yaml:2:"}}) {
    const auto layer = load(keys);
    ASSERT_FALSE(layer) << keys;
    EXPECT_THAT(layer.error().what(), HasSubstr(words)) << keys;
    EXPECT_THAT(layer.error().what(), HasSubstr("p.yaml:2:")) << keys;
  }
}

TEST(OauthLoader, OtherTypesHaveNoneOfIt) {
  for (const std::string keys :
       {R"(source: "json:~/.codex/auth.json#")", "source: env:A, refresh: claude"}) {
    const auto layer =
        load_layer("credentials:\n  key: {hosts: [api.example], expose: {env: A}, " + keys + "}\n",
                   "p", "p.yaml");
    EXPECT_FALSE(layer) << keys;
  }
}

TEST(OauthLoader, TheEndpointIsClosedToTheBox) {
  auto layer = load_layer(
      "network: {allow: [login.example]}\n"
      "credentials:\n  login: {type: oauth, hosts: [api.example], expose: {file: ~/l.json},\n"
      "    source: \"json:~/l.json#\", refresh: {endpoint: https://login.example/oauth/token, "
      "client_id: c}}\n",
      "p", "p.yaml");
  ASSERT_TRUE(layer) << layer.error().what();
  Profile profile;
  profile.network.allow = layer->allow;
  profile.credentials = layer->credentials;
  ASSERT_TRUE(settle_network(profile));
  const auto verdict = [&](std::string_view path) {
    return decide(profile.network, {*Host::parse("login.example"), *Port::parse("443"),
                                    Scheme::kHttps, "POST", path});
  };
  EXPECT_EQ(verdict("/oauth/token").decision, Decision::kDeny);
  EXPECT_EQ(verdict("/oauth/token").rule->origin.text(), "p.yaml:3:3");
  EXPECT_EQ(verdict("/userinfo").decision, Decision::kAllow);
}

}  // namespace
}  // namespace redoubtful::cli
