// B16: nothing that uid 0 owns in /proc, /sys or /dev can be written, whoever runs the box.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

// Of the box's own namespaces, or watching only.
bool of_the_box(std::string_view path) {
  constexpr std::array<std::string_view, 12> kOwn{"/proc/pressure/",
                                                  "/proc/sys/fs/mqueue/",
                                                  "/proc/sys/kernel/auto_msgmni",
                                                  "/proc/sys/kernel/msg",
                                                  "/proc/sys/kernel/sem",
                                                  "/proc/sys/kernel/shm",
                                                  "/proc/sys/kernel/ns_last_pid",
                                                  "/proc/sys/kernel/pid_max",
                                                  "/proc/sys/user/",
                                                  "/proc/sys/net/",
                                                  "/proc/sys/kernel/hostname",
                                                  "/proc/sys/kernel/domainname"};
  return std::ranges::any_of(kOwn, [&](std::string_view own) { return path.starts_with(own); });
}

TEST(B16, NothingOfTheKernelCanBeOpenedForWriting) {
  const World world;
  const ProbeReport inside = world.probe("probe_root", {"--walk"});
  ASSERT_TRUE(inside.complete());
  std::size_t tried = 0;
  for (const std::string& attempt : inside.attempts()) {
    if (attempt == "open_/dev/null") {
      EXPECT_TRUE(inside.worked(attempt)) << "positive control";
      continue;
    }
    if (attempt.starts_with("open_") && of_the_box(attempt.substr(5))) continue;
    ++tried;
    EXPECT_TRUE(inside.refused(attempt));
  }
  EXPECT_GE(tried, 25u);
  for (const std::string& path : inside.lines("writable ")) {
    EXPECT_TRUE(of_the_box(path)) << path << " can be opened for writing";
  }
}

TEST(B16, PositiveControl) {
  const World world;
  const ProbeReport outside = world.probe_outside("probe_root");
  ASSERT_TRUE(outside.complete());
  for (const char* file : {"open_/proc/sys/kernel/core_pattern", "open_/proc/sys/vm/drop_caches"}) {
    if (::getuid() == 0) {
      EXPECT_TRUE(outside.worked(file));
    } else {
      EXPECT_TRUE(outside.refused(file, {"EACCES"})) << "these files are root's";
    }
  }
}

// Not even what belongs to the box may change what the host sees.
TEST(B16, TheHostsNamesAndLimitsStay) {
  const World world;
  const std::string read =
      "cat /proc/sys/kernel/hostname /proc/sys/kernel/pid_max "
      "/proc/sys/kernel/core_pattern /proc/sys/net/ipv4/ip_forward";
  const Outcome before = run(world.bare({.command = {"/bin/sh", "-c", read}}));
  const Outcome attack = world.run(
      {.command = {"/bin/sh", "-c",
                   "for f in kernel/hostname kernel/domainname kernel/core_pattern "
                   "kernel/core_uses_pid net/ipv4/ip_forward vm/overcommit_memory; do "
                   "cat /proc/sys/$f > /tmp/v 2>/dev/null; (echo 7 > /proc/sys/$f) 2>/dev/null; "
                   "done; echo END"}});
  EXPECT_EQ(attack.out, "END\n") << attack.err;
  EXPECT_EQ(run(world.bare({.command = {"/bin/sh", "-c", read}})).out, before.out);
}

}  // namespace
}  // namespace redoubtful::test
