// B5: the user's terminal is not the agent's. Job control, resizing and stopping have tests of
// their own with the terminal.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

bool kernel_allows_tiocsti() {
  int value = 1;  // before Linux 6.2 there was no switch
  std::ifstream("/proc/sys/dev/tty/legacy_tiocsti") >> value;
  return value != 0;
}

TEST(B5, NobodyTypesForTheUser) {
  const World world;
  const BoxRun terminal{.streams = Streams::kTerminal};
  const ProbeReport inside = world.probe("probe_terminal", {}, terminal);
  ASSERT_TRUE(inside.complete());
  for (const char* attempt : {"tiocsti", "tiocsti_garbage", "tiocsti_bit32", "tioclinux",
                              "tioclinux_garbage", "line_discipline"}) {
    EXPECT_TRUE(inside.refused(attempt, {"EPERM"}));
  }
  EXPECT_TRUE(inside.worked("window_size"));
  EXPECT_TRUE(inside.worked("attributes"));
  EXPECT_TRUE(inside.worked("foreground"));
  EXPECT_THAT(inside.lines("size: "), ElementsAre("100x30"));

  const ProbeReport outside = world.probe_outside("probe_terminal", {}, terminal);
  ASSERT_TRUE(outside.complete());
  if (kernel_allows_tiocsti()) {
    EXPECT_TRUE(outside.worked("tiocsti")) << "positive control";
    EXPECT_TRUE(outside.worked("tiocsti_garbage")) << "positive control: the kernel cuts";
  } else {
    EXPECT_TRUE(outside.refused("tiocsti", {"EIO"}));
  }
  EXPECT_TRUE(outside.worked("line_discipline")) << "positive control";
}

// The same as an effect: a shell on the user's terminal reads what was typed behind its back.
std::string read_after(const World& world, const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) line += "'" + word + "' ";
  Program program = world.bare(
      {.command = {"/bin/bash", "-c",
                   line + ">/dev/null; IFS= read -rsn 1 -t 1 key; echo \"typed [$key]\""},
       .streams = Streams::kTerminal});
  return run(program).out;
}

TEST(B5, TheShellThatFollowsReadsNothing) {
  const World world;
  const BoxRun probe = world.probe_run("probe_terminal", {"--type"}, {});
  EXPECT_THAT(read_after(world, world.program(probe).arguments), HasSubstr("typed []"));
  if (kernel_allows_tiocsti()) {
    EXPECT_THAT(read_after(world, world.bare(probe).arguments), HasSubstr("typed [x]"))
        << "positive control";
  }
}

TEST(B5, ClipboardWritesAreDropped) {
  const World world;
  const BoxRun attack{.command = {"/usr/bin/printf", "before\\033]52;c;c2VjcmV0\\007after"},
                      .streams = Streams::kTerminal};
  const std::string inside = world.run(attack).out;
  EXPECT_THAT(inside, HasSubstr("before"));
  EXPECT_THAT(inside, HasSubstr("after"));
  EXPECT_THAT(inside, Not(HasSubstr("]52;")));
  EXPECT_THAT(run(world.bare(attack)).out, HasSubstr("]52;")) << "positive control";
}

}  // namespace
}  // namespace redoubtful::test
