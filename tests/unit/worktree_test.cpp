#include "cli/worktree.hpp"

#include "cli/jj_workspace.hpp"
#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::git;
using test::ScratchTree;

class WorktreeTest : public testing::Test {
 protected:
  WorktreeTest() {
    tree_.make_directory("home");
    tree_.make_directory("main");
    limits_.home = tree_.at("home");
    limits_.private_places = {tree_.at("home/.local/state/redoubtful")};
    limits_.owner = ::geteuid();
    run("main", {"init", "-q"});
    tree_.write("main/f", "x");
    run("main", {"add", "f"});
    run("main", {"commit", "-qm", "x"});
  }

  void run(const std::string& directory, const std::vector<std::string>& arguments) {
    ASSERT_EQ(git(tree_.at(directory), arguments).status, 0) << arguments[0];
  }

  Worktree find(const std::string& directory) {
    auto found = find_worktree(tree_.at(directory), limits_);
    EXPECT_TRUE(found) << (found ? "" : found.error().what());
    return found ? std::move(*found) : Worktree();
  }

  std::vector<std::string> extra(const Worktree& found) {
    std::vector<std::string> paths;
    for (const auto& one : found.extra) paths.push_back(one.path.substr(tree_.path().size() + 1));
    return paths;
  }

  void expect_nothing(const std::string& directory, const std::string& reason) {
    const Worktree found = find(directory);
    EXPECT_TRUE(found.extra.empty()) << reason;
    ASSERT_EQ(found.warnings.size(), 1u) << reason;
    EXPECT_NE(found.warnings[0].find(reason), std::string::npos) << found.warnings[0];
  }

  ScratchTree tree_;
  WorktreeLimits limits_;
};

using Paths = std::vector<std::string>;

TEST_F(WorktreeTest, AnOrdinaryRepositoryNeedsNothingMore) {
  tree_.make_directory("main/a/b");
  const Worktree found = find("main/a/b");
  EXPECT_EQ(found.top, tree_.at("main"));
  EXPECT_TRUE(found.extra.empty());
  EXPECT_TRUE(found.warnings.empty());
  EXPECT_EQ(found.git_directories, Paths{tree_.at("main/.git")});
}

TEST_F(WorktreeTest, ALinkedWorktreeBringsItsRepository) {
  run("main", {"worktree", "add", "-q", "../wt"});
  tree_.make_directory("wt/sub");
  const Worktree found = find("wt/sub");
  EXPECT_EQ(found.top, tree_.at("wt"));
  EXPECT_EQ(extra(found), Paths{"main/.git"});
  EXPECT_EQ(found.git_directories,
            (Paths{tree_.at("main/.git"), tree_.at("main/.git/worktrees/wt")}));
  EXPECT_TRUE(found.extra[0].directory.valid());
}

TEST_F(WorktreeTest, AWorktreeOfABareRepositoryBringsIt) {
  run(".", {"clone", "-q", "--bare", "main", "proj/.bare"});
  run("proj/.bare", {"worktree", "add", "-q", "../feature", "-b", "feature"});
  EXPECT_EQ(extra(find("proj/feature")), Paths{"proj/.bare"});
  tree_.write("proj/.git", "gitdir: ./.bare\n");
  const Worktree top = find("proj");
  EXPECT_TRUE(top.extra.empty());
  EXPECT_TRUE(top.warnings.empty());
  EXPECT_EQ(top.git_directories, Paths{tree_.at("proj/.bare")});
}

TEST_F(WorktreeTest, ASubmoduleBringsItsModuleDirectory) {
  tree_.make_directory("super");
  run("super", {"init", "-q"});
  run("super", {"submodule", "add", "-q", "../main", "lib/sub"});
  const Worktree found = find("super/lib/sub");
  EXPECT_EQ(found.top, tree_.at("super/lib/sub"));
  EXPECT_EQ(extra(found), Paths{"super/.git/modules/lib/sub"});
  EXPECT_TRUE(found.warnings.empty());
  EXPECT_EQ(find("super").git_directories, Paths{tree_.at("super/.git")});
}

TEST_F(WorktreeTest, ASubmoduleOfALinkedWorktreeIsFoundToo) {
  tree_.make_directory("super");
  run("super", {"init", "-q"});
  run("super", {"submodule", "add", "-q", "../main", "sub"});
  run("super", {"commit", "-qm", "s"});
  run("super", {"worktree", "add", "-q", "../swt"});
  run("swt", {"submodule", "update", "-q", "--init"});
  EXPECT_EQ(extra(find("swt/sub")), Paths{"super/.git/worktrees/swt/modules/sub"});
}

TEST_F(WorktreeTest, ForgedGitFilesMountNothing) {
  // The victim: another worktree of the same user, with everything a pointer could want.
  run("main", {"worktree", "add", "-q", "../wt"});
  const std::string victim = tree_.at("main/.git/worktrees/wt");
  struct Forgery {
    std::string content;
    const char* reason;
  };
  const Forgery forgeries[] = {
      {"gitdir: " + victim + "\n", "points back at"},
      {"gitdir: ../main/.git/worktrees/wt\n", "points back at"},
      {"gitdir: " + tree_.at("main/.git") + "\n", "does not point back"},
      {"gitdir: ../main/.git/../.git/worktrees/../worktrees/wt\n", "points back at"},
      {"gitdir: " + tree_.at("home") + "\n", "does not point back"},
      {"gitdir: /\n", "mounts nothing"},
      {"gitdir: ../../../../../../../../../../..\n", "climbs above the root"},
      {"gitdir: /nonexistent\n", "mounts nothing"},
      {"gitdir: a\nb\n", "newline"},
      {"gitdir:\n", "does not begin"},
      {"gitdir: \n", "names nothing"},
      {std::string("gitdir: x\0y", 11), "NUL"},
      {"gitdir: " + std::string(5000, 'a'), "longer than"},
      {std::string(20'000, 'g'), "longer than"},
      {"", "does not begin"},
  };
  for (const auto& forgery : forgeries) {
    tree_.write("evil/.git", forgery.content);
    expect_nothing("evil", forgery.reason);
  }
}

TEST_F(WorktreeTest, AChainOfCommondirsMountsNothing) {
  // In the attacker's own tree all is consistent, but for where commondir leads.
  tree_.write("evil/g/worktrees/x/HEAD", "ref: refs/heads/main\n");
  tree_.write("evil/g/worktrees/x/gitdir", tree_.at("evil/.git") + "\n");
  tree_.write("evil/g/worktrees/x/commondir", tree_.at("main/.git") + "\n");
  tree_.write("evil/.git", "gitdir: g/worktrees/x\n");
  expect_nothing("evil", "commondir leads to");
  // The repository it lies in passes the buck.
  tree_.write("evil/g/worktrees/x/commondir", "../..\n");
  for (const char* part : {"HEAD", "objects/x", "refs/x"}) {
    tree_.write(std::string("evil/g/") + part, "");
  }
  tree_.write("evil/g/commondir", tree_.at("main/.git") + "\n");
  expect_nothing("evil", "commondir of its own");
}

TEST_F(WorktreeTest, SymlinksOnTheWayMountNothing) {
  run("main", {"worktree", "add", "-q", "../wt"});
  tree_.link("main", "alias");
  const std::string content = tree_.read("wt/.git");
  tree_.write("wt/.git", "gitdir: " + tree_.at("alias/.git/worktrees/wt") + "\n");
  expect_nothing("wt", "symlink");
  tree_.write("wt/.git", content);
  EXPECT_EQ(extra(find("wt")).size(), 1u);  // the control
  std::filesystem::remove(tree_.at("wt/.git"));
  tree_.link(tree_.at("main/.git"), "wt/.git");
  expect_nothing("wt", "neither a directory nor a file");
}

TEST_F(WorktreeTest, ASubmoduleMustBePointedBackAt) {
  tree_.make_directory("super");
  run("super", {"init", "-q"});
  run("super", {"submodule", "add", "-q", "../main", "sub"});
  // Another directory of the superproject claims the module.
  tree_.write("super/other/.git", "gitdir: ../.git/modules/sub\n");
  expect_nothing("super/other", "core.worktree");
  // A directory outside the superproject.
  tree_.write("evil/.git", "gitdir: ../super/.git/modules/sub\n");
  expect_nothing("evil", "does not lie in");
  run("super", {"-C", "sub", "config", "--add", "core.worktree", "../../../sub"});
  expect_nothing("super/sub", "2 core.worktree entries");
}

TEST_F(WorktreeTest, NeverMountsHomeOrOurOwnPlaces) {
  run("home", {"init", "-q"});
  tree_.make_directory("home/proj");
  const Worktree in_home = find("home/proj");
  EXPECT_EQ(in_home.top, tree_.at("home/proj"));
  ASSERT_EQ(in_home.warnings.size(), 1u);
  EXPECT_NE(in_home.warnings[0].find("home directory"), std::string::npos);

  run("main", {"worktree", "add", "-q", "../wt"});
  limits_.private_places = {tree_.at("main/.git/redoubtful")};
  const Worktree guarded = find("wt");
  EXPECT_TRUE(guarded.extra.empty());
  ASSERT_EQ(guarded.warnings.size(), 1u);
  EXPECT_NE(guarded.warnings[0].find("redoubtful's own"), std::string::npos);
}

TEST_F(WorktreeTest, BelievesNobodyElsesFiles) {
  run("main", {"worktree", "add", "-q", "../wt"});
  limits_.owner = ::geteuid() + 1;
  const Worktree found = find("wt");
  EXPECT_TRUE(found.extra.empty());
  EXPECT_EQ(found.top, tree_.at("wt"));
  EXPECT_EQ(found.warnings.size(), 1u);
}

TEST_F(WorktreeTest, SaysThatBorrowedObjectsAreOutside) {
  run(".", {"clone", "-q", "--shared", "main", "clone"});
  const Worktree found = find("clone");
  EXPECT_TRUE(found.extra.empty());
  ASSERT_EQ(found.warnings.size(), 1u);
  EXPECT_NE(found.warnings[0].find("not visible inside"), std::string::npos);
}

std::string field(int number, const std::string& bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  std::size_t length = bytes.size();
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(length | 0x80);
  return out + static_cast<char>(length) + bytes;
}

class JjTest : public WorktreeTest {
 protected:
  JjTest() {
    const std::string operation(64, '\x12');
    const std::string view(64, '\x34');
    std::string hex_operation;
    std::string hex_view;
    for (int i = 0; i < 64; ++i) hex_operation += "12", hex_view += "34";
    tree_.write("main/.jj/repo/op_store/operations/" + hex_operation, field(1, view));
    tree_.write("main/.jj/repo/op_store/views/" + hex_view,
                field(1, "head") + field(8, field(1, "default") + field(2, "c")) +
                    field(8, field(1, "second") + field(2, "d")));
    tree_.write("main/.jj/repo/store/git_target", "../../../.git");
    tree_.write("ws/.jj/repo", "../../main/.jj/repo");
    tree_.write("ws/.jj/working_copy/checkout", field(2, operation) + field(3, "second"));
  }
};

TEST_F(JjTest, AWorkspaceBringsItsRepositoryAndTheGitOneBesideIt) {
  const Worktree found = find("ws");
  EXPECT_EQ(extra(found), (Paths{"main/.jj/repo", "main/.git"}));
  EXPECT_TRUE(found.warnings.empty());
  EXPECT_EQ(found.git_directories, Paths{tree_.at("main/.git")});
}

TEST_F(JjTest, AWorkspaceThatTheRepositoryDoesNotKnowMountsNothing) {
  tree_.write("ws/.jj/working_copy/checkout", field(2, std::string(64, 'x')) + field(3, "second"));
  expect_nothing("ws", "does not know the operation");
  tree_.write("ws/.jj/working_copy/checkout",
              field(2, std::string(64, '\x12')) + field(3, "third"));
  expect_nothing("ws", "has no workspace");
  tree_.write("ws/.jj/working_copy/checkout", "\x12\xff\xff");
  expect_nothing("ws", "mounts nothing");
  std::filesystem::remove_all(tree_.at("ws/.jj/working_copy"));
  expect_nothing("ws", "mounts nothing");
}

TEST_F(JjTest, AGitTargetThatWasRewrittenMountsNothing) {
  tree_.write("main/.jj/repo/store/git_target", tree_.at("home"));
  expect_nothing("ws", "neither inside itself nor beside it");
  tree_.write("main/.jj/repo/store/git_target", "git");
  EXPECT_EQ(extra(find("ws")), Paths{"main/.jj/repo"});
}

TEST_F(JjTest, ARepoPointerElsewhereMountsNothing) {
  for (const std::string& target :
       {tree_.at("home"), std::string("../../main"), std::string("/")}) {
    tree_.write("ws/.jj/repo", target);
    expect_nothing("ws", "is not the .jj/repo of a workspace");
  }
}

}  // namespace
}  // namespace redoubtful::cli
