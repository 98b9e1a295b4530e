#include "cli/box_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/box_sockets.hpp"
#include "cli/run_network.hpp"

namespace redoubtful::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Profile with_credential(const std::string& host) {
  Profile profile;
  profile.credentials.push_back({.name = "hub",
                                 .source = "env:HUB_REAL",
                                 .hosts = {Host::parse(host).value()},
                                 .expose_env = {"HUB_TOKEN", "HUB_2"},
                                 .optional = false,
                                 .origin = {"p.yaml", 1, 1, {}}});
  return profile;
}

void allow(Profile& profile, const std::string& rule) {
  profile.network.allow.push_back({HostRule::parse(rule).value(), {"p.yaml", 2, 3, {}}});
}

TEST(ProxyVariables, AreBothCasesWithoutAllProxy) {
  const auto variables = proxy_variables();
  for (const auto* entry :
       {"HTTP_PROXY=http://127.0.0.1:3128", "https_proxy=http://127.0.0.1:3128",
        "NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1"}) {
    EXPECT_THAT(variables, Contains(entry));
  }
  for (const auto& entry : variables) {
    EXPECT_THAT(entry, Not(HasSubstr("ALL_PROXY")));
    EXPECT_THAT(entry, Not(HasSubstr("all_proxy")));
  }
}

TEST(GitVariables, TurnSshToHttpsWhereACredentialIsLive) {
  const Profile profile = with_credential("git.example");
  const auto variables = git_variables(profile, {{"hub", {"HUB_TOKEN"}, "s"}});
  for (const auto* entry :
       {"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=url.https://git.example/.insteadOf",
        "GIT_CONFIG_VALUE_0=git@git.example:", "GIT_CONFIG_VALUE_1=ssh://git@git.example/",
        "GIT_CONFIG_KEY_2=credential.https://git.example.helper"}) {
    EXPECT_THAT(variables, Contains(entry));
  }
  EXPECT_THAT(variables.back(), HasSubstr("\"$HUB_TOKEN\""));
}

TEST(GitVariables, LeaveALoginFileToGit) {
  Profile in_file = with_credential("git.example");
  in_file.credentials[0].expose_env.clear();
  in_file.credentials[0].expose_file = {"~/.netrc"};
  Profile attached = with_credential("git.example");
  attached.credentials[0].expose_env.clear();
  attached.credentials[0].attach = {"authorization", "Bearer {}"};
  for (const Profile& profile : {in_file, attached}) {
    EXPECT_THAT(
        git_variables(profile, {{"hub", {}, "s"}}),
        ElementsAre("GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=url.https://git.example/.insteadOf",
                    "GIT_CONFIG_VALUE_0=git@git.example:",
                    "GIT_CONFIG_KEY_1=url.https://git.example/.insteadOf",
                    "GIT_CONFIG_VALUE_1=ssh://git@git.example/"));
  }
  in_file.credentials[0].expose_env = {"HUB_TOKEN"};
  EXPECT_THAT(git_variables(in_file, {{"hub", {"HUB_TOKEN"}, "s"}}),
              Contains("GIT_CONFIG_KEY_2=credential.https://git.example.helper"));
}

TEST(GitVariables, LeaveOthersAlone) {
  EXPECT_THAT(git_variables(with_credential("git.example"), {}), IsEmpty())
      << "an optional credential whose source is absent";
  EXPECT_THAT(git_variables(with_credential("10.0.0.1"), {{"hub", {"T"}, "s"}}), IsEmpty());
  Profile login = with_credential("git.example");
  login.credentials[0].type = CredentialType::kOauth;
  EXPECT_THAT(git_variables(login, {{"hub", {"T"}, "s"}}), IsEmpty());
  Profile with_rule = with_credential("git.example");
  allow(with_rule, "ssh://git.example");
  EXPECT_THAT(git_variables(with_rule, {{"hub", {"T"}, "s"}}), IsEmpty());
}

TEST(Sources, AreNamedSoThatTheyAreNotPassed) {
  Profile vault = with_credential("git.example");
  vault.credentials[0].source = "vault:secret/a#b";
  EXPECT_EQ(source_variables(vault.credentials), std::vector<std::string>{"VAULT_TOKEN"});
  EXPECT_EQ(source_variables(with_credential("git.example").credentials),
            (std::vector<std::string>{"HUB_REAL"}));
}

TEST(Policy, SaysWhatIsAllowedAndWhereThatWasWritten) {
  Profile profile = with_credential("git.example");
  allow(profile, "api.example");
  const std::string text = policy_text(profile);
  EXPECT_THAT(text, HasSubstr("mode: filtered\n"));
  EXPECT_THAT(text, HasSubstr("  api.example    # p.yaml:2:3\n"));
  EXPECT_THAT(text, HasSubstr("  hub: HUB_TOKEN HUB_2 for git.example\n"));
  EXPECT_THAT(text, HasSubstr("redoubtful allow HOST"));
  EXPECT_THAT(text, Not(HasSubstr("HUB_REAL"))) << "where the value lies is the host's business";
}

TEST(SpareSockets, AreAsManyAsNamesWithPortsOfTheirOwn) {
  Profile profile;
  EXPECT_EQ(spare_sockets(profile.network), 0U);
  for (const auto* rule : {"a.example", "http://a.example", "tcp://db.example:5432",
                           "db.example:5432", "ssh://git.example", "b.example:8443"}) {
    allow(profile, rule);
  }
  EXPECT_EQ(spare_sockets(profile.network), 2U) << "port 22 is taken on every address";
  EXPECT_TRUE(ways_in(profile.network).ssh);
  allow(profile, "*.c.example:8443");
  EXPECT_EQ(spare_sockets(profile.network), 2U + 64U);
  EXPECT_EQ(spares_note(profile.network), "");
  for (int i = 0; i < 500; ++i) allow(profile, "n" + std::to_string(i) + ".example:9000");
  EXPECT_LE(2 * spare_sockets(profile.network) + 9, control::kMaxDescriptors);
  EXPECT_NE(spares_note(profile.network).find("have a port of their own"), std::string::npos);
}

TEST(SshPort, IsLeftToAForwardOfTheUsers) {
  for (const bool published : {false, true}) {
    Profile profile;
    allow(profile, "ssh://git.example");
    EXPECT_TRUE(ways_in(profile.network).ssh);
    EXPECT_EQ(ways_in(profile.network).spares, 0U);
    auto& ports = published ? profile.network.publish : profile.network.forward;
    ports.push_back({Transport::kTcp, 2222, 22, {}});
    EXPECT_FALSE(ways_in(profile.network).ssh);
    EXPECT_EQ(ways_in(profile.network).spares, 1U) << "for the address of git.example";
  }
}

TEST(Discover, SaysOnWhichPortsItSees) {
  Profile profile;
  EXPECT_EQ(discover_note(profile.network), "");
  profile.network.mode.value = NetworkMode::kDiscover;
  EXPECT_THAT(discover_note(profile.network),
              HasSubstr("ports 80 and 443 of every host, and ssh on 22; on other ports"));
  profile.network.forward.push_back({Transport::kTcp, 2222, 22, {}});
  EXPECT_THAT(discover_note(profile.network), HasSubstr("443 of every host; on other ports"));
}

TEST(EndOfRun, NamesTheRefusedInOneLine) {
  EXPECT_EQ(refused_line({}), "");
  EXPECT_EQ(refused_line({{"a.example", 1, "a.example"}}),
            "1 host refused: a.example; `redoubtful allow HOST`, `redoubtful audit`");
  EXPECT_EQ(refused_line({{"a.example", 1, ""}, {"b.example", 9, ""}}),
            "2 hosts refused: b.example, a.example; `redoubtful audit`");
  std::vector<control::RefusedHost> many;
  for (int i = 0; i < 9; ++i) many.push_back({"h" + std::to_string(i) + ".example", 1, ""});
  EXPECT_THAT(refused_line(many), HasSubstr("h4.example and 4 more; "));
  EXPECT_THAT(refused_line({{"a\x1b[31m", 1, ""}}), Not(HasSubstr("\x1b")));
}

TEST(EndOfRun, DiscoveredRulesAreYaml) {
  EXPECT_EQ(rules_yaml({"a.example", "*.b.example:8443"}),
            "network:\n  allow:\n    - \"a.example\"\n    - \"*.b.example:8443\"\n");
}

}  // namespace
}  // namespace redoubtful::cli
