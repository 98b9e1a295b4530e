// B15: signals to a whole group or to everyone end at the wall of the box.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string words(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& word : arguments) line += "'" + word + "' ";
  return line;
}

// A script starts something, then the box: both in the script's own process group.
Outcome script_around(const World& world, const std::string& command) {
  return run(world.bare(
      {.command = {"/bin/bash", "-c",
                   "sleep 1000 & witness=$!; " + command +
                       "; kill -0 $witness && echo the witness lives; kill -9 $witness; wait "
                       "$witness 2>/dev/null; echo the script lives"}}));
}

TEST(B15, EveryoneIsOnlyTheBox) {
  const World world;
  const BoxRun probe = world.probe_run("probe_signals", {}, {});
  const Outcome outcome = script_around(world, words(world.program(probe).arguments));
  EXPECT_THAT(outcome.out, HasSubstr("own_child_was_hit: WORKED")) << "positive control";
  EXPECT_THAT(outcome.out, HasSubstr("kill_group_term: WORKED"));
  EXPECT_THAT(outcome.out, HasSubstr("\nEND\n")) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("the witness lives"));
  EXPECT_THAT(outcome.out, HasSubstr("the script lives"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST(B15, AGroupKillWithoutABoxReachesTheScript) {
  const World world;
  const Outcome outcome = script_around(world, "sh -c 'kill -TERM 0'");
  EXPECT_THAT(outcome.out, Not(HasSubstr("the witness lives"))) << "positive control";
}

TEST(B15, StoppingTheGroupInsideDoesNotStopTheScript) {
  const World world;
  const BoxRun stop{.command = {"/bin/sh", "-c", "kill -STOP 0; echo went on"}};
  // The box stands still until somebody outside ends it; the script must be able to.
  const Outcome outcome = script_around(
      world, "timeout -k 1 1 " + words(world.program(stop).arguments) + "; echo status $?");
  EXPECT_THAT(outcome.out, HasSubstr("the witness lives"));
  EXPECT_THAT(outcome.out, HasSubstr("the script lives"));
}

TEST(B15, StatusesAndSignalsPassThrough) {
  const World world;
  EXPECT_EQ(world.run({.command = {"/bin/sh", "-c", "exit 0"}}).status, 0);
  EXPECT_EQ(world.run({.command = {"/bin/sh", "-c", "exit 3"}}).status, 3);
  EXPECT_EQ(world.run({.command = {"/bin/sh", "-c", "kill -TERM $$"}}).status, 128 + 15);
  EXPECT_EQ(world.run({.command = {"/bin/sh", "-c", "kill -KILL $$"}}).status, 128 + 9);
  EXPECT_EQ(world.run({.command = {"/nonexistent"}}).status, 127);
  EXPECT_EQ(world.run({.command = {"/etc/passwd"}}).status, 126);
}

}  // namespace
}  // namespace redoubtful::test
