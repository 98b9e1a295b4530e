#include "cli/allow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/layers.hpp"
#include "cli/project.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Allow : public testing::Test {
 protected:
  Allow() {
    tree_.write("builtin/base.yaml", "network: {mode: filtered}\n");
    project_ = tree_.directory("home/src/project");
  }

  std::string allowing(const std::string& rule, const std::string& profile = {},
                       const std::string& directory = "home/src/project") {
    auto said = allow(places_, {rule, profile, tree_.path(directory)});
    return said ? *said : "error: " + said.error().what() + "; " + said.error().hint();
  }
  std::string config(const std::string& name) const {
    return tree_.path("home/.config/redoubtful/" + name);
  }
  std::string write_config(const std::string& name, const std::string& yaml) const {
    return tree_.write("home/.config/redoubtful/" + name, yaml);
  }
  std::string project_file() const { return project_config_path(places_, project_); }
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static mode_t mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777U;
  }
  std::vector<std::string> allowed(const std::string& directory,
                                   std::vector<std::string> use = {}) {
    Selection selection;
    selection.use = std::move(use);
    selection.directory = tree_.path(directory);
    const auto composition = compose(places_, selection);
    EXPECT_TRUE(composition) << composition.error().what();
    std::vector<std::string> out;
    for (const auto& rule : composition->profile.network.allow) {
      out.push_back(rule.value.text + " " + rule.origin.text());
    }
    return out;
  }

  TemporaryTree tree_;
  Places places_ = tree_.places();
  std::string project_;
};

TEST_F(Allow, HoldsInThisProjectAndInNoOther) {
  const std::string said = allowing("a.example");
  const std::string file = places_.shown(project_file());
  EXPECT_EQ(said, "a.example is allowed in ~/src/project from the next run on\n  " + file +
                      ":4: - a.example\n");
  EXPECT_THAT(content(project_file()),
              ::testing::MatchesRegex("# For ~/src/project, [^\n]*\nnetwork:\n  allow:\n    - "
                                      "a.example\n"));
  EXPECT_EQ(mode(project_file()), 0600U);
  EXPECT_EQ(mode(config("projects")), 0700U);
  EXPECT_EQ(mode(config("")), 0700U);
  EXPECT_EQ(allowed("home/src/project"), std::vector<std::string>{"a.example " + file + ":4:7"});
  tree_.directory("home/src/other/project");
  EXPECT_TRUE(allowed("home/src/other/project").empty()) << "the same name elsewhere";
}

TEST_F(Allow, HoldsInEveryDirectoryOfTheWorkingTree) {
  tree_.directory("home/src/project/.git/objects");
  tree_.directory("home/src/project/.git/refs");
  tree_.write("home/src/project/.git/HEAD", "ref: refs/heads/main\n");
  tree_.directory("home/src/project/deep/er");
  allowing("a.example", "", "home/src/project/deep");
  EXPECT_TRUE(fs::exists(project_file()));
  EXPECT_EQ(allowed("home/src/project/deep/er").size(), 1U);
}

TEST_F(Allow, SaysSoWhenItIsAllowedAlready) {
  write_config("config.yaml", "network:\n  allow:\n    - '*.b.example'\n");
  allowing("a.example");
  const auto before = content(project_file());
  EXPECT_THAT(allowing("a.example"), HasSubstr("is already allowed in ~/src/project by a.example"));
  EXPECT_THAT(allowing("x.b.example"),
              HasSubstr("by *.b.example (~/.config/redoubtful/config.yaml:3:7)"));
  EXPECT_EQ(content(project_file()), before);
  EXPECT_THAT(allowing("a.example:8443"), HasSubstr("is allowed in")) << "another port is new";
}

TEST_F(Allow, IsRefusedWhereADenyOrAskWouldOverruleIt) {
  write_config("config.yaml",
               "network:\n  deny: [no.example, '*.never.example', 'https://tls.example',\n"
               "    {host: part.example, methods: [DELETE]}]\n  ask: [ask.example]\n");
  EXPECT_THAT(allowing("no.example"),
              AllOf(HasSubstr("error: no.example would stay refused: the deny rule \"no.example\""),
                    HasSubstr("~/.config/redoubtful/config.yaml:2:10"), HasSubstr("take that")));
  EXPECT_THAT(allowing("*.x.never.example"), HasSubstr("would stay refused"));
  EXPECT_THAT(allowing("http://no.example"), HasSubstr("would stay refused"));
  EXPECT_THAT(allowing("tcp://tls.example:443"), HasSubstr("would stay refused"));
  EXPECT_THAT(allowing("ask.example"), HasSubstr("the ask rule \"ask.example\""));
  EXPECT_FALSE(fs::exists(project_file()));
  // What is denied in part is allowed for the rest, and said.
  EXPECT_THAT(allowing("part.example"), HasSubstr("deny part.example still holds"));
  EXPECT_THAT(allowing("http://tls.example"), HasSubstr("is allowed"));
  EXPECT_THAT(allowing("*.example.org"), ::testing::Not(HasSubstr("still holds")));
}

TEST_F(Allow, LeavesItToTheUserWhichOfTwoRulesStays) {
  allowing("x.a.example");
  const auto before = content(project_file());
  EXPECT_THAT(allowing("*.a.example"),
              AllOf(HasSubstr("*.a.example covers \"x.a.example\""), HasSubstr(":4:7"),
                    HasSubstr("write \"*.a.example\" there in its place")));
  EXPECT_EQ(content(project_file()), before);
}

TEST_F(Allow, AddsToAProfileOfTheUsers) {
  const std::string file = write_config("profiles/mine.yaml",
                                        "commands: [mine]  # why\nnetwork:\n  allow:\n"
                                        "    - b.example  # for b\n");
  ::chmod(file.c_str(), 0640);
  EXPECT_THAT(allowing("a.example", "mine"),
              HasSubstr("in the profile mine from the next run on\n  "
                        "~/.config/redoubtful/profiles/mine.yaml:5: - a.example"));
  EXPECT_EQ(content(file),
            "commands: [mine]  # why\nnetwork:\n  allow:\n    - b.example  # for b\n"
            "    - a.example\n");
  EXPECT_EQ(mode(file), 0640U) << "as the user had it";
  EXPECT_FALSE(fs::exists(config("projects")));
}

TEST_F(Allow, ExtendsABuiltInProfileAndKeepsItsCommands) {
  tree_.write("builtin/agent.yaml",
              "commands: [agent, agent-cli]\narguments: [--fast]\nnetwork: {allow: [b.example]}\n");
  EXPECT_THAT(allowing("b.example", "agent"), HasSubstr("is already allowed"));
  EXPECT_FALSE(fs::exists(config("profiles")));
  EXPECT_THAT(allowing("a.example", "agent"), HasSubstr("is allowed in the profile agent"));
  EXPECT_EQ(content(config("profiles/agent.yaml")),
            "# agent, and what you add to it.\nextends: [builtin/agent]\n"
            "commands: [agent, agent-cli]\nnetwork:\n  allow:\n    - a.example\n");
  EXPECT_EQ(mode(config("profiles/agent.yaml")), 0600U);
  Selection selection;
  selection.command = {"agent-cli"};
  const auto chosen = compose(places_, selection);
  ASSERT_TRUE(chosen) << chosen.error().what();
  EXPECT_EQ(chosen->profile.network.allow.size(), 2U) << "the command still selects it";
  ASSERT_EQ(chosen->profile.arguments.size(), 1U);
}

TEST_F(Allow, ExtendsAProfileOfTheMachine) {
  const std::string system = tree_.write("etc/profiles/corp.yaml", "network: {allow: [b.corp]}\n");
  EXPECT_THAT(allowing("a.example", "corp"), HasSubstr("is allowed in the profile corp"));
  EXPECT_THAT(content(config("profiles/corp.yaml")), HasSubstr("extends: ["));
  EXPECT_EQ(allowed("home/src/project", {"corp"}).size(), 2U);
}

TEST_F(Allow, RefusesWhatIsNoRuleNoProfileNoProject) {
  EXPECT_THAT(allowing("https://a.example/path"), HasSubstr("error: "));
  EXPECT_THAT(allowing("*"), HasSubstr("error: "));
  EXPECT_THAT(allowing("a.example", "nodee"), HasSubstr("there is no profile"));
  EXPECT_THAT(allowing("a.example", "./x.yaml"), HasSubstr("is not the name of a profile"));
  EXPECT_THAT(allowing("a.example", "base"), HasSubstr("config.yaml"));
  EXPECT_THAT(allowing("a.example", "", "home/gone"), HasSubstr("there is no directory"));
  EXPECT_FALSE(fs::exists(config("projects")));
}

TEST_F(Allow, ABrokenFileIsNotTouched) {
  allowing("a.example");
  std::ofstream(project_file()) << "network: {alow: [a.example]}\n";
  EXPECT_THAT(allowing("b.example"), HasSubstr("unknown key"));
  EXPECT_EQ(content(project_file()), "network: {alow: [a.example]}\n");
}

TEST_F(Allow, AFileThatOthersMayWriteGrantsNothing) {
  allowing("a.example");
  ::chmod(project_file().c_str(), 0666);
  EXPECT_THAT(allowing("b.example"), HasSubstr("may be written by others"));
  Selection selection;
  selection.directory = project_;
  EXPECT_FALSE(compose(places_, selection));
}

TEST_F(Allow, FollowsTheLinkOfAUserWhoKeepsConfigurationElsewhere) {
  const std::string kept =
      tree_.write("home/dotfiles/mine.yaml", "network: {allow: [b.example]}\n");
  tree_.directory("home/.config/redoubtful/profiles");
  fs::create_symlink(kept, config("profiles/mine.yaml"));
  EXPECT_THAT(allowing("a.example", "mine"), HasSubstr("is allowed"));
  EXPECT_EQ(content(kept), "network: {allow: [a.example, b.example]}\n");
  EXPECT_TRUE(fs::is_symlink(config("profiles/mine.yaml")));
}

TEST_F(Allow, TwoAtOnceLoseNoRule) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] { allowing("host" + std::to_string(i) + ".example"); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(allowed("home/src/project").size(), 8U);
}

}  // namespace
}  // namespace redoubtful::cli
