#include "cli/layers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/profile_store.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

class Layers : public testing::Test {
 protected:
  Layers() { tree_.write("builtin/base.yaml", "network: {mode: filtered}\n"); }

  void profile(const std::string& name, const std::string& yaml) {
    tree_.write("home/.config/redoubtful/profiles/" + name + ".yaml", yaml);
  }
  void builtin(const std::string& name, const std::string& yaml) {
    tree_.write("builtin/" + name + ".yaml", yaml);
  }
  void system(const std::string& name, const std::string& yaml) {
    tree_.write("etc/profiles/" + name + ".yaml", yaml);
  }
  Result<Composition> with(std::vector<std::string> use, std::vector<std::string> command = {}) {
    Selection selection;
    selection.use = std::move(use);
    selection.command = std::move(command);
    selection.directory = tree_.directory("project");
    selection.flags.name = "command line";
    return compose(places_, selection);
  }
  std::vector<std::string> order(const Composition& composition) {
    std::vector<std::string> names;
    for (const auto& layer : composition.profile.layers) names.push_back(layer.name);
    return names;
  }
  std::string why(const Result<Composition>& result) {
    return result ? "accepted" : result.error().what();
  }

  TemporaryTree tree_;
  Places places_ = tree_.places();
};

using Names = std::vector<std::string>;

TEST_F(Layers, StandInTheOrderOfTheDesign) {
  tree_.write("etc/config.yaml", "filesystem: {cwd: ro}\n");
  tree_.write("home/.config/redoubtful/config.yaml", "filesystem: {home: persistent}\n");
  profile("a", "environment: {pass: [A]}\n");
  profile("b", "environment: {pass: [B]}\nfilesystem: {cwd: rw}\n");
  const auto composition = with({"a", "b"}).value();
  EXPECT_EQ(order(composition), (Names{"base", "system configuration", "user configuration", "a",
                                       "b", "command line"}));
  const auto& profile = composition.profile;
  EXPECT_EQ(profile.filesystem.cwd.value, MountMode::kReadWrite);
  EXPECT_EQ(profile.filesystem.cwd.origin.text(), "~/.config/redoubtful/profiles/b.yaml:2:19");
  EXPECT_EQ(profile.filesystem.home.value, HomeMode::kPersistent);
  ASSERT_EQ(profile.environment.pass.size(), 2U);
  EXPECT_EQ(profile.environment.pass[1].value, "B");
}

TEST_F(Layers, AreAppliedDepthFirstAndOnce) {
  profile("d", "environment: {pass: [D]}\n");
  profile("b", "extends: [d]\n");
  profile("c", "extends: [d]\n");
  profile("a", "extends: [b, c]\n");
  const auto composition = with({"a", "d", "a"}).value();
  EXPECT_EQ(order(composition), (Names{"base", "d", "b", "c", "a", "command line"}));
  EXPECT_EQ(composition.profile.environment.pass.size(), 1U);
}

TEST_F(Layers, RefuseCirclesAndShowThem) {
  profile("a", "extends: [b]\n");
  profile("b", "extends: [c]\n");
  profile("c", "extends: [b]\n");
  const auto text = why(with({"a"}));
  EXPECT_NE(text.find("b.yaml -> ~/.config/redoubtful/profiles/c.yaml -> "
                      "~/.config/redoubtful/profiles/b.yaml"),
            std::string::npos)
      << text;
  profile("self", "extends: [self]\n");
  EXPECT_NE(why(with({"self"})).find("self.yaml -> "), std::string::npos);
}

TEST_F(Layers, BuiltinNamesWhatANearerFileReplaces) {
  builtin("claude", "environment: {pass: [BUILTIN]}\n");
  system("claude", "environment: {pass: [SYSTEM]}\n");
  EXPECT_EQ(with({"claude"})->profile.environment.pass.at(0).value, "SYSTEM");
  profile("claude", "extends: [builtin/claude]\nenvironment: {pass: [MINE]}\n");
  const auto pass = with({"claude"}).value().profile.environment.pass;
  ASSERT_EQ(pass.size(), 2U);
  EXPECT_EQ(pass[0].value, "BUILTIN");
  EXPECT_EQ(pass[1].value, "MINE");
}

TEST_F(Layers, FilesAreNamedWithASlash) {
  const auto file = tree_.write("x/mine.yaml", "environment: {pass: [X]}\n");
  EXPECT_EQ(with({file})->profile.environment.pass.at(0).value, "X");
  EXPECT_NE(why(with({tree_.path("x/absent.yaml")})).find("does not exist"), std::string::npos);
  profile("relative", "extends: [./x.yaml]\n");
  EXPECT_NE(why(with({"relative"})).find("relative.yaml:1:11: extends names \"./x.yaml\""),
            std::string::npos)
      << why(with({"relative"}));
}

TEST_F(Layers, AnUnknownProfileNamesTheNearest) {
  builtin("claude", "");
  const auto unknown = with({"cluade"});
  EXPECT_EQ(unknown.error().code(), Errc::kInvalidProfile);
  EXPECT_NE(why(unknown).find("\"cluade\" (did you mean claude?)"), std::string::npos)
      << why(unknown);
  profile("a", "extends: [cluade]\n");
  EXPECT_NE(why(with({"a"})).find("a.yaml:1:11: there is no profile \"cluade\""),
            std::string::npos);
  for (const std::string& name :
       {std::string("../x"), std::string(".."), std::string("A"), std::string(4096, 'a'),
        std::string("builtin/../x"), std::string("a\nb"), std::string("\xff")}) {
    EXPECT_EQ(with({name}).error().code(), Errc::kInvalidProfile) << name;
    EXPECT_LT(why(with({name})).size(), 400U);
  }
}

TEST_F(Layers, FilesThatOthersMayWriteAreRefused) {
  const auto file = tree_.write("home/.config/redoubtful/config.yaml", "");
  EXPECT_TRUE(with({}));
  ::chmod(file.c_str(), 0664);
  EXPECT_NE(why(with({})).find("may be written by others"), std::string::npos);
  ::chmod(file.c_str(), 0646);
  EXPECT_FALSE(with({}));
  ::chmod(file.c_str(), 0644);
  const auto directory = tree_.path("home/.config/redoubtful");
  ::chmod(directory.c_str(), 0777);
  EXPECT_FALSE(with({}));
  ::chmod(directory.c_str(), 0755);
  EXPECT_TRUE(with({}));
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
    EXPECT_NE(why(with({})).find("belongs to user 12345"), std::string::npos);
  }
}

TEST_F(Layers, WhatIsNoFileIsAnError) {
  tree_.directory("home/.config/redoubtful/profiles/dir.yaml");
  EXPECT_NE(why(with({"dir"})).find("not a regular file"), std::string::npos) << why(with({"dir"}));
  ASSERT_EQ(::mkfifo(tree_.path("home/.config/redoubtful/profiles/fifo.yaml").c_str(), 0600), 0);
  EXPECT_NE(why(with({"fifo"})).find("not a regular file"), std::string::npos);
  ASSERT_EQ(
      ::symlink("loop.yaml", tree_.path("home/.config/redoubtful/profiles/loop.yaml").c_str()), 0);
  EXPECT_NE(why(with({"loop"})).find("Too many levels of symbolic links"), std::string::npos)
      << why(with({"loop"}));
}

TEST_F(Layers, ACommandSelectsTheProfileThatClaimsIt) {
  profile("mine", "commands: [agent, other]\n");
  builtin("claude", "commands: [claude]\n");
  builtin("tool", "commands: []\n");
  EXPECT_EQ(order(*with({}, {"agent"})), (Names{"base", "mine", "command line"}));
  EXPECT_EQ(with({}, {"agent"})->notices.size(), 1U);
  EXPECT_EQ(order(*with({}, {"claude", "-p"})), (Names{"base", "claude", "command line"}));
  for (const auto& command :
       {Names{"/usr/bin/agent"}, Names{"./agent"}, Names{"tool"}, Names{"true"}, Names{"\xff"},
        Names{""}, Names{}, Names{std::string(4096, 'a')}}) {
    EXPECT_EQ(order(*with({}, command)), (Names{"base", "command line"}));
  }
  EXPECT_EQ(order(*with({"claude"}, {"agent"})), (Names{"base", "claude", "command line"}))
      << "-u chooses; nothing is added";
}

TEST_F(Layers, OfTwoClaimsTheNearerOrTheNamesakeWins) {
  builtin("agent", "commands: [agent]\n");
  system("sys", "commands: [agent]\n");
  EXPECT_EQ(order(*with({}, {"agent"}))[1], "sys");
  profile("zzz", "commands: [agent]\n");
  EXPECT_EQ(order(*with({}, {"agent"}))[1], "zzz");
  profile("aaa", "commands: [agent]\n");
  EXPECT_NE(why(with({}, {"agent"})).find("both claim the command"), std::string::npos);
  profile("agent", "commands: [agent]\n");
  EXPECT_EQ(order(*with({}, {"agent"}))[1], "agent");
}

TEST_F(Layers, AReplacedProfileClaimsNothing) {
  builtin("agent", "commands: [agent]\n");
  profile("agent", "description: claims nothing\n");
  EXPECT_EQ(order(*with({}, {"agent"})), (Names{"base", "command line"}));
}

TEST_F(Layers, ABrokenProfileDoesNotStopCommandsItDoesNotMention) {
  profile("broken", "commands: [nonsense\n");
  EXPECT_TRUE(with({}, {"true"}));
  EXPECT_FALSE(with({}, {"nonsense"}));
}

TEST_F(Layers, ArgumentsAreForTheClaimedCommandOnly) {
  builtin("claude", "commands: [claude]\narguments: [--yes]\n");
  profile("mine", "extends: [claude]\narguments: [--model, x]\n");
  const auto arguments = [&](Names use, Names command) {
    Names words;
    const auto composition = with(std::move(use), std::move(command)).value();
    for (const auto& word : composition.profile.arguments) words.push_back(word.value);
    return words;
  };
  EXPECT_EQ(arguments({"mine"}, {"claude"}), (Names{"--yes", "--model", "x"}));
  EXPECT_EQ(arguments({"mine"}, {"/opt/bin/claude"}), (Names{"--yes", "--model", "x"}));
  EXPECT_EQ(arguments({"mine"}, {"bash"}), Names{});
  EXPECT_EQ(arguments({"mine"}, {}), Names{});
}

TEST_F(Layers, ALaterLayersPathStandsInFront) {
  profile("a", "filesystem: {path: [/a1, /a2]}\n");
  profile("b", "filesystem: {path: [/b]}\n");
  const auto composition = with({"a", "b"}).value();
  const auto& path = composition.profile.filesystem.path;
  ASSERT_EQ(path.size(), 3U);
  EXPECT_EQ(path[0].value + path[1].value + path[2].value, "/b/a1/a2");
}

TEST_F(Layers, TheProjectsOwnProfileIsIgnoredAndMentioned) {
  tree_.write("project/.redoubtful.yaml", "network: {mode: dangerously-open}\n");
  tree_.directory("project/.git");
  tree_.directory("project/sub");
  Selection selection;
  for (const auto* directory : {"project", "project/sub"}) {
    selection.directory = tree_.path(directory);
    const auto composition = compose(places_, selection).value();
    EXPECT_EQ(composition.profile.network.mode.value, NetworkMode::kFiltered);
    ASSERT_EQ(composition.notices.size(), 1U) << directory;
    EXPECT_NE(composition.notices[0].find("project/.redoubtful.yaml"), std::string::npos);
  }
  selection.directory = tree_.directory("project/sub/checkout");
  tree_.directory("project/sub/checkout/.git");
  EXPECT_TRUE(compose(places_, selection)->notices.empty());
}

TEST_F(Layers, DangerouslyOpenCannotStandBesideADeny) {
  profile("open", "network: {mode: dangerously-open}\n");
  profile("deny", "network: {deny: [a.example]}\n");
  profile("ask", "network: {ask: [a.example]}\n");
  EXPECT_TRUE(with({"open"}));
  for (const auto& use : {Names{"open", "deny"}, Names{"deny", "open"}, Names{"ask", "open"}}) {
    EXPECT_NE(why(with(use)).find("dangerously-open"), std::string::npos);
  }
}

TEST_F(Layers, ALaterLayerTurnsTheHostsLogOffAgain) {
  tree_.write("etc/config.yaml", "audit: {syslog: true}\n");
  profile("quiet", "audit: {syslog: false}\n");
  EXPECT_FALSE(with({}).value().profile.audit.syslog.origin.text().empty());
  EXPECT_TRUE(with({}).value().profile.audit.syslog.value);
  EXPECT_FALSE(with({"quiet"}).value().profile.audit.syslog.value);
  EXPECT_EQ(with({"quiet"}).value().profile.audit.syslog.origin.text(),
            "~/.config/redoubtful/profiles/quiet.yaml:1:17");
}

TEST_F(Layers, WithoutAProxyTheHostsLogIsToldNothingAndThatIsSaid) {
  profile("open", "network: {mode: dangerously-open}\naudit: {syslog: true}\n");
  const auto notices = with({"open"}).value().notices;
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("open.yaml:2:17"), std::string::npos) << notices[0];
}

TEST_F(Layers, WithoutTheBuiltInBaseNothingStarts) {
  places_.builtin_profiles = tree_.path("nowhere");
  EXPECT_EQ(with({}).error().code(), Errc::kMissingProgram);
}

}  // namespace
}  // namespace redoubtful::cli
