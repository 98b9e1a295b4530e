#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/guarded_project.hpp"

namespace redoubtful::cli {
namespace {

using test::git;
using test::ScratchTree;
using testing::HasSubstr;

using Paths = std::vector<std::string>;
using Kind = GuardTarget::Kind;

TEST_F(GuardSnapshotTest, ExistingGuardedFilesAreReadOnlyAndTheirParentsPinned) {
  write(".envrc", "");
  write("pkg/a/.vscode/tasks.json", "{}");
  write("node_modules/x/.vscode/tasks.json", "{}");
  start();
  EXPECT_THAT(targets(Kind::kReadOnly),
              testing::IsSupersetOf({".envrc", ".git/hooks", "pkg/a/.vscode/tasks.json"}));
  EXPECT_EQ(targets(Kind::kPin), (Paths{".git", "pkg", "pkg/a", "pkg/a/.vscode"}));
  // Parents stand before what lies in them.
  const auto& all = snapshot_->targets(0);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const auto& a, const auto& b) { return a.path < b.path; }));
}

TEST_F(GuardSnapshotTest, EveryRepositoryIsGuarded) {
  run("", {"init", "-q", "nested"});
  run("", {"init", "-q", "--bare", "store"});
  run("", {"clone", "-q", "--bare", ".", "mirror"});
  tree_.make_directory("lib");
  ASSERT_EQ(git(tree_.at("lib"), {"init", "-q"}).status, 0);
  ASSERT_EQ(git(tree_.at("lib"), {"commit", "-q", "--allow-empty", "-m", "x"}).status, 0);
  run("", {"submodule", "add", "-q", tree_.at("lib"), "sub"});
  run("", {"worktree", "add", "-q", "wt"});
  start();
  EXPECT_THAT(targets(Kind::kReadOnly),
              testing::IsSupersetOf({".git/hooks", "nested/.git/hooks", "store/hooks",
                                     "mirror/hooks", ".git/modules/sub/hooks"}));
  EXPECT_THAT(targets(Kind::kPin),
              testing::IsSupersetOf(
                  {".git", ".git/modules", ".git/modules/sub", "nested", "nested/.git", "store"}));
  // Bound, they could not be removed: `git worktree remove wt` must go.
  EXPECT_THAT(targets(Kind::kReadOnly), testing::Not(testing::Contains("wt/.git")));
  EXPECT_THAT(targets(Kind::kPin), testing::Not(testing::Contains("wt")));
}

TEST_F(GuardSnapshotTest, AWorktreesPointerThatIsTurnedAwayIsUndone) {
  run("", {"worktree", "add", "-q", "wt"});
  run("", {"worktree", "add", "-q", "honest"});
  tree_.write("p/away/.git", "gitdir: " + tree_.at("elsewhere") + "\n");
  start();
  write("wt/.git", "gitdir: " + tree_.at("evil") + "\n");
  const GuardReport report = finish();
  EXPECT_EQ(report.undone, 1U);
  EXPECT_FALSE(has("wt/.git"));
  EXPECT_TRUE(tree_.has(undone("wt/.git")));
  EXPECT_TRUE(has("honest/.git")) << "control: it leads to a repository of the project";
  EXPECT_TRUE(has("away/.git")) << "control: it led there before the run";
}

TEST_F(GuardSnapshotTest, NothingIsSaidAfterOrdinaryWork) {
  tree_.make_directory("lib");
  ASSERT_EQ(git(tree_.at("lib"), {"init", "-q"}).status, 0);
  ASSERT_EQ(git(tree_.at("lib"), {"commit", "-q", "--allow-empty", "-m", "x"}).status, 0);
  write(".vscode/settings.json", "{}");
  start();
  run("", {"config", "user.name", "somebody"});
  run("", {"remote", "add", "origin", "https://example.test/x.git"});
  run("", {"checkout", "-q", "-b", "work"});
  write("g", "y");
  run("", {"add", "g"});
  run("", {"commit", "-qm", "y"});
  run("", {"tag", "v1"});
  run("", {"stash", "list"});
  run("", {"submodule", "add", "-q", tree_.at("lib"), "sub"});
  run("", {"commit", "-qm", "s"});
  run("", {"worktree", "add", "-q", "wt", "-b", "other"});
  run("", {"sparse-checkout", "set", "--no-cone", "/*"});
  run("", {"clone", "-q", ".", "copy"});
  run("", {"init", "-q", "new"});
  run("", {"gc", "-q"});
  const GuardReport report = finish();
  EXPECT_TRUE(report.lines.empty()) << report.lines[0];
  EXPECT_FALSE(tree_.has("state"));
}

// T1: what was absent is created by the run.
TEST_F(GuardSnapshotTest, T1EveryNameThatRunsByItselfIsUndone) {
  start();
  const Paths planted = {".envrc",
                         ".vscode/tasks.json",
                         ".vscode/settings.json",
                         ".vscode/launch.json",
                         ".idea",
                         ".claude/settings.json",
                         ".claude/settings.local.json",
                         ".mcp.json",
                         ".cursor",
                         ".codex",
                         ".opencode",
                         "opencode.json",
                         ".gemini",
                         ".redoubtful.yaml",
                         ".husky",
                         ".devcontainer",
                         ".githooks",
                         ".git/info/attributes",
                         "x.code-workspace",
                         "deep/down/.envrc",
                         "deep/.claude/commands",
                         ".git/hooks/post-commit",
                         ".pre-commit-config.yaml",
                         ".exrc",
                         "mise.toml",
                         ".git/commondir",
                         ".git/remotes/origin"};
  for (const auto& path : planted) write(path, "evil", 0755);
  const GuardReport report = finish();
  std::string all;
  for (const auto& line : report.lines) all += line + "\n";
  for (const auto& path : planted) {
    // An existing hooks directory is read-only inside; the test writes past that wall.
    if (path == ".git/hooks/post-commit") continue;
    EXPECT_FALSE(has(path)) << path;
    EXPECT_TRUE(tree_.has(undone(path))) << path;
    EXPECT_THAT(all, HasSubstr("/" + path));
  }
  EXPECT_EQ(report.failed, 0u);
  const std::string index = tree_.read("state/undone/s1/index.json");
  EXPECT_THAT(index, HasSubstr("\"from\": \"" + tree_.at("p/.envrc") + "\""));
  struct stat info {};
  ASSERT_EQ(::stat(tree_.at("state/undone/s1").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

// T4: every vector, in every kind of repository.
TEST_F(GuardSnapshotTest, T4HooksAndKeysAreFoundInEveryKindOfRepository) {
  run("", {"init", "-q", "nested"});
  run("", {"init", "-q", "--bare", "known.git"});
  std::filesystem::remove_all(tree_.at("p/nested/.git/hooks"));
  std::filesystem::remove_all(tree_.at("p/known.git/hooks"));
  start();
  run("", {"init", "-q", "fresh"});
  for (const char* part : {"HEAD", "objects/x", "refs/x"}) {
    write(std::string("looks/bare/") + part, "ref: refs/heads/main\n");
  }
  const Paths repositories = {"nested/.git", "known.git", "fresh/.git", "looks/bare"};
  for (const auto& repository : repositories) {
    write(repository + "/hooks/post-checkout", "#!/bin/sh\n", 0755);
    write(repository + "/hooks/fine.sample", "#!/bin/sh\n", 0755);
    write(repository + "/config",
          read(repository + "/config") + "[core]\n\tfsmonitor = ./evil\n[diff]\n\texternal = e\n");
    write(repository + "/config.worktree", "[core]\n\thooksPath = /tmp\n");
    write(repository + "/info/attributes", "* filter=x\n");
  }
  const GuardReport report = finish();
  for (const auto& repository : repositories) {
    EXPECT_FALSE(has(repository + "/hooks/post-checkout")) << repository;
    EXPECT_TRUE(has(repository + "/hooks/fine.sample")) << repository;
    EXPECT_TRUE(tree_.has(undone(repository + "/hooks/post-checkout")));
    EXPECT_EQ(read(repository + "/config").find("evil"), std::string::npos) << repository;
    EXPECT_EQ(read(repository + "/config").find("external"), std::string::npos) << repository;
    EXPECT_EQ(read(repository + "/config.worktree").find("hooksPath"), std::string::npos);
    EXPECT_FALSE(has(repository + "/info/attributes")) << repository;
    EXPECT_TRUE(tree_.has(undone(repository + "/config")));
  }
  EXPECT_EQ(report.failed, 0u);
  EXPECT_EQ(report.undone, 4 * repositories.size());
}

TEST_F(GuardSnapshotTest, AHookPreparedInAnEarlierRunIsStillNew) {
  // Both exist before the run, and renaming does not touch the hook's time stamps.
  write("stash/hooks/post-commit", "#!/bin/sh\n", 0755);
  write("node_modules/a/.vscode/tasks.json", "evil");
  start();
  run("", {"init", "-q", "fresh"});
  std::filesystem::remove_all(tree_.at("p/fresh/.git/hooks"));
  std::filesystem::rename(tree_.at("p/stash/hooks"), tree_.at("p/fresh/.git/hooks"));
  std::filesystem::rename(tree_.at("p/node_modules/a/.vscode"), tree_.at("p/.vscode"));
  finish();
  EXPECT_FALSE(has("fresh/.git/hooks/post-commit"));
  EXPECT_FALSE(has(".vscode/tasks.json"));
}

TEST_F(GuardSnapshotTest, PointersMustLeadToARepositoryOfTheProject) {
  start();
  ScratchTree elsewhere;
  for (const char* part : {"HEAD", "objects/x", "refs/x"}) {
    elsewhere.write(std::string("g/") + part, "");
  }
  write("a/.git", "gitdir: " + elsewhere.at("g") + "\n");
  write("b/.git", "gitdir: ../../../../../../../etc\n");
  write("c/.git", "nonsense");
  tree_.link(elsewhere.at("g"), "p/d/.git");
  // Inside the project, and so judged itself.
  run("", {"init", "-q", "--separate-git-dir", "store", "e"});
  write("store/hooks/post-commit", "", 0755);
  // A worktree whose commondir leads away.
  run("", {"worktree", "add", "-q", "wt"});
  write(".git/worktrees/wt/commondir", elsewhere.at("g") + "\n");
  const GuardReport report = finish();
  for (const char* path : {"a/.git", "b/.git", "c/.git", "d/.git", ".git/worktrees/wt/commondir"}) {
    EXPECT_FALSE(has(path)) << path;
    EXPECT_TRUE(tree_.has(undone(path))) << path;
  }
  EXPECT_TRUE(has("e/.git"));
  EXPECT_FALSE(has("store/hooks/post-commit"));
  EXPECT_EQ(report.undone, 6u);
}

TEST_F(GuardSnapshotTest, AChangedCommondirIsPutBack) {
  run("", {"worktree", "add", "-q", "wt"});
  start();
  write(".git/worktrees/wt/commondir", "/tmp/evil\n");
  const GuardReport report = finish();
  EXPECT_EQ(read(".git/worktrees/wt/commondir"), "../..\n");
  EXPECT_EQ(report.undone, 1u);
  EXPECT_EQ(git(tree_.at("p/wt"), {"status"}).status, 0);
}

TEST_F(GuardSnapshotTest, AGuardedSymlinkIsPinnedFollowedWithinTheMountAndPutBack) {
  write("shared/hooks/pre-commit", "#!/bin/sh\n", 0755);
  std::filesystem::remove_all(tree_.at("p/.git/hooks"));
  tree_.link("../shared/hooks", "p/.git/hooks");
  write("settings/tasks.json", "{}");
  tree_.link("settings", "p/.vscode");
  tree_.link("/nonexistent/envrc", "p/.envrc");
  start();
  EXPECT_THAT(targets(Kind::kReadOnly), testing::IsSupersetOf({"shared/hooks", "settings"}));
  EXPECT_THAT(targets(Kind::kPin), testing::IsSupersetOf({".git", "shared"}));
  ASSERT_EQ(snapshot_->warnings().size(), 1u);
  EXPECT_THAT(snapshot_->warnings()[0], HasSubstr(".envrc"));
  std::filesystem::remove(tree_.at("p/.git/hooks"));
  write(".git/hooks/pre-commit", "evil", 0755);
  std::filesystem::remove(tree_.at("p/.vscode"));
  tree_.link("evil", "p/.vscode");
  write("evil/tasks.json", "{}");
  finish();
  EXPECT_EQ(std::filesystem::read_symlink(tree_.at("p/.git/hooks")), "../shared/hooks");
  EXPECT_EQ(std::filesystem::read_symlink(tree_.at("p/.vscode")), "settings");
}

TEST_F(GuardSnapshotTest, ANewSymlinkInPlaceOfAGuardedDirectoryIsUndone) {
  start();
  write("x/tasks.json", "{}");
  tree_.link("x", "p/.vscode");
  tree_.link("x", "p/.claude");
  finish();
  EXPECT_FALSE(has(".vscode"));
  EXPECT_FALSE(has(".claude"));
}

TEST_F(GuardSnapshotTest, WhatTheUsersOwnConfigurationLeadsToIsGuarded) {
  write("tools/hooks/pre-commit", "", 0755);
  write("git/shared.config", "[alias]\n\tx = !y\n");
  run("", {"config", "core.hooksPath", "tools/hooks"});
  run("", {"config", "include.path", "../git/shared.config"});
  run("", {"config", "core.attributesFile", "git/attributes"});
  start();
  EXPECT_THAT(targets(Kind::kReadOnly),
              testing::IsSupersetOf({"tools/hooks", "git/shared.config"}));
  write("git/attributes", "* filter=x\n");
  const GuardReport report = finish();
  EXPECT_EQ(report.undone, 1u);
  EXPECT_FALSE(has("git/attributes"));
}

TEST_F(GuardSnapshotTest, PermissionsDoNotHideARepositoryFromTheCheck) {
  start();
  run("", {"init", "-q", "shy"});
  write("shy/.git/hooks/post-commit", "", 0755);
  write(".idea/workspace.xml", "");
  ::chmod(tree_.at("p/.idea").c_str(), 0500);
  ::chmod(tree_.at("p/shy/.git/hooks").c_str(), 0100);
  ::chmod(tree_.at("p/shy/.git").c_str(), 0100);
  ::chmod(tree_.at("p/shy").c_str(), 0311);
  const GuardReport report = finish();
  struct stat info {};
  ASSERT_EQ(::stat(tree_.at("p/shy").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0311u) << "the mode is given back";
  for (const char* path : {"p/shy", "p/shy/.git", "p/shy/.git/hooks"}) {
    ::chmod(tree_.at(path).c_str(), 0700);
  }
  EXPECT_FALSE(has("shy/.git/hooks/post-commit"));
  EXPECT_FALSE(has(".idea"));
  EXPECT_EQ(report.failed, 0u) << report.lines[0];
}

TEST_F(GuardSnapshotTest, AFloodOfPlantedFilesAndClosedDirectoriesIsHandled) {
  start();
  for (int i = 0; i < 300; ++i) {
    const std::string directory = "d" + std::to_string(i);
    write(directory + "/.envrc", "evil");
    ::chmod(tree_.at("p/" + directory).c_str(), 0300);
  }
  const GuardReport report = finish();
  EXPECT_EQ(report.undone, 300u);
  EXPECT_EQ(report.failed, 0u);
  ASSERT_EQ(report.lines.size(), 51u);
  EXPECT_THAT(report.lines.back(), HasSubstr("250 more"));
}

TEST_F(GuardSnapshotTest, AConfigThatGitCannotReadGoesBack) {
  start();
  const std::string before = read(".git/config");
  write(".git/config", before + "[broken\n");
  const GuardReport report = finish();
  EXPECT_EQ(read(".git/config"), before);
  ASSERT_EQ(report.lines.size(), 1u);
  EXPECT_THAT(report.lines[0], HasSubstr("cannot be read for certain"));
}

TEST_F(GuardSnapshotTest, AConfigReplacedByALinkOrAHugeFileGoesBack) {
  start();
  const std::string before = read(".git/config");
  std::filesystem::remove(tree_.at("p/.git/config"));
  tree_.link("/etc/passwd", "p/.git/config");
  finish();
  EXPECT_EQ(read(".git/config"), before);
  EXPECT_FALSE(std::filesystem::is_symlink(tree_.at("p/.git/config")));
}

TEST_F(GuardSnapshotTest, AHardLinkThatChangedAGuardedFileIsReported) {
  write("other-name", "{}");
  std::filesystem::create_directories(tree_.at("p/.vscode"));
  std::filesystem::create_hard_link(tree_.at("p/other-name"), tree_.at("p/.vscode/tasks.json"));
  start();
  write("other-name", "{\"evil\": 1}");
  const GuardReport report = finish();
  ASSERT_EQ(report.lines.size(), 1u);
  EXPECT_THAT(report.lines[0], HasSubstr("hard links"));
}

TEST_F(GuardSnapshotTest, ARebaseThatWillExecuteIsReported) {
  start();
  write(".git/rebase-merge/git-rebase-todo", "pick abc x\nexec evil\n");
  const GuardReport report = finish();
  ASSERT_EQ(report.lines.size(), 1u);
  EXPECT_THAT(report.lines[0], HasSubstr("exec evil"));
}

TEST_F(GuardSnapshotTest, CoreWorktreeIsASubmodulesOwnAndNothingElse) {
  start();
  run("", {"config", "core.worktree", tree_.at("p")});
  for (const char* part : {"HEAD", "objects/x", "refs/x"}) {
    write(std::string(".git/modules/m/") + part, "");
    write(std::string(".git/modules/n/") + part, "");
  }
  write(".git/modules/m/config", "[core]\n\tworktree = ../../../sub\n");
  write(".git/modules/n/config", "[core]\n\tworktree = ../../../../..\n");
  finish();
  EXPECT_EQ(read(".git/config").find("worktree"), std::string::npos);
  EXPECT_NE(read(".git/modules/m/config").find("worktree"), std::string::npos);
  EXPECT_EQ(read(".git/modules/n/config").find("worktree"), std::string::npos);
}

TEST_F(GuardSnapshotTest, WhatIsTakenOffIsLeftAlone) {
  const Sourced<std::string> off[] = {{"!.husky", {}}, {"!.git/hooks", {}}, {"own.sh", {}}};
  rules_ = GuardRules::build(off).value();
  start();
  write(".husky/pre-commit", "");
  run("", {"init", "-q", "fresh"});
  write("fresh/.git/hooks/pre-commit", "", 0755);
  write("deep/own.sh", "");
  const GuardReport report = finish();
  EXPECT_TRUE(has(".husky/pre-commit"));
  EXPECT_TRUE(has("fresh/.git/hooks/pre-commit"));
  EXPECT_FALSE(has("deep/own.sh"));
  EXPECT_EQ(report.undone, 1u);
}

}  // namespace
}  // namespace redoubtful::cli
