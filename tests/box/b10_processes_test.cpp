// B10: a child that detaches itself and ignores every signal is gone when the run ends; so is
// everything when any part is killed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;

TEST(B10, ADeafDaemonEndsWithTheRun) {
  const World world;
  const ProbeReport inside = world.probe("probe_daemon", {"mark"});
  ASSERT_TRUE(inside.complete());
  EXPECT_TRUE(inside.worked("daemon"));
  EXPECT_THAT(remaining_descendants(seconds(1)), IsEmpty());

  const ProbeReport outside = world.probe_outside("probe_daemon", {"mark"});
  ASSERT_TRUE(outside.complete());
  const auto left = descendants_named(::getpid(), "probe_daemon");
  ASSERT_EQ(left.size(), 1u) << "positive control";
  ::kill(left[0], SIGKILL);
}

TEST(B10, AChildThatHoldsTheOutputDoesNotHoldTheRun) {
  const World world;
  const Outcome outcome =
      world.run({.command = {"/bin/sh", "-c", "sleep 1000 & echo done"}}, seconds(10));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "done\n");
  EXPECT_THAT(remaining_descendants(seconds(1)), IsEmpty());
}

class KilledPart : public testing::TestWithParam<std::string> {};

// At a moment after the agent has started, and at random ones while the box is being built.
TEST_P(KilledPart, TakesEverythingWithIt) {
  const World world;
  const BoxRun request{.command = {"/bin/sh", "-c", "echo started; sleep 1000 & sleep 1000"}};
  Running running = Running::start(world.program(request));
  ASSERT_TRUE(running.wait_for("started"));
  std::vector<pid_t> victims{running.pid()};
  if (GetParam() != "redoubtful") victims = descendants_named(running.pid(), GetParam());
  ASSERT_FALSE(victims.empty()) << "no such process";
  ::kill(victims[0], SIGKILL);
  const Outcome outcome = running.finish(seconds(5));
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(remaining_descendants(seconds(1)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(B10, KilledPart, testing::Values("redoubtful", "bwrap", "init", "sh"),
                         [](const auto& one) { return one.param; });

TEST(B10, BeingKilledWhileTheBoxIsBuiltLeavesNothing) {
  const World world;
  // A fixed seed: a failure can be tried again.
  std::mt19937 random(20);
  std::uniform_int_distribution<int> microseconds(0, 20'000);
  for (int round = 0; round < 20; ++round) {
    Running running =
        Running::start(world.program({.command = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"}}));
    const timespec pause{0, microseconds(random) * 1000L};
    ::nanosleep(&pause, nullptr);  // the moment is the point
    running.signal(SIGKILL);
    EXPECT_EQ(running.finish(seconds(5)).status, 128 + SIGKILL);
    ASSERT_THAT(remaining_descendants(seconds(1)), IsEmpty()) << "round " << round;
  }
}

TEST(B10, NothingAppearsOnTheHostEvenWhenKilled) {
  const World world;
  world.write(world.home() / ".config" / "tool" / "settings", "x");
  TreeWatch watch(world.home(), world.home() / ".local");
  for (const milliseconds moment : {milliseconds(2), milliseconds(6), milliseconds(15)}) {
    Running running = Running::start(world.program(
        {.options = {"-m", world.home() / ".config" / "tool"}, .command = {"/bin/sleep", "1000"}}));
    const timespec pause{0, moment.count() * 1'000'000L};
    ::nanosleep(&pause, nullptr);
    running.signal(SIGKILL);
    running.finish(seconds(5));
    EXPECT_THAT(remaining_descendants(seconds(1)), IsEmpty());
  }
  EXPECT_EQ(
      world.run({.options = {"-m", world.home() / ".config" / "tool"}, .command = {"/bin/true"}})
          .status,
      0);
  EXPECT_THAT(watch.changes(), IsEmpty());

  EXPECT_EQ(world.run({.command = {"/usr/bin/touch", "made"}}).status, 0);
  EXPECT_THAT(watch.changes(), testing::SizeIs(1)) << "positive control";
}

}  // namespace
}  // namespace redoubtful::test
