// B1: no capability in any set, no_new_privs, the user's own ids; set-uid programs gain nothing.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::ElementsAre;

TEST(B1, TheAgentHasTheUsersIdsAndNoCapabilityInAnySet) {
  const World world;
  const ProbeReport inside = world.probe("probe_privileges");
  ASSERT_TRUE(inside.complete());
  for (const char* set : {"CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t", "CapAmb:\t"}) {
    EXPECT_THAT(inside.lines(set), ElementsAre("0000000000000000")) << set;
  }
  EXPECT_THAT(inside.lines("NoNewPrivs:\t"), ElementsAre("1"));
  EXPECT_THAT(inside.lines("Seccomp:\t"), ElementsAre("2"));
  EXPECT_THAT(inside.lines("Uid:\t"), ElementsAre(fmt::format("{0}\t{0}\t{0}\t{0}", ::getuid())));
  EXPECT_THAT(inside.lines("Gid:\t"), ElementsAre(fmt::format("{0}\t{0}\t{0}\t{0}", ::getgid())));

  const ProbeReport outside = world.probe_outside("probe_privileges");
  ASSERT_TRUE(outside.complete());
  EXPECT_THAT(outside.lines("NoNewPrivs:\t"), ElementsAre("0")) << "positive control";
}

TEST(B1, NothingIsGained) {
  const World world;
  const ProbeReport inside = world.probe("probe_privileges");
  ASSERT_TRUE(inside.complete());
  EXPECT_EQ(inside.attempts().size(), 11u);
  for (const std::string& attempt : inside.attempts()) EXPECT_TRUE(inside.refused(attempt));

  const ProbeReport outside = world.probe_outside("probe_privileges");
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("set_uid_program")) << "positive control";
  EXPECT_TRUE(outside.worked("clear_no_new_privs")) << "positive control";
  if (::getuid() == 0) {
    for (const std::string& attempt : outside.attempts()) EXPECT_TRUE(outside.worked(attempt));
  }
}

}  // namespace
}  // namespace redoubtful::test
