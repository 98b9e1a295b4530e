#include "cli/project_look.hpp"

#include <gtest/gtest.h>

#include "cli/profile_loader.hpp"
#include "cli/project_init.hpp"
#include "cli/project_layers.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

using Names = std::vector<std::string>;

class Project : public testing::Test {
 protected:
  Project() {
    places_.home = tree_.directory("home");
    tree_.write("project/.git/HEAD", "ref: refs/heads/main\n");
    tree_.directory("project/.git/objects");
    tree_.directory("project/.git/refs");
  }
  void file(const std::string& name, const std::string& text = "") {
    tree_.write("project/" + name, text);
  }
  void remotes(const std::string& config) { tree_.write("project/.git/config", config); }
  ProjectLook look(const std::string& below = "") {
    return look_at_project(places_, tree_.path("project" + below)).value();
  }

  TemporaryTree tree_;
  Places places_ = tree_.places();
};

TEST_F(Project, ToolchainsAreThoseOfTheFilesAtItsTopAndHere) {
  file("package.json");
  file("Cargo.toml");
  file("web/go.mod");
  EXPECT_EQ(look().toolchains, (Names{"node", "rust"}));
  EXPECT_EQ(look().because, (Names{"package.json", "Cargo.toml"}));
  EXPECT_EQ(look("/web").toolchains, (Names{"node", "rust", "go"}));
}

TEST_F(Project, RemotesPickFromAFixedListAndOthersAreOnlyTold) {
  remotes(
      "[remote \"origin\"]\n\turl = git@github.com:me/p.git\n"
      "[remote \"up\"]\n\turl = https://evil.example/x.git\n\tpushurl = https://gitlab.com/me/p\n"
      "[remote \"here\"]\n\turl = ../other\n[branch \"main\"]\n\tremote = origin\n");
  const auto seen = look();
  ASSERT_EQ(seen.forges.size(), 2U);
  EXPECT_EQ(seen.forges[0].host, "github.com");
  EXPECT_EQ(seen.forges[1].host, "gitlab.com");
  ASSERT_EQ(seen.unknown.size(), 1U);
  EXPECT_EQ(seen.unknown[0].host, "evil.example");
  Names rules;
  for (const auto& rule : forge_layer(seen).allow) rules.push_back(rule.value.text);
  EXPECT_EQ(rules,
            (Names{"github.com", "codeload.github.com", "*.githubusercontent.com", "gitlab.com"}));
  const auto lines = unknown_lines(seen, {});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("redoubtful allow evil.example"), std::string::npos);
  NetworkProfile allowed;
  allowed.allow.push_back({HostRule::parse("evil.example").value(), {}});
  EXPECT_TRUE(unknown_lines(seen, allowed).empty());
}

TEST_F(Project, AConfigurationThatGitWouldRefuseNamesNothing) {
  remotes("[remote \"origin\"]\n\turl = https://github.com/x\n[broken\n");
  EXPECT_TRUE(look().forges.empty());
}

TEST(RemoteHost, IsReadAsGitReadsUrls) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"https://github.com/a/b.git", "github.com"},
      {"https://me:token@github.com:443/a", "github.com"},
      {"ssh://git@ssh.github.com:443/a/b", "ssh.github.com"},
      {"git@github.com:a/b", "github.com"},
      {"github.com:a/b", "github.com"},
      {"https://github.com@evil.example/a", "evil.example"},
      {"https://evil.example?@github.com/", "evil.example"},
      {"git@evil.example:github.com/a", "evil.example"},
      {"../x", ""},
      {"/srv/git:x", ""},
      {"file:///srv/x", ""},
      {"ext::sh -c evil", "ext"},  // no host of ours: a word without a dot
      {"https://[::1]/x", ""},
      {"", ""}};
  for (const auto& [url, host] : table) EXPECT_EQ(remote_host(url), host) << url;
  EXPECT_TRUE(forge_rules("ext").empty());
  EXPECT_TRUE(forge_rules("github.com.evil.example").empty());
}

TEST(SecretNames, AreKnownAndSamplesAreNot) {
  for (const auto* name :
       {".env", ".env.local", "prod.env", "id_ed25519", "server.pem", "tls.key", ".ENV"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const auto* name :
       {".env.example", "id_ed25519.pub", "env", "README", "keyboard", ".envrc"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST_F(Project, SecretsAreNamedOnceAndNotWhenHidden) {
  const std::vector<Sourced<std::string>> none;
  const auto first =
      name_secrets_once(places_, tree_.path("project"), {".env", "a.pem"}, none).value();
  EXPECT_NE(first.find(".env, a.pem"), std::string::npos) << first;
  EXPECT_EQ(name_secrets_once(places_, tree_.path("project"), {".env", "a.pem"}, none).value(), "");
  const auto more =
      name_secrets_once(places_, tree_.path("project"), {".env", "b.key"}, none).value();
  EXPECT_EQ(more.find(".env,"), std::string::npos) << more;
  EXPECT_NE(more.find("b.key"), std::string::npos);
  EXPECT_EQ(name_secrets_once(places_, tree_.path("other"), {".env"}, {{".env", {}}}).value(), "");
}

TEST_F(Project, InitWritesWhatLoadsAndGrantsOnlyWhatItSays) {
  file("pyproject.toml");
  file(".env", "A=1\n");
  file("it's.pem");
  remotes(
      "[remote \"origin\"]\n\turl = https://github.com/x\n[remote \"corp\"]\n\turl = "
      "https://git.corp.example/x\n");
  const auto said = write_project_profile(places_, tree_.path("project")).value();
  EXPECT_NE(said.find("redoubtful trust"), std::string::npos);
  std::ifstream stream(tree_.path("project/.redoubtful.yaml"));
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const auto layer = load_layer(text, "project", ".redoubtful.yaml");
  ASSERT_TRUE(layer) << layer.error().what() << text;
  ASSERT_EQ(layer->extends.size(), 1U);
  EXPECT_EQ(layer->extends[0].value, "python");
  ASSERT_EQ(layer->hide.size(), 2U);
  EXPECT_EQ(layer->hide[0].value, ".env");
  EXPECT_EQ(layer->allow.size(), 3U) << "github.com alone";
  const auto again = write_project_profile(places_, tree_.path("project"));
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().what().find("is there already"), std::string::npos);
}

TEST(ProjectProfileText, LoadsForAnyProject) {
  for (const bool toolchain : {false, true}) {
    for (const bool secret : {false, true}) {
      for (const bool tracked : {false, true}) {
        for (const bool remote : {false, true}) {
          ProjectLook look;
          look.top = "/home/me/a \"b\"\n#c";
          if (toolchain) look.toolchains = {"node"}, look.because = {"package.json"};
          if (secret) look.secret_files = {".env"};
          if (remote) look.unknown = {{"or\nigin", "git.example"}};
          const auto text = project_profile_text(look, tracked ? Names{".env"} : Names{});
          const auto layer = load_layer(text, "project", "x");
          ASSERT_TRUE(layer) << layer.error().what() << text;
          EXPECT_EQ(layer->hide.size(), secret && !tracked ? 1U : 0U);
          EXPECT_TRUE(layer->allow.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace redoubtful::cli
