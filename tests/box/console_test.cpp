// Terminals, signals, descriptors and exit statuses: the real Console, the real redoubtful-init and
// real programs, on a pty made by the test, without the mounts of a box.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/box.hpp"
#include "tests/support/pty_session.hpp"

namespace redoubtful::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDriver = support_program("console_driver");

class Console : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("REDOUBTFUL_INIT", init_program().c_str(), 1);
    ::setenv("PS1", "$ ", 1);
    ::setenv("ENV", "/dev/null", 1);
    ::setenv("TERM", "xterm", 1);
    char name[] = "/tmp/redoubtful-console-XXXXXX";
    directory_ = ::mkdtemp(name);
    options_.directory = directory_;
    options_.environment["HISTFILE"] = "";
    write("inputrc", "set enable-bracketed-paste off\n");
    options_.environment["INPUTRC"] = path("inputrc");
    options_.environment["D"] = kDriver;
  }
  void TearDown() override {
    [[maybe_unused]] const int removed = std::system(("rm -rf " + directory_).c_str());
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }

  std::string read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }

  struct Outcome {
    int status = -1;
    std::string output;  // standard output and standard error
  };

  // A script of the host's shell, without any terminal; $D is the driver.
  Outcome shell(const std::string& script) const {
    const std::string command = "cd " + directory_ + " && setsid sh -c '" + script + "' 2>&1";
    ::setenv("D", kDriver.c_str(), 1);
    Outcome outcome;
    FILE* const pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) {
      outcome.output.append(buffer, got);
    }
    const int status = ::pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }

  // The driver itself as the program of a terminal.
  std::vector<std::string> driver(const std::string& script) const {
    return {kDriver, "bash", "-c", script};
  }

  // An interactive shell with job control as the user's shell.
  std::vector<std::string> host_shell() const { return {"bash", "--norc", "--noprofile", "-i"}; }

  std::string directory_;
  PtyOptions options_;
};

int exit_code(std::optional<int> status) {
  if (!status) return -1;
  return WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
}

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

// ---- on a terminal ------------------------------------------------------------------------------

TEST_F(Console, TheAgentHasATerminalOfItsOwn) {
  PtySession host(
      {"bash", "-c", "tty; $D bash -c 'tty; tty <&1; tty <&2; ps -o tpgid= $$; echo $$'"},
      options_);
  ASSERT_EQ(exit_code(host.wait_exit()), 0) << host.output();
  std::stringstream lines(host.output());
  std::string outside, in, out, error, group, pid;
  lines >> outside >> in >> out >> error >> group >> pid;
  EXPECT_THAT(in, HasSubstr("/dev/pts/"));
  EXPECT_NE(in, outside);
  EXPECT_EQ(in, out);
  EXPECT_EQ(in, error);
  EXPECT_EQ(group, pid) << "the agent leads the foreground process group";
}

TEST_F(Console, RawWhileItRunsAndAsBeforeAfterwards) {
  PtySession host(driver("echo up; read line; echo got=$line"), options_);
  ASSERT_TRUE(host.expect("up"));
  EXPECT_TRUE(host.wait_until([&] { return host.raw(); }));
  host.send("hello\r");
  ASSERT_TRUE(host.expect("got=hello")) << host.output();
  EXPECT_EQ(exit_code(host.wait_exit()), 0);
  EXPECT_FALSE(host.raw());
  EXPECT_TRUE(host.echoing());
}

TEST_F(Console, EchoIsTheAgentsBusiness) {
  PtySession host(driver("stty -echo; echo ready; read secret; stty echo; echo len=${#secret}"),
                  options_);
  ASSERT_TRUE(host.expect("ready"));
  host.send("hunter2\r");
  ASSERT_TRUE(host.expect("len=7")) << host.output();
  EXPECT_THAT(host.output(), Not(HasSubstr("hunter2")));
}

TEST_F(Console, CtrlCInterruptsTheAgentAlone) {
  PtySession host({"bash", "-c",
                   "$D bash -c 'trap \"echo caught; exit 3\" INT; echo up; "
                   "while :; do sleep 0.05; done'; echo outside=$?"},
                  options_);
  ASSERT_TRUE(host.expect("up"));
  host.send("\x03");
  EXPECT_TRUE(host.expect("caught")) << host.output();
  EXPECT_TRUE(host.expect("outside=3")) << host.output();
}

TEST_F(Console, CtrlCEndsAProgramThatDoesNotCatchIt) {
  PtySession host({"bash", "-c", "$D sh -c 'echo up; exec sleep 1000'; echo outside=$?"}, options_);
  ASSERT_TRUE(host.expect("up"));
  host.send("\x03");
  EXPECT_TRUE(host.expect("outside=130")) << host.output();
}

TEST_F(Console, CtrlDIsTheEndOfInput) {
  PtySession host(driver("echo up; cat; echo end"), options_);
  ASSERT_TRUE(host.expect("up"));
  host.send("line\r");
  ASSERT_TRUE(host.expect("line\r\nline"));
  host.send("\x04");
  EXPECT_TRUE(host.expect("end")) << host.output();
}

TEST_F(Console, ResizesReachTheAgent) {
  options_.rows = 31;
  options_.columns = 97;
  PtySession host(
      driver("stty size; trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done"), options_);
  ASSERT_TRUE(host.expect("31 97")) << host.output();
  ASSERT_TRUE(host.expect("up"));
  host.resize(40, 120);
  EXPECT_TRUE(host.expect("40 120")) << host.output();
}

TEST_F(Console, CtrlZStopsFgContinues) {
  PtySession host(host_shell(), options_);
  ASSERT_TRUE(host.expect("$ "));
  host.send("$D bash -c 'echo up; read a; echo got-$a'\r");
  ASSERT_TRUE(host.expect("\nup"));
  ASSERT_TRUE(host.wait_until([&] { return host.raw(); }));
  host.send("\x1a");
  ASSERT_TRUE(host.expect("Stopped")) << host.output();
  ASSERT_TRUE(host.expect("$ "));
  host.send("echo shell-$((40+2))\r");
  ASSERT_TRUE(host.expect("shell-42"));
  host.send("fg\r");
  ASSERT_TRUE(host.expect("read a"));  // bash prints the command
  ASSERT_TRUE(host.expect("\n"));
  host.send("word\r");
  ASSERT_TRUE(host.expect("got-word")) << host.output();
  ASSERT_TRUE(host.expect("$ "));
  host.send("echo status=$?\r");
  EXPECT_TRUE(host.expect("status=0"));
}

// The box stands still while it is stopped: nothing goes on working behind the user's back.
TEST_F(Console, AStopFreezesEveryProcessAndContinuesOnlyThose) {
  PtySession host(host_shell(), options_);
  ASSERT_TRUE(host.expect("$ "));
  // A counter that ignores SIGTSTP, in a group of its own; a process that was stopped before.
  write("inside.sh",
        "set -m\n"
        "(trap '' TSTP; while :; do echo x >> count; sleep 0.01; done) &\n"
        "sleep 2222 & kill -STOP $!\n"
        "echo $! > stopped-pid\n"
        "set +m; echo up; while :; do read line; ps -o stat= $(cat stopped-pid); done\n");
  host.send("$D bash inside.sh\r");
  ASSERT_TRUE(host.expect("\nup"));
  ASSERT_TRUE(host.wait_until([&] { return read("count").size() > 4; }));
  host.send("\x1a");
  ASSERT_TRUE(host.expect("Stopped")) << host.output();
  const std::size_t before = read("count").size();
  // Ten rounds of the shell are many rounds of the counter.
  for (int i = 0; i < 10; ++i) {
    host.send("true\r");
    ASSERT_TRUE(host.expect("$ "));
  }
  EXPECT_EQ(read("count").size(), before);
  host.send("fg\r");
  ASSERT_TRUE(host.wait_until([&] { return read("count").size() > before; })) << host.output();
  host.forget();
  host.send("\r");
  EXPECT_TRUE(host.expect("T")) << "stopped before, stopped after: " << host.unseen();
  host.send("\x03");
  EXPECT_TRUE(host.expect("$ "));
}

TEST_F(Console, BgGoesOnWithoutTheTerminalAndFgTakesItBack) {
  PtySession host(host_shell(), options_);
  ASSERT_TRUE(host.expect("$ "));
  write("inside.sh",
        "echo up; until test -e go; do sleep 0.02; done; echo working; "
        "until test -e read; do sleep 0.02; done; read a; echo got-$a\n");
  host.send("$D bash inside.sh\r");
  ASSERT_TRUE(host.expect("\nup"));
  ASSERT_TRUE(host.wait_until([&] { return host.raw(); }));
  host.send("\x1a");
  ASSERT_TRUE(host.expect("Stopped"));
  host.send("bg\r");
  ASSERT_TRUE(host.expect("$ "));
  write("go", "");
  EXPECT_TRUE(host.expect("working")) << "output from the background is shown: " << host.output();
  host.send("echo mine-$((1+1))\r");
  EXPECT_TRUE(host.expect("mine-2")) << "keys are the shell's: " << host.output();
  write("read", "");
  // Reading from the background stops the job, as it would have without the box.
  EXPECT_TRUE(host.wait_until([&] {
    host.send("jobs\r");
    return host.expect("Stopped", std::chrono::milliseconds(200));
  })) << host.output();
  host.forget();
  host.send("fg\r");
  ASSERT_TRUE(host.expect("inside.sh"));
  ASSERT_TRUE(host.wait_until([&] { return host.raw(); }));
  host.send("late\r");
  EXPECT_TRUE(host.expect("got-late")) << host.output();
}

TEST_F(Console, StartedInTheBackgroundItTakesTheTerminalOnFg) {
  PtySession host(host_shell(), options_);
  ASSERT_TRUE(host.expect("$ "));
  host.send("$D bash -c 'until test -e go; do sleep 0.02; done; read a; echo got-$a' &\r");
  ASSERT_TRUE(host.expect("$ "));
  host.send("echo mine-$((1+1))\r");
  ASSERT_TRUE(host.expect("mine-2"));
  EXPECT_TRUE(host.wait_until([&] { return host.echoing() || host.raw(); }));
  host.send("fg\r");  // of a running job: bash sends no SIGCONT
  ASSERT_TRUE(host.expect("got-$a'"));
  ASSERT_TRUE(host.wait_until([&] { return host.raw() && !host.echoing(); }));
  write("go", "");
  host.send("now\r");
  EXPECT_TRUE(host.expect("got-now")) << host.output();
}

TEST_F(Console, AnAgentThatIgnoresCtrlZCannotReadWhatIsTypedToTheShell) {
  // Design 2: with the user's own terminal such a process takes the foreground back.
  write("thief.py",
        "import os,signal,sys\n"
        "signal.signal(signal.SIGTSTP,signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTTOU,signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTTIN,signal.SIG_IGN)\n"
        "pid=os.fork()\n"
        "if pid==0:\n"
        "  os.setpgid(0,0)\n"
        "  f=open('/dev/tty','rb',0)\n"
        "  log=open('stolen','ab',0)\n"
        "  log.write(b'ready ')\n"
        "  while True:\n"
        "    try:\n"
        "      os.tcsetpgrp(f.fileno(),os.getpgrp())\n"
        "      log.write(f.read(1))\n"
        "    except OSError: pass\n"
        "signal.signal(signal.SIGTSTP,signal.SIG_DFL)\n"
        "print('up',flush=True)\n"
        "os.kill(os.getpid(),signal.SIGTSTP)\n"
        "os.waitpid(pid,0)\n");
  PtySession host(host_shell(), options_);
  ASSERT_TRUE(host.expect("$ "));
  host.send("$D python3 thief.py\r");
  ASSERT_TRUE(host.expect("Stopped")) << host.output();
  ASSERT_TRUE(host.expect("$ "));
  host.send("echo my-password-$((1+1))\r");
  ASSERT_TRUE(host.expect("my-password-2"));
  EXPECT_THAT(read("stolen"), Not(HasSubstr("password")));
}

TEST_F(Console, TheNeighbourInAPipelineKeepsItsKeys) {
  // `less` would read keys from the terminal while the agent writes into it.
  write("reader.sh",
        "cat > /dev/null & stty -icanon -echo < /dev/tty; echo reader-up; "
        "k=$(dd bs=1 count=1 < /dev/tty 2>/dev/null); stty icanon echo < /dev/tty; "
        "echo key=$k\n");
  write("inside.sh", "echo data; until test -e done; do sleep 0.02; done\n");
  PtySession host({"bash", "-c", "$D bash inside.sh | bash reader.sh"}, options_);
  ASSERT_TRUE(host.expect("reader-up")) << host.output();
  host.send("k");
  EXPECT_TRUE(host.expect("key=k")) << host.output();
  write("done", "");
  EXPECT_EQ(exit_code(host.wait_exit()), 0);
}

TEST_F(Console, AnAgentInAPipelineGetsKeysWhenItReadsThem) {
  PtySession host({"bash", "-c", "$D bash -c 'read -p name: a; echo hello-$a' | tee log"},
                  options_);
  ASSERT_TRUE(host.expect("name:")) << host.output();
  ASSERT_TRUE(host.wait_until([&] { return host.raw(); }));
  host.send("eve\r");
  EXPECT_TRUE(host.expect("hello-eve")) << host.output();
  EXPECT_EQ(exit_code(host.wait_exit()), 0);
  EXPECT_EQ(read("log"), "hello-eve\n");
  EXPECT_FALSE(host.raw());
}

TEST_F(Console, AFileOnStandardInputLeavesTheKeysToTheTerminal) {
  write("text", "from-the-file\n");
  PtySession host({"bash", "-c", "$D bash -c 'cat; read k < /dev/tty; echo key=$k' < text"},
                  options_);
  ASSERT_TRUE(host.expect("from-the-file"));
  ASSERT_TRUE(host.wait_until([&] { return host.raw(); })) << host.output();
  host.send("q\r");
  EXPECT_TRUE(host.expect("key=q")) << host.output();
}

TEST_F(Console, HangUpEndsTheAgent) {
  PtySession host({"bash", "-c",
                   "$D bash -c 'trap \"echo hup >> hup; exit\" HUP; echo $$ > pid; "
                   "echo up; while :; do sleep 0.05; done'"},
                  options_);
  ASSERT_TRUE(host.expect("up"));
  host.hang_up();
  EXPECT_TRUE(host.wait_until([&] { return read("hup") == "hup\n"; }));
  EXPECT_TRUE(host.wait_exit());
}

TEST_F(Console, AStuckTerminalStopsTheAgentAndNothingElse) {
  PtySession host(driver("echo up; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; "
                         "echo x >> count; done"),
                  options_);
  ASSERT_TRUE(host.expect("up"));
  // Nobody takes the output any more; the agent comes to a halt once the buffers are full.
  std::size_t last = 0;
  int unchanged = 0;
  for (int i = 0; i < 2000 && unchanged < 20; ++i) {
    ::usleep(5000);
    const std::size_t now = read("count").size();
    unchanged = now == last ? unchanged + 1 : 0;
    last = now;
  }
  EXPECT_EQ(unchanged, 20);
  // The supervisor still obeys.
  ASSERT_EQ(::kill(host.pid(), SIGTERM), 0);
  EXPECT_EQ(exit_code(host.wait_exit()), 143);
}

TEST_F(Console, ClipboardWritesDoNotReachTheTerminal) {
  PtySession host(driver("printf 'a\\033]52;c;aGVsbG8=\\007b\\033]0;title\\007c\\n'"), options_);
  EXPECT_EQ(exit_code(host.wait_exit()), 0);
  EXPECT_THAT(host.output(), HasSubstr("ab\x1b]0;title\x07"
                                       "c"));
  EXPECT_THAT(host.output(), Not(HasSubstr("aGVsbG8")));
}

TEST_F(Console, AnswersOfTheTerminalDoNotReachTheShell) {
  // The agent asks and exits; a terminal (the test) answers a little later.
  PtySession host({"bash", "-c", "$D printf '\\033[21t'; read -t 1 line; echo \"shell:[$line]\""},
                  options_);
  ASSERT_TRUE(host.expect("\x1b[21t")) << host.output();
  ASSERT_TRUE(host.expect("\x1b[?")) << "the supervisor's own question: " << host.output();
  ASSERT_TRUE(host.expect("$p"));
  const std::string& all = host.output();
  const std::size_t at = all.rfind("\x1b[?");
  const std::string mode = all.substr(at + 3, all.find('$', at) - at - 3);
  host.send("\x1b]lrm -rf important\r\x1b\\");
  host.send("\x1b[?" + mode + ";0$y\x1b[?62;22c");
  EXPECT_TRUE(host.expect("shell:[]")) << host.output();
}

TEST_F(Console, QuestionsFromTheBackgroundAreDropped) {
  PtySession host(host_shell(), options_);
  ASSERT_TRUE(host.expect("$ "));
  host.send(
      "$D bash -c 'until test -e go; do sleep 0.02; done; printf \"A\\033[21t\\033[6nB\\n\"' &\r");
  ASSERT_TRUE(host.expect("$ "));
  host.send("\r");
  ASSERT_TRUE(host.expect("$ "));
  write("go", "");
  EXPECT_TRUE(host.expect("AB")) << host.output();
}

TEST_F(Console, MegabytesPassUnchanged) {
  PtySession host(driver("stty -opost; head -c 3000000 /dev/zero | tr '\\0' 'a'; echo; echo END"),
                  options_);
  ASSERT_TRUE(host.expect("END"));
  const std::string& all = host.output();
  EXPECT_EQ(std::count(all.begin(), all.end(), 'a'), 3'000'000);
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
