// Exit statuses, descriptors and signals of a run, without a terminal.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "tests/box/console_fixture.hpp"

namespace redoubtful::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// ---- exit statuses ------------------------------------------------------------------------------

TEST_F(Console, ReturnsTheStatusOfTheCommand) {
  struct Case {
    const char* command;
    int status;
  };
  constexpr Case kCases[] = {
      {"true", 0},
      {"false", 1},
      {"sh -c \"exit 7\"", 7},
      {"sh -c \"exit 255\"", 255},
      {"sh -c \"kill -9 \\$\\$\"", 137},
      {"sh -c \"kill -TERM \\$\\$\"", 143},
      {"sh -c \"kill -SEGV \\$\\$\"", 139},
      {"no-such-program-anywhere", 127},
      {"/no/such/file", 127},
      {"/etc/passwd", 126},
      {"/etc", 126},
      {"\"\"", 127},
  };
  for (const Case& example : kCases) {
    const Outcome outcome = shell(std::string("$D ") + example.command);
    EXPECT_EQ(outcome.status, example.status) << example.command << "\n" << outcome.output;
  }
}

TEST_F(Console, NamesTheProgramThatIsMissing) {
  EXPECT_THAT(shell("$D nosuch").output,
              HasSubstr("\"nosuch\" was not found in the PATH of the box"));
  EXPECT_THAT(shell("$D /etc/passwd").output, HasSubstr("Permission denied"));
}

// execvp(3) says "permission denied" as soon as one directory of PATH cannot be searched.
TEST_F(Console, AClosedDirectoryInPathIsNoReasonForAnotherStatus) {
  ASSERT_EQ(::mkdir(path("closed").c_str(), 0), 0);
  ASSERT_EQ(::mkdir(path("open").c_str(), 0755), 0);
  EXPECT_EQ(shell("PATH=$PWD/closed:$PATH $D nosuch").status, 127);
  EXPECT_EQ(shell("PATH=$PWD/closed:$PATH $D true").status, 0);
  write("open/plain", "text");
  ASSERT_EQ(::chmod(path("open/plain").c_str(), 0644), 0);
  EXPECT_EQ(shell("PATH=$PWD/open:$PATH $D plain").status, 126);
  // A later directory may have one that runs.
  write("open/true", "text");
  ASSERT_EQ(::chmod(path("open/true").c_str(), 0644), 0);
  EXPECT_EQ(shell("PATH=$PWD/open:$PATH $D true").status, 0);
}

TEST_F(Console, RunsAScriptWithoutAFirstLineAsTheShellDoes) {
  write("script", "echo from-the-script $1\n");
  ASSERT_EQ(::chmod(path("script").c_str(), 0755), 0);
  EXPECT_EQ(shell("$D ./script argument").output, "from-the-script argument\n");
}

// ---- descriptors --------------------------------------------------------------------------------

TEST_F(Console, InheritsNothingButTheThree) {
  // exec 9< is a descriptor without close-on-exec, as a careless caller leaves one.
  const Outcome outcome = shell("exec 9</etc/passwd; $D sh -c \"ls /proc/self/fd; echo done\"");
  EXPECT_EQ(outcome.output, "0\n1\n2\n3\ndone\n");  // 3 is ls reading the directory
}

TEST_F(Console, RefusesADirectoryAndSaysWhy) {
  const Outcome outcome = shell("$D cat < /tmp");
  EXPECT_EQ(outcome.status, 78);
  EXPECT_THAT(outcome.output, HasSubstr("standard input is a directory"));
  EXPECT_EQ(shell("$D true > out").status, 0);
}

TEST_F(Console, AgentCannotReopenTheFileBehindStandardInput) {
  write("prompt", "keep me\n");
  const Outcome outcome = shell("$D sh -c \"cat; echo gone > /proc/self/fd/0; echo end\" < prompt");
  EXPECT_EQ(read("prompt"), "keep me\n");
  EXPECT_THAT(outcome.output, HasSubstr("keep me\n"));
  EXPECT_THAT(outcome.output, HasSubstr("end\n"));
  // The positive control: without the box the same attempt succeeds.
  shell("sh -c \"echo gone > /proc/self/fd/0\" < prompt");
  EXPECT_EQ(read("prompt"), "gone\n");
}

TEST_F(Console, EveryKindOfRedirectionArrivesWhole) {
  write("input", std::string(3'000'000, 'x') + "end");
  EXPECT_EQ(shell("$D wc -c < input").output, "3000003\n");
  EXPECT_EQ(shell("cat input | $D wc -c").output, "3000003\n");
  shell("$D cat input > output");
  EXPECT_EQ(read("output").size(), 3000003U);
  EXPECT_EQ(shell("$D cat input | wc -c").output, "3000003\n");
  EXPECT_EQ(shell("$D cat < /dev/null").output, "");
  EXPECT_EQ(shell("head -c 100000 /dev/zero | $D wc -c").output, "100000\n");
  EXPECT_EQ(shell("$D head -c 1000 < /dev/zero | wc -c").output, "1000\n");
  shell("mkfifo f; (cat input > f &) ; $D wc -c < f > output");
  EXPECT_EQ(read("output"), "3000003\n");
}

TEST_F(Console, AppendsAndKeepsTheOrderOfBothStreams) {
  write("log", "first\n");
  shell("$D sh -c \"for i in 1 2 3; do echo out \\$i; echo err \\$i >&2; done\" >> log 2>&1");
  EXPECT_EQ(read("log"), "first\nout 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
}

TEST_F(Console, ClosedDescriptorsBecomeNull) {
  EXPECT_EQ(shell("$D readlink /proc/self/fd/0 <&-").output, "/dev/null\n");
  EXPECT_EQ(shell("$D sh -c \"echo lost; echo kept >&2\" >&-").output, "kept\n");
}

TEST_F(Console, LeavesWhatTheCommandDidNotReadToTheNextOne) {
  write("list", "one\ntwo\nthree\n");
  EXPECT_EQ(shell("while read line; do echo $line; $D true; done < list").output,
            "one\ntwo\nthree\n");
  EXPECT_EQ(shell("(read line; $D cat) < list").output, "two\nthree\n");
}

TEST_F(Console, AFullDiskBehindTheOutputIsAnErrorInside) {
  const Outcome outcome =
      shell("$D sh -c \"yes | head -c 1000000; echo status \\$? >&2\" > /dev/full");
  EXPECT_THAT(outcome.output, HasSubstr("cannot write standard output"));
}

TEST_F(Console, AClosedReaderEndsTheWriter) {
  EXPECT_EQ(shell("$D yes | head -n 1; echo after").output, "y\nafter\n");
}

TEST_F(Console, RelaysSockets) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in[1], 0);
    ::dup2(out[1], 1);
    ::execl(kDriver.c_str(), "console_driver", "sh", "-c",
            "test -p /dev/stdin && test -p /dev/stdout && tr a-z A-Z", nullptr);
    ::_exit(99);
  }
  UniqueFd feed(in[0]);
  UniqueFd result(out[0]);
  ::close(in[1]);
  ::close(out[1]);
  const std::string text(300'000, 'q');
  const pid_t feeder = ::fork();
  if (feeder == 0) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t put = ::write(feed.get(), rest.data(), rest.size());
      if (put <= 0) ::_exit(1);
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
    ::_exit(0);
  }
  feed.reset();
  std::string got;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(result.get(), buffer, sizeof buffer)) > 0;) {
    got.append(buffer, static_cast<std::size_t>(n));
  }
  int status = 0;
  ::waitpid(feeder, &status, 0);
  ::waitpid(child, &status, 0);
  EXPECT_EQ(exit_code(status), 0);
  EXPECT_EQ(got, std::string(300'000, 'Q'));
}

// ---- signals without a terminal -----------------------------------------------------------------

TEST_F(Console, PassesSignalsOn) {
  for (const char* name : {"TERM", "INT", "HUP", "QUIT", "USR1", "USR2"}) {
    const std::string script =
        std::string("mkfifo f; trap \"\" ") + "PIPE; " +
        "$D sh -c \"trap \\\"echo got; exit 5\\\" " + name +
        "; echo up > f; while :; do sleep 0.01; done\" & read x < f; kill -" + name +
        " $!; wait $!; echo $?; rm f";
    // A shell without job control starts & with INT and QUIT ignored, which is to be honoured.
    const bool ignored = std::string(name) == "INT" || std::string(name) == "QUIT";
    if (ignored) continue;
    EXPECT_THAT(shell(script).output, HasSubstr("got\n5\n")) << name;
  }
}

TEST_F(Console, HonoursNohup) {
  const std::string script =
      "mkfifo f g; (trap \"\" HUP; exec $D sh -c \"echo up > f; read x < g; echo alive\") & "
      "read x < f; kill -HUP $!; echo on > g; wait $!; echo $?";
  EXPECT_EQ(shell(script).output, "alive\n0\n");
}

TEST_F(Console, EverythingIsGoneWhenTheCommandEnds) {
  // A daemon that ignores SIGTERM and SIGHUP, forked twice, in a session of its own.
  const Outcome outcome = shell(
      "$D sh -c \"trap \\\"\\\" TERM HUP; (setsid sh -c \\\"exec sleep 4711.25\\\" >/dev/null 2>&1 "
      "</dev/null &); echo started\"; ps -eo args | grep -c \"^sleep 4711.25\"");
  EXPECT_EQ(outcome.output, "started\n0\n");
}

TEST_F(Console, AgentSignallingEverybodyReachesNobodyOutside) {
  // kill(-1), kill(0) and stopping its parent: the script outside goes on.
  EXPECT_EQ(shell("$D sh -c \"kill -TERM -1; echo x\"; echo outside").output, "x\noutside\n");
  EXPECT_EQ(shell("$D sh -c \"kill -TERM 0\"; echo outside $?").output, "outside 143\n");
}

TEST_F(Console, LandlockAllowsBeneathAndRefusesBeside) {
  const Outcome outcome = shell(
      "mkdir in; $D --writable $PWD/in --writable /dev sh -c \"echo 1 > in/file && mv in/file "
      "in/f2 "
      "&& echo wrote; echo 1 > beside || echo refused; echo end\"");
  EXPECT_THAT(outcome.output, HasSubstr("wrote\n"));
  EXPECT_THAT(outcome.output, HasSubstr("refused\n"));
  EXPECT_THAT(outcome.output, HasSubstr("end\n"));
  EXPECT_EQ(read("beside"), "");
  EXPECT_EQ(read("in/f2"), "1\n");
}

TEST_F(Console, AgentCannotTraceOrOpenInit) {
  const Outcome outcome =
      shell("$D sh -c \"cat /proc/2/environ; ls /proc/2/fd; readlink /proc/2/exe; echo end\"");
  EXPECT_THAT(outcome.output, HasSubstr("end\n"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("REDOUBTFUL_INIT")));
  EXPECT_THAT(outcome.output, Not(HasSubstr("redoubtful-init\n")));
}

}  // namespace
}  // namespace redoubtful::test
