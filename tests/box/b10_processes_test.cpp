// B10: a child that detaches itself and ignores every signal is gone when the run ends; so is
// everything when any part is killed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
namespace fs = std::filesystem;
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

// From the start of a run with a forwarded port to its command's first words, here and now.
microseconds time_to_start(const World& world) {
  const auto begun = steady_clock::now();
  Running running = Running::start(
      world.program({.options = {"-f", "18080:18081"}, .command = {"/bin/echo", "started"}}));
  EXPECT_TRUE(running.wait_for("started"));
  const auto taken = duration_cast<microseconds>(steady_clock::now() - begun);
  running.finish(seconds(5));
  return taken;
}

// kill -9 of any part at any moment: redoubtful, bwrap, init, the agent, pasta. Twenty times;
// $REDOUBTFUL_KILLS says how often instead.
TEST(Kill, AnyPartAtAnyMomentLeavesNothing) {
  const World world;
  const char* wanted = std::getenv("REDOUBTFUL_KILLS");
  const int rounds = wanted != nullptr ? std::stoi(wanted) : 20;
  const auto files_before = std::distance(fs::recursive_directory_iterator(world.project()), {});
  std::mt19937 random(20);  // fixed: a failure can be tried again
  // On a busy machine the parts come up later: the moments reach beyond their start there, too.
  std::uniform_int_distribution<long> moment(0, time_to_start(world).count() * 3 / 2);
  std::map<std::string, int> killed;
  for (int round = 0; round < rounds; ++round) {
    BoxRun request{.command = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"}};
    if (round % 2 == 1) request.options = {"-f", "18080:18081"};
    Running running = Running::start(world.program(request));
    const long after = moment(random);
    const timespec pause{after / 1'000'000, after % 1'000'000 * 1000};
    ::nanosleep(&pause, nullptr);  // the moment is the point
    auto victims = descendants_of(running.pid());
    victims.push_back(running.pid());
    const pid_t victim = victims[random() % victims.size()];
    std::string name = "gone";
    std::getline(std::ifstream("/proc/" + std::to_string(victim) + "/comm"), name);
    ++killed[name];
    SCOPED_TRACE("round " + std::to_string(round) + ", killed " + name);
    ::kill(victim, SIGKILL);
    // Some deaths are not the end of a run: a child's of the agent, pasta's. Then the user ends it.
    if (victim != running.pid()) running.signal(SIGTERM);
    const Outcome outcome = running.finish(seconds(5));
    EXPECT_NE(outcome.status, 0);
    ASSERT_THAT(remaining_descendants(seconds(1)), IsEmpty());
  }
  EXPECT_EQ(std::distance(fs::recursive_directory_iterator(world.project()), {}), files_before);
  std::stringstream mounts;
  mounts << std::ifstream("/proc/self/mountinfo").rdbuf();
  EXPECT_EQ(mounts.str().find(world.top()), std::string::npos);
  std::string summary;
  for (const auto& [name, times] : killed) summary += name + " " + std::to_string(times) + "; ";
  RecordProperty("killed", summary);
  EXPECT_GE(killed.size(), rounds >= 20 ? 3u : 1u) << summary;
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
