// Limits, beyond that they hold (b11_limits_test.cpp): what is said, what is left, what is refused,
// and that nobody inside can lift them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "cli/control_group.hpp"
#include "cli/host_files.hpp"
#include "common/file.hpp"
#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

BoxRun limited(const World& world, std::string_view profile) {
  return {.options = {"-u", world.write(world.top() / "limited.yaml", profile)}};
}

// The control groups that a run with this process id has made and not removed.
std::vector<std::string> groups_of(pid_t run) {
  std::vector<std::string> out;
  const auto groups = read_file("/proc/self/cgroup", 1U << 20U);
  const auto mounts = read_file("/proc/self/mountinfo", 1U << 24U);
  if (!groups || !mounts) return out;
  const std::string prefix = "redoubtful-" + std::to_string(run) + "-";
  for (const char* controller : {"memory", "pids"}) {
    const auto own = cli::find_own_group(*groups, *mounts, controller);
    if (!own) continue;
    for (std::string place = own->directory;; place = cli::parent_of(place)) {
      for (const auto& name : cli::machine_files().list(place)) {
        if (name.starts_with(prefix)) out.push_back(place + "/" + name);
      }
      if (place == own->top || place == "/") break;
    }
  }
  return out;
}

bool whole_box(const Outcome& outcome) {
  return outcome.err.find("holds per process") == std::string::npos;
}

TEST(Limits, ForkBombIsBoundedAndTheMachineGoesOn) {
  const World world;
  BoxRun request = limited(world, "limits: {processes: 40, time: 2s}\n");
  request.command = {"sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 30"};
  const Outcome outcome = world.run(request);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_THAT(outcome.err, HasSubstr("fork")) << "the shell was refused one";
  const Outcome after = world.run({.command = {"sh", "-c", "sleep 0 & wait; echo fine"}});
  EXPECT_EQ(after.out, "fine\n") << "positive control: without the limit forks are not refused";
}

TEST(Limits, AProcessesLimitGivesTheAgentThatMany) {
  const World world;
  const ProbeReport inside =
      world.probe("probe_limits", {"processes", "30"}, limited(world, "limits: {processes: 31}\n"));
  ASSERT_TRUE(inside.complete());
  EXPECT_TRUE(inside.worked("all_processes")) << "itself and thirty more are thirty-one";
  const ProbeReport one_less =
      world.probe("probe_limits", {"processes", "30"}, limited(world, "limits: {processes: 30}\n"));
  ASSERT_TRUE(one_less.complete());
  EXPECT_TRUE(one_less.refused("all_processes", {"EAGAIN"}));
}

TEST(Limits, ReachingTheMemoryLimitIsSaid) {
  const World world;
  BoxRun request = limited(world, "limits: {memory: 96M}\n");
  request.command = {"sh", "-c", "head -c 300m /dev/zero | tail -c 290m | wc -c; exit 3"};
  const Outcome outcome = world.run(request);
  EXPECT_EQ(outcome.status, 3) << "one process of the box was ended, not all of it";
  EXPECT_EQ(outcome.out, "0\n");
  if (whole_box(outcome)) {
    EXPECT_THAT(outcome.err, HasSubstr("memory limit 96M reached ("));
    EXPECT_THAT(outcome.err, HasSubstr("limited.yaml:1:18")) << outcome.err;
  } else {
    EXPECT_THAT(outcome.err, HasSubstr("memory")) << "tail says itself that it got none";
  }
  const Outcome unlimited =
      world.run({.command = {"sh", "-c", "head -c 300m /dev/zero | tail -c 290m | wc -c; exit 3"}});
  EXPECT_EQ(unlimited.out, "304087040\n") << "positive control";
}

TEST(Limits, AProgramThatReservesMoreThanItUsesIsLeftAlone) {
  const World world;
  BoxRun request = limited(world, "limits: {memory: 512M}\n");
  request.command = {"node", "-e", "console.log('runs')"};
  const Outcome outcome = world.run(request);
  EXPECT_EQ(outcome.out, "runs\n") << outcome.err;
}

TEST(Limits, ControlGroupsAreGoneAfterTheRun) {
  const World world;
  BoxRun request = limited(world, "limits: {memory: 1G, processes: 100}\n");
  request.command = {"sh", "-c", "echo up; until test -e go; do sleep 0.05; done"};
  Running running = Running::start(world.program(request));
  ASSERT_TRUE(running.wait_for("up"));
  const pid_t run = running.pid();
  const auto during = groups_of(run);
  world.write(world.project() / "go", "");
  const Outcome outcome = running.finish();
  EXPECT_EQ(during.empty(), !whole_box(outcome)) << "positive control: they are seen";
  EXPECT_THAT(groups_of(run), IsEmpty());
}

TEST(Limits, WhatAKilledRunLeavesGoesWithTheNext) {
  const World world;
  BoxRun request = limited(world, "limits: {memory: 1G, processes: 100}\n");
  request.command = {"sh", "-c", "echo up; sleep 60"};
  Running running = Running::start(world.program(request));
  ASSERT_TRUE(running.wait_for("up"));
  const pid_t run = running.pid();
  running.signal(SIGKILL);
  running.finish();
  ASSERT_THAT(remaining_descendants(std::chrono::seconds(2)), IsEmpty());
  request.command = {"true"};
  EXPECT_EQ(world.run(request).status, 0);
  EXPECT_THAT(groups_of(run), IsEmpty());
}

TEST(Limits, ANestedSandboxDoesNotFindTheFilesThatHoldThem) {
  const World world;
  BoxRun request = limited(world, "nested: true\nlimits: {processes: 50}\n");
  // Made before: in the new user namespace the user has no id to make files with.
  const std::string lift =
      "mkdir -p /tmp/g1 /tmp/g2 && exec unshare -UmC --keep-caps sh -c '"
      "mount -t cgroup -o pids none /tmp/g1 && echo mounted 1;"
      "mount -t cgroup2 none /tmp/g2 && echo mounted 2;"
      "for f in $(find /tmp/g1 /tmp/g2 -name pids.max -o -name memory.max); do"
      "  echo max > $f && echo lifted $f;"
      "done;"
      "exec \"$@\"' sh \"$@\"";
  const BoxRun probe = world.probe_run("probe_limits", {"processes", "200"}, request);
  BoxRun nested = probe;
  nested.command = {"sh", "-c", lift, "sh"};
  nested.command.insert(nested.command.end(), probe.command.begin(), probe.command.end());
  const ProbeReport report(world.run(nested));
  ASSERT_TRUE(report.complete()) << report.outcome().err;
  EXPECT_TRUE(report.refused("all_processes", {"EAGAIN"})) << report.outcome().out;
}

TEST(Limits, RootWithoutAControlGroupIsRefusedAProcessLimit) {
  const World world;
  const BoxRun request = world.probe_run("probe_limits", {"processes", "200"},
                                         limited(world, "limits: {processes: 50, memory: 1G}\n"));
  Program program = world.program(request);
  if (::getuid() == 0) {
    program.arguments.insert(program.arguments.begin(),
                             {"/usr/bin/unshare", "-m", "/bin/sh", "-c",
                              "mount -t tmpfs none /sys/fs/cgroup && exec \"$@\"", "sh"});
    const Outcome outcome = run(program);
    EXPECT_EQ(outcome.status, 125) << outcome.out;
    EXPECT_THAT(outcome.err, HasSubstr("the limit of 50 processes cannot hold"));
    EXPECT_THAT(outcome.out, Not(HasSubstr("processes:"))) << "nothing was started";
  } else {
    // An ordinary user's processes are counted without one.
    const ProbeReport report(run(program));
    ASSERT_TRUE(report.complete());
    EXPECT_TRUE(report.refused("all_processes", {"EAGAIN"}));
  }
}

TEST(Limits, WithoutAControlGroupMemoryHoldsPerProcessAndThatIsSaid) {
  const World world;
  const BoxRun request = world.probe_run("probe_limits", {"memory", "300"},
                                         limited(world, "limits: {memory: 128M}\n"));
  Program program = world.program(request);
  if (::getuid() == 0) {
    program.arguments.insert(program.arguments.begin(),
                             {"/usr/bin/unshare", "-m", "/bin/sh", "-c",
                              "mount -t tmpfs none /sys/fs/cgroup && exec \"$@\"", "sh"});
  }
  const ProbeReport report(run(program));
  if (::getuid() != 0 && whole_box(report.outcome())) {
    EXPECT_EQ(report.outcome().status, 128 + SIGKILL) << "a delegated group: ended by the kernel";
    return;
  }
  ASSERT_TRUE(report.complete());
  EXPECT_TRUE(report.refused("all_memory"));
  EXPECT_THAT(report.outcome().err, HasSubstr("the memory limit of 128M"));
  EXPECT_THAT(report.outcome().err, HasSubstr("holds per process"));
}

}  // namespace
}  // namespace redoubtful::test
