#include "cli/event_loop.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace redoubtful::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  void put() const { EXPECT_EQ(::write(write.get(), "x", 1), 1); }
};

TEST(EventLoop, CallsWhoIsReadyAndNobodyElse) {
  EventLoop loop;
  Pipe ready;
  Pipe idle;
  std::vector<std::string> called;
  const Watch a =
      loop.watch(ready.read.get(), POLLIN, [&](short) { called.emplace_back("ready"); });
  const Watch b = loop.watch(idle.read.get(), POLLIN, [&](short) { called.emplace_back("idle"); });
  ready.put();
  ASSERT_TRUE(loop.run_once(milliseconds(0)));
  EXPECT_THAT(called, ElementsAre("ready"));
}

TEST(EventLoop, NoEventsMeansNotEvenHangUp) {
  EventLoop loop;
  Pipe pipe;
  int calls = 0;
  Watch watch = loop.watch(pipe.read.get(), 0, [&](short) { ++calls; });
  pipe.write.reset();
  ASSERT_TRUE(loop.run_once(milliseconds(0)));
  EXPECT_EQ(calls, 0);
  watch.set_events(POLLIN);
  ASSERT_TRUE(loop.run_once(milliseconds(0)));
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, ACallbackMayRemoveItselfAndOthers) {
  EventLoop loop;
  Pipe first;
  Pipe second;
  int calls = 0;
  Watch a;
  Watch b;
  // Whichever comes first removes both.
  const auto both = [&](short) {
    ++calls;
    a.reset();
    b.reset();
  };
  a = loop.watch(first.read.get(), POLLIN, both);
  b = loop.watch(second.read.get(), POLLIN, both);
  first.put();
  second.put();
  ASSERT_TRUE(loop.run_once(milliseconds(0)));
  ASSERT_TRUE(loop.run_once(milliseconds(0)));
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, TimersComeInOrderAndOnce) {
  EventLoop loop;
  std::vector<int> called;
  const Watch late = loop.after(milliseconds(20), [&] {
    called.push_back(2);
    loop.stop();
  });
  const Watch early = loop.after(milliseconds(1), [&] { called.push_back(1); });
  Watch cancelled = loop.after(milliseconds(2), [&] { called.push_back(3); });
  cancelled.reset();
  ASSERT_TRUE(loop.run());
  EXPECT_THAT(called, ElementsAre(1, 2));
}

TEST(EventLoop, SignalsArriveAsEventsAndTheMaskComesBack) {
  sigset_t before;
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  {
    EventLoop loop;
    std::vector<int> got;
    auto watch = loop.on_signals({SIGUSR1, SIGWINCH}, [&](const signalfd_siginfo& info) {
      got.push_back(static_cast<int>(info.ssi_signo));
    });
    ASSERT_TRUE(watch);
    ::raise(SIGUSR1);
    ASSERT_TRUE(loop.run_once(milliseconds(1000)));
    EXPECT_THAT(got, ElementsAre(SIGUSR1));
    auto second = loop.on_signals({SIGUSR2}, [&](const signalfd_siginfo&) { got.push_back(0); });
    ASSERT_TRUE(second);
    ::raise(SIGUSR2);
    ASSERT_TRUE(loop.run_once(milliseconds(1000)));
    EXPECT_THAT(got, ElementsAre(SIGUSR1, 0));
    EXPECT_EQ(::sigismember(&loop.original_mask(), SIGUSR1), 0);
  }
  sigset_t after;
  ::sigprocmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(::sigismember(&after, SIGUSR1), ::sigismember(&before, SIGUSR1));
}

TEST(EventLoop, AProcessDescriptorTellsOfTheEnd) {
  EventLoop loop;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  ASSERT_TRUE(process.valid());
  const Watch watch = loop.watch(process.get(), POLLIN, [&](short) { loop.stop(); });
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), child);
}

}  // namespace
}  // namespace redoubtful::cli
