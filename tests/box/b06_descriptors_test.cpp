// B6: only descriptors 0, 1 and 2 are inherited, and none of them leads anywhere.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

UniqueFd opened(const std::filesystem::path& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << path;
  return fd;
}

TEST(B6, OnlyThreeDescriptorsAreInherited) {
  const World world;
  const UniqueFd directory = opened(world.top(), O_RDONLY | O_DIRECTORY);
  const UniqueFd file = opened(world.write(world.top() / "secret", "s"), O_RDWR);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd one(pair[0]);
  const UniqueFd other(pair[1]);
  const std::map<int, int> gifts{{3, directory.get()}, {7, one.get()}, {42, file.get()}};

  const ProbeReport inside = world.probe("probe_descriptors", {}, {.descriptors = gifts});
  ASSERT_TRUE(inside.complete());
  EXPECT_THAT(inside.lines("fd "), SizeIs(3));
  for (const char* standard : {"0: ", "1: ", "2: "}) {
    EXPECT_THAT(inside.lines("fd "), Contains(StartsWith(standard)));
  }
  for (const char* kind : {" directory ", " block ", " socket ", ": file "}) {
    EXPECT_THAT(inside.lines("fd "), Each(Not(HasSubstr(kind))));
  }

  const ProbeReport outside = world.probe_outside("probe_descriptors", {}, {.descriptors = gifts});
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("climb_3")) << "positive control";
  EXPECT_TRUE(outside.worked("reopen_42")) << "positive control";
}

TEST(B6, AFileOnStandardInputCannotBeReopenedForWriting) {
  const World world;
  const auto prompt = world.write(world.top() / "prompt.txt", "the prompt");
  const UniqueFd file = opened(prompt, O_RDONLY);
  const std::map<int, int> redirected{{0, file.get()}};
  const ProbeReport inside = world.probe("probe_descriptors", {}, {.descriptors = redirected});
  ASSERT_TRUE(inside.complete());
  EXPECT_EQ(inside.answer("reopen_0"), "") << "the file itself was handed in";
  const ProbeReport outside =
      world.probe_outside("probe_descriptors", {}, {.descriptors = redirected});
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("reopen_0")) << "positive control";

  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  const Outcome read = world.run({.command = {"/bin/cat"}, .descriptors = redirected});
  EXPECT_EQ(read.out, "the prompt") << read.err;
}

TEST(B6, OutputReachesAFileThatCannotBeReopened) {
  const World world;
  const auto log = world.write(world.top() / "log.txt", "");
  const UniqueFd file = opened(log, O_WRONLY | O_APPEND);
  const Outcome outcome =
      world.run({.command = {"/bin/sh", "-c", "echo hello; ls -l /proc/self/fd/1 >&2"},
                 .descriptors = {{1, file.get()}}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::string line;
  std::getline(std::ifstream(log), line);
  EXPECT_EQ(line, "hello");
  EXPECT_THAT(outcome.err, HasSubstr("pipe:"));
}

TEST(B6, ADirectoryOnStandardInputIsRefusedBeforeAnythingStarts) {
  const World world;
  const UniqueFd directory = opened(world.top(), O_RDONLY | O_DIRECTORY);
  const Outcome outcome =
      world.run({.command = {"/bin/echo", "started"}, .descriptors = {{0, directory.get()}}});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.err, StartsWith("redoubtful: "));
  EXPECT_THAT(outcome.err, HasSubstr("directory"));
  EXPECT_EQ(outcome.out, "");
}

}  // namespace
}  // namespace redoubtful::test
