#include "common/child_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>

#include "common/file.hpp"
#include "common/pipe.hpp"

namespace redoubtful {
namespace {

// What a shell given `script` writes to its standard output, and its exit status.
struct Said {
  std::string text;
  int status = -1;
};

Said said_by(const std::string& script, const std::vector<std::string>& environment = {}) {
  auto pipe = make_pipe();
  EXPECT_TRUE(pipe);
  const SpawnRequest shell{
      .path = "/bin/sh", .arguments = {"sh", "-c", script}, .environment = environment};
  auto child = ChildProcess::spawn(shell, [&] { return ::dup2(pipe->write.get(), 1) == 1; });
  EXPECT_TRUE(child);
  pipe->write.reset();
  Said out;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(pipe->read.get(), buffer, sizeof buffer)) > 0) {
    out.text.append(buffer, static_cast<std::size_t>(got));
  }
  out.status = shell_status(child->wait());
  return out;
}

TEST(SpawnedProgram, HasItsArgumentsItsEnvironmentAndNothingElse) {
  const auto said = said_by("echo $A; echo ${HOME-none}; exit 7", {"A=b c"});
  EXPECT_EQ(said.text, "b c\nnone\n");
  EXPECT_EQ(said.status, 7);
}

TEST(SpawnedProgram, LeadsAGroupOfItsOwn) {
  const auto said =
      said_by("ps -o pid=,pgid= -p $$ | awk '{print $1 == $2}'", {"PATH=/usr/bin:/bin"});
  EXPECT_EQ(said.text, "1\n");
}

TEST(SpawnedProgram, IgnoresAndBlocksNoSignal) {
  struct sigaction before {};
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGUSR1, &ignored, &before), 0);
  sigset_t blocked;
  sigset_t mask;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  ASSERT_EQ(::sigprocmask(SIG_BLOCK, &blocked, &mask), 0);
  const auto said = said_by("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '[:space:]'",
                            {"PATH=/usr/bin:/bin"});
  sigset_t after;
  ASSERT_EQ(::sigprocmask(SIG_SETMASK, &mask, &after), 0);
  struct sigaction still {};
  ASSERT_EQ(::sigaction(SIGUSR1, &before, &still), 0);
  EXPECT_EQ(said.text, "SigBlk:0000000000000000SigIgn:0000000000000000");
  EXPECT_EQ(sigismember(&after, SIGUSR2), 1) << "this process's mask is as it was";
  EXPECT_EQ(still.sa_handler, SIG_IGN) << "the child's reset is the child's";
}

TEST(SpawnedProgram, DiesWithItsParent) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  auto parent = ChildProcess::fork([&]() -> int {
    const SpawnRequest sleeper{
        .path = "/bin/sleep", .arguments = {"sleep", "1000"}, .environment = {}};
    auto child = ChildProcess::spawn(sleeper, [&] { return ::dup2(pipe->write.get(), 1) == 1; });
    if (!child) return 1;
    const std::string pid = std::to_string(child->pid()) + "\n";
    (void)write_all(pipe->write.get(), pid);
    ::kill(::getpid(), SIGKILL);
    return 1;
  });
  ASSERT_TRUE(parent);
  pipe->write.reset();
  EXPECT_EQ(shell_status(parent->wait()), 128 + SIGKILL);
  // The sleeper holds the pipe's other end: its end is the end of the file.
  std::string text;
  char letter = 0;
  while (::read(pipe->read.get(), &letter, 1) == 1) text += letter;
  EXPECT_GT(std::stoi(text), 1);
}

TEST(SpawnedProgram, ThatCannotBeExecutedEndsWith127) {
  auto absent = ChildProcess::spawn(
      {.path = "/no/such/program", .arguments = {"x"}, .environment = {}}, [] { return true; });
  ASSERT_TRUE(absent);
  EXPECT_EQ(shell_status(absent->wait()), 127);
  auto refused = ChildProcess::spawn(
      {.path = "/bin/true", .arguments = {"true"}, .environment = {}}, [] { return false; });
  ASSERT_TRUE(refused);
  EXPECT_EQ(shell_status(refused->wait()), 127);
  auto control = ChildProcess::spawn(
      {.path = "/bin/true", .arguments = {"true"}, .environment = {}}, [] { return true; });
  ASSERT_TRUE(control);
  EXPECT_EQ(shell_status(control->wait()), 0);
}

}  // namespace
}  // namespace redoubtful
