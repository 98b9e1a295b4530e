// B7: only the box's own processes in /proc; nothing of the host in environments and command lines;
// the host's keyring is out of reach.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(B7, NothingOfTheHostIsInProcOrTheKeyrings) {
  const World world;
  const std::string id = std::to_string(::getpid());
  const std::string in_environment = "canary-environment-" + id;
  const std::string in_arguments = "canary-arguments-" + id;
  const std::string in_keyring = "canary-key-" + id;
  // A session keyring as a login makes one, with a key in it.
  ASSERT_GE(::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr), 0);
  ASSERT_GE(
      ::syscall(SYS_add_key, "user", in_keyring.c_str(), "secret", 6, KEY_SPEC_SESSION_KEYRING), 0);
  Program bystander =
      world.bare({.command = {"/bin/sh", "-c", "echo ready; read line", in_arguments}});
  bystander.input = "";
  bystander.streams = Streams::kTerminal;  // waits for a line that is not typed
  Running waiting = Running::start(bystander);
  ASSERT_TRUE(waiting.wait_for("ready"));

  const BoxRun request{.environment = {"TOKEN=" + in_environment},
                       .input = in_environment + "\n" + in_arguments + "\n" + in_keyring + "\n"};
  const ProbeReport outside = world.probe_outside("probe_proc", {}, request);
  const ProbeReport inside = world.probe("probe_proc", {}, request);
  waiting.type("\n");
  EXPECT_EQ(waiting.finish().status, 0);

  ASSERT_TRUE(outside.complete());
  for (const auto& word : {in_environment, in_arguments, in_keyring}) {
    EXPECT_THAT(outside.lines("found "), Contains(HasSubstr(word))) << "positive control";
  }
  EXPECT_TRUE(outside.worked("key_" + in_keyring)) << "positive control";

  ASSERT_TRUE(inside.complete());
  EXPECT_THAT(inside.lines("found "), IsEmpty());
  EXPECT_TRUE(inside.refused("session_keyring"));
  EXPECT_TRUE(inside.refused("key_" + in_keyring));
  // The reaper, init and the probe.
  EXPECT_LE(inside.lines("process ").size(), 4u) << inside.outcome().out;
  EXPECT_GE(inside.lines("process ").size(), 2u) << inside.outcome().out;
  EXPECT_THAT(inside.lines("environ 1 "), IsEmpty());
  for (const std::string& argument : inside.lines("cmdline 1 ")) {
    EXPECT_EQ(argument.find(world.top().string()), std::string::npos)
        << "the first process shows a path of the host: " << argument;
  }
}

}  // namespace
}  // namespace redoubtful::test
