// A run on a terminal made by the test: keys, ^C, ^Z, fg, bg, sizes, hang-up, what a terminal
// obeys.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/box/console_fixture.hpp"

namespace redoubtful::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

// SIGWINCH comes before there is a private terminal to pass the size to.
TEST_F(Console, ASizeThatChangesDuringTheStartIsTheAgentsFirst) {
  for (const std::string redirection : {"", " < text"}) {
    write("text", "from a file, so the agent does not have the keys\n");
    write("slow-init", "#!/bin/sh\n: > " + path("starting") + "\nuntil test -e " + path("resized") +
                           "; do sleep 0.02; done\nexec " + init_program().string() + " \"$@\"\n");
    std::filesystem::permissions(path("slow-init"), std::filesystem::perms::owner_all);
    options_.environment["REDOUBTFUL_INIT"] = path("slow-init");
    PtySession host({"bash", "-c", "$D stty -F /dev/tty size" + redirection}, options_);
    ASSERT_TRUE(host.wait_until([&] { return std::filesystem::exists(path("starting")); }));
    host.resize(40, 120);
    write("resized", "");
    EXPECT_TRUE(host.expect("40 120")) << redirection << ": " << host.output();
    EXPECT_EQ(exit_code(host.wait_exit()), 0);
    std::filesystem::remove(path("starting"));
    std::filesystem::remove(path("resized"));
  }
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
        "set +m; echo up; while read line && test -z \"$line\"; do ps -o stat= $(cat stopped-pid); "
        "done\n");
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
  host.send("enough\r");
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

}  // namespace
}  // namespace redoubtful::test
