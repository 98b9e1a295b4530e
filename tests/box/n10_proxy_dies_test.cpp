// N10 and the table "life and death": the proxy is the only way out, and never outlives its run,
// nor the run it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(N10, TheProxyDiesAndTheBoxEndsWithOneLineAndNothingGetsOut) {
  const World world;
  auto origin = std::make_unique<WebOrigin>("the origin's words");
  Running running =
      Running::start(world.program(bash("trap '' TERM HUP INT; fetch web.example 80; echo started; "
                                        "while :; do fetch web.example 80 >/dev/null; done",
                                        {"-u", web_profile(world, *origin)})));
  ASSERT_TRUE(running.wait_for("started"));
  const auto proxies = descendants_named(running.pid(), kProxyName);
  ASSERT_EQ(proxies.size(), 1U);
  ASSERT_EQ(::kill(proxies[0], SIGKILL), 0);
  const int before = origin->connections();
  const Outcome outcome = running.finish(seconds(5));
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, 125) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("the origin's words")) << "positive control";
  // One more may have been waiting to be accepted there when the proxy died.
  EXPECT_LE(origin->connections(), before + 1);
  origin.reset();
  EXPECT_THAT(outcome.err, HasSubstr("redoubtful-proxy ended"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 2)
      << "a line, and a hint: " << outcome.err;
  EXPECT_THAT(remaining_descendants(seconds(1)), IsEmpty());
}

class Ends : public testing::TestWithParam<int> {};

// The session's own end is the positive control: 0 is no signal.
TEST_P(Ends, TheProxyEndsWithItsRun) {
  const World world;
  Running running =
      Running::start(world.program(bash("echo started; until test -e go; do sleep 0.05; done")));
  ASSERT_TRUE(running.wait_for("started"));
  ASSERT_EQ(descendants_named(running.pid(), kProxyName).size(), 1U);
  if (GetParam() == 0) {
    world.write(world.project() / "go", "");
  } else {
    running.signal(GetParam());
  }
  const Outcome outcome = running.finish(seconds(10));
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, GetParam() == 0 ? 0 : 128 + GetParam());
  EXPECT_THAT(remaining_descendants(seconds(1)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(N10, Ends, testing::Values(0, SIGKILL, SIGTERM, SIGHUP),
                         [](const auto& one) { return std::to_string(one.param); });

TEST(N10, AProxyThatIsNotThereMeansNoRun) {
  const World world;
  Program program = world.program({.command = {"/bin/echo", "ran"}});
  const std::string part =
      redoubtful_program().parent_path().parent_path() / "lib/redoubtful/redoubtful-proxy";
  program.arguments.insert(program.arguments.begin(),
                           {"/usr/bin/unshare", "-Urm", "/bin/sh", "-c",
                            "mount --bind /dev/null " + part + " && exec \"$@\"", "sh"});
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.status, 125);
  EXPECT_EQ(outcome.out, "");
  if (::getuid() == 0) {
    EXPECT_THAT(outcome.err, HasSubstr("redoubtful-proxy"));
  }
}

}  // namespace
}  // namespace redoubtful::test
