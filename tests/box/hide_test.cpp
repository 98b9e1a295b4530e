// `hide`, sockets and guards over files that the host replaces meanwhile; many mounts; kept homes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>
#include <sstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const char* const kHide = "filesystem:\n  hide: [\"**/.env\", \"secrets/\"]\n";

std::string content_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Hide, WhatMatchesExistsAndCannotBeRead) {
  const World world;
  const auto profile = world.write(world.top() / "hide.yaml", kHide);
  world.write(world.project() / "a/.env", "canary");
  world.write(world.project() / "secrets/key", "canary");
  world.write(world.project() / "open", "visible");
  const std::string script =
      "cat open; echo; cat a/.env secrets/key; ls -d a/.env secrets; chmod 600 a/.env; "
      "rm -f a/.env; mv a b; cat b/.env; echo END";
  const Outcome bare =
      world.run({.options = {"--cwd", "ro"}, .command = {"/bin/sh", "-c", script}});
  EXPECT_THAT(bare.out, HasSubstr("canary")) << "positive control: without `hide` it is read";
  const Outcome inside =
      world.run({.options = {"-u", profile}, .command = {"/bin/sh", "-c", script}});
  EXPECT_THAT(inside.out, HasSubstr("visible"));
  EXPECT_THAT(inside.out, HasSubstr("a/.env\nsecrets\n"));
  EXPECT_THAT(inside.out, HasSubstr("END"));
  EXPECT_THAT(inside.out + inside.err, Not(HasSubstr("canary")));
  EXPECT_EQ(content_of(world.project() / "a/.env"), "canary")
      << "it could be neither removed nor moved";
}

TEST(Hide, AFileThatGitTracksIsRefused) {
  const World world;
  const auto profile = world.write(world.top() / "hide.yaml", kHide);
  world.write(world.project() / ".env", "canary");
  const Outcome made = run(world.bare(
      {.command = {"/bin/sh", "-c", "git init -q && git add -f .env && git status --short"}}));
  ASSERT_EQ(made.status, 0) << made.err;
  const Outcome outcome = world.run({.options = {"-u", profile}, .command = {"/bin/true"}});
  EXPECT_EQ(outcome.status, 78);
  EXPECT_THAT(outcome.err, HasSubstr("hide.yaml:2"));
  EXPECT_THAT(outcome.err, HasSubstr(".env"));
}

// An editor outside saves by rename; the kernel then detaches the mask inside.
TEST(Hide, AFileThatTheHostReplacesIsHiddenAgain) {
  const World world;
  const auto profile = world.write(world.top() / "hide.yaml", kHide);
  world.write(world.project() / ".env", "old canary");
  auto running = Running::start(world.program(
      {.options = {"-u", profile},
       .command = {"/bin/sh", "-c",
                   "cat .env; echo ready; until test -e go; do sleep 0.05; done; "
                   "i=0; while cat .env >/dev/null 2>&1 && test $i -lt 100; do i=$((i+1)); sleep "
                   "0.05; done; cat .env; echo END"}}));
  ASSERT_TRUE(running.wait_for("ready"));
  for (int round = 0; round < 3; ++round) {
    const auto fresh = world.write(world.project() / ".env.new", "new canary");
    fs::rename(fresh, world.project() / ".env");
  }
  world.write(world.project() / "go", "");
  const Outcome outcome = running.finish();
  EXPECT_THAT(outcome.out, HasSubstr("END")) << outcome.err;
  EXPECT_THAT(outcome.out, Not(HasSubstr("canary")));
  EXPECT_EQ(content_of(world.project() / ".env"), "new canary") << "the host's save is untouched";
}

TEST(Guards, AGuardedFileThatTheHostReplacesIsGuardedAgain) {
  const World world;
  world.write(world.project() / ".envrc", "export A=1\n");
  auto running = Running::start(world.program(
      {.command = {"/bin/sh", "-c",
                   "echo ready; until test -e go; do sleep 0.05; done; i=0; "
                   "while test -w .envrc && test $i -lt 100; do i=$((i+1)); sleep 0.05; done; "
                   "echo planted > .envrc; echo END"}}));
  ASSERT_TRUE(running.wait_for("ready"));
  fs::rename(world.write(world.project() / "new", "export A=2\n"), world.project() / ".envrc");
  world.write(world.project() / "go", "");
  EXPECT_THAT(running.finish().out, HasSubstr("END"));
  EXPECT_EQ(content_of(world.project() / ".envrc"), "export A=2\n");
}

TEST(Mounts, TwoThousandWork) {
  const World world;
  std::vector<std::string> options;
  for (int number = 0; number < 2000; ++number) {
    const fs::path file = world.top() / "many" / std::to_string(number);
    world.write(file, std::to_string(number));
    options.insert(options.end(), {"-m", file.string()});
  }
  const Outcome outcome =
      world.run({.options = options,
                 .command = {"/bin/sh", "-c",
                             "ls '" + (world.top() / "many").string() + "' | wc -l; cat '" +
                                 (world.top() / "many/1999").string() + "'; echo x > '" +
                                 (world.top() / "many/7").string() + "'"}});
  EXPECT_THAT(outcome.out, HasSubstr("2000\n1999")) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("Read-only file system"));
}

TEST(Mounts, PathsOfAnyBytesAreShownAsTheyAre) {
  const World world;
  for (const std::string name : {"with space", "with\nnewline",
                                 "with\xff"
                                 "byte",
                                 "quote'\"$x"}) {
    const fs::path directory = world.top() / name;
    world.write(directory / "file", "content");
    const Outcome outcome = world.run({.options = {"-m", directory.string()},
                                       .command = {"/bin/cat", (directory / "file").string()}});
    EXPECT_EQ(outcome.out, "content") << name << outcome.err;
  }
}

TEST(Mounts, BelowTheTopOfARepositoryTheRestIsReadableAndGitWorks) {
  const World world;
  ASSERT_EQ(run(world.bare({.command = {"/bin/sh", "-c",
                                        "git init -q && git config user.name n && git config "
                                        "user.email e@x && mkdir sub && echo 1 > top && echo 1 > "
                                        "sub/file && git add . && git commit -qm one"}}))
                .status,
            0);
  const Outcome outcome = world.run(
      {.command =
           {"/bin/sh", "-c",
            "git status --short; echo 2 > file && git commit -qam two && git log --oneline | "
            "wc -l; cat ../top; echo x > ../top; echo x > ../.git/hooks/post-commit"},
       .directory = world.project() / "sub"});
  EXPECT_THAT(outcome.out, HasSubstr("2\n1\n")) << outcome.err;
  EXPECT_EQ(content_of(world.project() / "top"), "1\n");
  EXPECT_FALSE(fs::exists(world.project() / ".git/hooks/post-commit"));
}

TEST(Home, APersistentOneKeepsWhatTheAgentWroteAndNoMountPoints) {
  const World world;
  world.write(world.home() / "notes/today", "note");
  world.write(world.home() / ".gitconfig", "[user]\n");
  const std::vector<std::string> options{"--home",  "persistent", "-m",
                                         "~/notes", "-m",         "~/.gitconfig"};
  const Outcome first =
      world.run({.options = options,
                 .command = {"/bin/sh", "-c",
                             "cat ~/notes/today; echo kept > ~/state; mkdir -p ~/.cache/x"}});
  EXPECT_EQ(first.out, "note") << first.err;
  const Outcome second =
      world.run({.options = {"--home", "persistent"},
                 .command = {"/bin/sh", "-c", "cat ~/state; ls -A ~ | sort | tr '\\n' ' '"}});
  EXPECT_THAT(second.out, HasSubstr("kept"));
  EXPECT_THAT(second.out, HasSubstr(".cache"));
  EXPECT_THAT(second.out, Not(HasSubstr("notes"))) << "a mount point stayed behind";
  EXPECT_THAT(second.out, Not(HasSubstr(".gitconfig")));
  EXPECT_FALSE(fs::exists(world.home() / "state")) << "it is private";
  const Outcome third = world.run({.command = {"/bin/sh", "-c", "ls ~/state"}});
  EXPECT_NE(third.status, 0) << "control: the default home is empty each time";
}

TEST(Sockets, OnesFoundBelowAMountAreMasked) {
  const World world;
  const fs::path path = world.project() / "app.sock";
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  const std::string script =
      "import socket; s = socket.socket(socket.AF_UNIX); "
      "s.connect('app.sock'); print('connected')";
  EXPECT_EQ(run(world.bare({.command = {"/usr/bin/python3", "-c", script}})).out, "connected\n")
      << "positive control";
  const Outcome inside = world.run({.command = {"/usr/bin/python3", "-c", script}});
  EXPECT_NE(inside.status, 0);
  EXPECT_THAT(inside.err, HasSubstr("Error"));
}

}  // namespace
}  // namespace redoubtful::test
