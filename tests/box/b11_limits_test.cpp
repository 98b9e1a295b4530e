// B11: limits of processes, memory and time hold.

#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using std::chrono::seconds;

BoxRun limited(const World& world, std::string_view limits) {
  const auto profile = world.write(world.top() / "limited.yaml", limits);
  return {.options = {"-u", profile}};
}

int counted(const ProbeReport& report, std::string_view what) {
  const auto lines = report.lines(std::string(what) + ": ");
  return lines.empty() ? -1 : std::stoi(lines[0]);
}

TEST(B11, MemoryIsLimited) {
  const World world;
  const ProbeReport inside =
      world.probe("probe_limits", {"memory", "300"}, limited(world, "limits: {memory: 128M}\n"));
  // Refused an allocation, or ended by the kernel (137), but never all of it.
  if (inside.outcome().status == 0) {
    ASSERT_TRUE(inside.complete());
    EXPECT_TRUE(inside.refused("all_memory"));
    EXPECT_LE(counted(inside, "memory"), 128);
    EXPECT_GE(counted(inside, "memory"), 32);
  } else {
    EXPECT_EQ(inside.outcome().status, 128 + 9) << inside.outcome().err;
  }
  const ProbeReport unlimited = world.probe("probe_limits", {"memory", "300"});
  ASSERT_TRUE(unlimited.complete());
  EXPECT_TRUE(unlimited.worked("all_memory")) << "positive control";
}

TEST(B11, ProcessesAreLimited) {
  const World world;
  const ProbeReport inside = world.probe("probe_limits", {"processes", "200"},
                                         limited(world, "limits: {processes: 64}\n"));
  ASSERT_TRUE(inside.complete());
  EXPECT_TRUE(inside.refused("all_processes", {"EAGAIN"}));
  EXPECT_LE(counted(inside, "processes"), 64);
  const ProbeReport unlimited = world.probe("probe_limits", {"processes", "200"});
  ASSERT_TRUE(unlimited.complete());
  EXPECT_TRUE(unlimited.worked("all_processes")) << "positive control";
}

TEST(B11, TimeIsLimited) {
  const World world;
  BoxRun request =
      world.probe_run("probe_limits", {"time"}, limited(world, "limits: {time: 1s}\n"));
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = world.run(request, seconds(20));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(outcome.status, 124) << outcome.err;
  EXPECT_GE(took, seconds(1));
  EXPECT_LT(took, seconds(10));
}

}  // namespace
}  // namespace redoubtful::test
