// B14: a forged `.git` file, worktree or commondir mounts nothing; an honest one does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Outcome sh(const World& world, const std::string& script) {
  return run(world.bare({.command = {"/bin/sh", "-c", script}}));
}

constexpr const char* kMakeRepository =
    " && git config user.name Ada && git config user.email a@b.c && git commit -q --allow-empty -m "
    "one";

TEST(B14, AnHonestWorktreeCommits) {
  const World world;
  const fs::path main = world.home() / "main";
  ASSERT_EQ(sh(world, "git init -q -b main " + main.string() + " && cd " + main.string() +
                          kMakeRepository + " && git worktree add -q " +
                          (world.project() / "tree").string())
                .status,
            0);
  const Outcome outcome = world.run({.command = {"/bin/sh", "-c",
                                                 "echo x > f && git add f && git commit -qm two && "
                                                 "git log --oneline | wc -l"},
                                     .directory = world.project() / "tree"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "2\n");
}

class Forged : public testing::TestWithParam<const char*> {};

// The victim is a repository, or just a directory, that this project has nothing to do with.
TEST_P(Forged, PointerMountsNothing) {
  const World world;
  const fs::path victim = world.home() / "victim";
  ASSERT_EQ(sh(world, "git init -q -b main " + victim.string() + " && cd " + victim.string() +
                          kMakeRepository + " && git worktree add -q ../honest")
                .status,
            0);
  world.write(victim / ".git" / "secret", "secret");
  ASSERT_EQ(sh(world, GetParam()).status, 0);
  const ProbeReport inside = world.probe(
      "probe_visible", {victim, victim / ".git", victim / ".git/secret", victim / ".git/HEAD"});
  if (inside.outcome().status == 78) return;  // refused outright, which is right too
  ASSERT_TRUE(inside.complete());
  for (const std::string& attempt : inside.attempts()) {
    if (attempt.starts_with("read_") || attempt.starts_with("list_") ||
        attempt.starts_with("write_")) {
      EXPECT_TRUE(inside.refused(attempt));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    B14, Forged,
    testing::Values(
        "echo 'gitdir: ../victim/.git' > .git", "echo \"gitdir: $HOME/victim/.git\" > .git",
        "echo \"gitdir: $HOME/victim/.git/worktrees/honest\" > .git",
        "echo 'gitdir: ../victim/.git/worktrees/honest' > .git", "ln -s ../victim/.git .git",
        "mkdir .git && echo ../../victim/.git > .git/commondir && "
        "echo 'ref: refs/heads/main' > .git/HEAD",
        "mkdir x && echo \"gitdir: x\" > .git && echo \"$PWD/.git\" > x/gitdir && "
        "echo ../../victim/.git > x/commondir && echo 'ref: refs/heads/main' > x/HEAD",
        "mkdir -p .git/objects/info .git/refs && echo 'ref: refs/heads/main' > .git/HEAD "
        "&& echo \"$HOME/victim/.git/objects\" > .git/objects/info/alternates",
        "mkdir .jj && echo \"$HOME/victim/.git\" > .jj/repo",
        "printf 'gitdir: ../victim/.git\\0/../x' > .git",
        "ln -s ../victim/.git/worktrees/honest gd && echo 'gitdir: gd' > .git"),
    [](const auto& one) { return "case" + std::to_string(one.index); });

}  // namespace
}  // namespace redoubtful::test
