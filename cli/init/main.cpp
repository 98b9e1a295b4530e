// redoubtful-init: the first program in the box. See cli/init/README.md.
//
// Order matters: nothing of the agent runs before every descriptor, signal and limit is as it
// should be, and init itself stays outside the agent's Landlock domain.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/init/agent.hpp"
#include "cli/init/channel.hpp"
#include "cli/init/freezer.hpp"
#include "cli/init/landlock.hpp"
#include "cli/init/page_request.hpp"
#include "cli/init/private_terminal.hpp"
#include "cli/init/spec_reader.hpp"

namespace redoubtful::cli::init {
namespace {

using protocol::Notice;
using protocol::Order;
using protocol::Place;
using protocol::Report;
using protocol::Stage;
using protocol::Target;

// Maps the specification privately; it stays for the life of the process.
bool load_spec(int fd, Spec& spec) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || info.st_size <= 0) return false;
  const auto size = static_cast<std::size_t>(info.st_size);
  void* const bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) return false;
  protocol::SpecHeader header;
  if (!read_header(static_cast<const char*>(bytes), size, header)) return false;
  auto* const pointers = static_cast<char**>(std::malloc(pointers_needed(header) * sizeof(char*)));
  return pointers != nullptr && read_spec(static_cast<char*>(bytes), size, pointers, spec);
}

// Everything but 0–2 and the control socket, which becomes kControl, is closed.
bool arrange_descriptors(int control) {
  if (control != kControl && ::dup3(control, kControl, O_CLOEXEC) < 0) return false;
  if (::fcntl(kControl, F_SETFD, FD_CLOEXEC) != 0) return false;
  return ::close_range(kControl + 1, ~0U, 0) == 0;
}

// Default dispositions are inherited by the agent; the full mask is init's alone.
void arrange_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
}

class Init {
 public:
  explicit Init(const Spec& spec) : spec_(spec) {}

  void prepare() {
    if (::setsid() < 0 && ::getsid(0) != ::getpid()) fail(Stage::kSession, errno);
    prepare_confinement();
    int master = -1;
    if ((spec_.header.flags & protocol::kMakeTerminal) != 0) {
      master = terminal_.create(spec_.header);
      if (master < 0) fail(Stage::kTerminal, errno);
    }
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    child_signals_ = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (child_signals_ < 0) fail(Stage::kDescriptors, errno);
    const int pages = open_page_socket();
    if (pages < 0) fail(Stage::kDescriptors, errno);
    report(Report::kPageSocket, 0, 0, pages);
    ::close(pages);
    report(Report::kReady, 0, 0, master);
    if (master >= 0) ::close(master);
  }

  [[noreturn]] void run() {
    for (;;) {
      pollfd waits[3] = {
          {kControl, POLLIN, 0}, {child_signals_, POLLIN, 0}, {agent_.start_result, POLLIN, 0}};
      if (::poll(waits, 3, -1) < 0 && errno != EINTR) ::_exit(protocol::kExitBroken);
      if (waits[2].revents != 0) read_start_result();
      if (waits[1].revents != 0) {
        signalfd_siginfo ignored[8];
        while (::read(child_signals_, ignored, sizeof ignored) > 0) {
        }
        look_at_children();
      }
      if (waits[0].revents != 0) {
        protocol::Message order;
        while (next_order(order)) obey(order);
      }
    }
  }

 private:
  void prepare_confinement() {
    if ((spec_.header.flags & protocol::kConfineWrites) == 0) return;
    const auto missing = [](std::uint32_t index, int error) {
      report(Report::kNotice, static_cast<int>(Notice::kLandlockPathMissing),
             static_cast<int>(index));
      (void)error;
    };
    switch (prepare_landlock(spec_.writable, spec_.header.writable_count, ruleset_, missing)) {
      case LandlockResult::kReady:
        return;
      case LandlockResult::kUnsupported:
        report(Report::kNotice, static_cast<int>(Notice::kNoLandlock));
        return;
      case LandlockResult::kFailed:
        fail(Stage::kLandlock, errno);
    }
  }

  void obey(const protocol::Message& order) {
    switch (static_cast<Order>(order.type)) {
      case Order::kGo:
        if (agent_.pid < 0) start();
        return;
      case Order::kSignal:
        send_signal(order.value, static_cast<Target>(order.detail));
        return;
      case Order::kFreeze:
        freezer_.freeze();
        report(Report::kFrozen);
        return;
      case Order::kContinue:
        place(order.value);
        resume();
        return;
      case Order::kPlace:
        place(order.value);
        return;
      case Order::kHangUp:
        send_signal(SIGHUP, Target::kAgentGroup);
        send_signal(SIGHUP, Target::kForegroundGroup);
        resume();
        return;
      case Order::kSpecification:  // the first order only
        break;
    }
    ::_exit(protocol::kExitBroken);
  }

  void start() {
    agent_ = start_agent(spec_, terminal_.descriptor(), ruleset_);
    if (agent_.pid < 0) fail(Stage::kFork, errno);
    if (ruleset_ >= 0) ::close(ruleset_);
  }

  void read_start_result() {
    StartFailure failure;
    const ssize_t got = ::read(agent_.start_result, &failure, sizeof failure);
    if (got < 0 && errno == EINTR) return;
    ::close(agent_.start_result);
    agent_.start_result = -1;
    if (got != static_cast<ssize_t>(sizeof failure)) {
      // EOF: exec closed the pipe, or the process was killed before; then its status follows.
      report(Report::kStarted);
      return;
    }
    report(Report::kExecFailed, failure.error, static_cast<int>(failure.step));
    if (failure.step != protocol::Step::kExec) ::_exit(protocol::kExitBroken);
    ::_exit(failure.error == ENOENT ? protocol::kExitNotFound : protocol::kExitNotExecutable);
  }

  void look_at_children() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
      if (pid != agent_.pid) continue;
      if (WIFSTOPPED(status)) {
        report_stop(WSTOPSIG(status));
      } else {
        finish(status);
      }
    }
  }

  void report_stop(int signal_number) {
    // While frozen it is our own SIGSTOP that is seen here.
    if (freezer_.frozen()) return;
    const bool terminal_access = signal_number == SIGTTIN || signal_number == SIGTTOU;
    const bool wants = terminal_access && terminal_.exists() && terminal_.foreground_group() == 0;
    report(wants ? Report::kWantsTerminal : Report::kStopped, signal_number);
  }

  [[noreturn]] void finish(int status) {
    if (agent_.start_result >= 0) read_start_result();
    report(Report::kExited, status);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }

  void send_signal(int number, Target target) {
    if (agent_.pid <= 0 || number <= 0 || number >= NSIG) return;
    pid_t to = -agent_.pid;
    if (target == Target::kAgent) to = agent_.pid;
    if (target == Target::kForegroundGroup) {
      const pid_t group = terminal_.foreground_group();
      if (group > 0) to = -group;
    }
    ::kill(to, number);
  }

  void place(int value) {
    if (value == static_cast<int>(Place::kForeground)) {
      if (agent_.pid > 0) terminal_.bring_to_foreground(agent_.pid);
    } else {
      terminal_.send_to_background();
    }
  }

  void resume() {
    freezer_.thaw();
    // What a shell does for a job; the agent may have stopped before the freeze.
    if (agent_.pid > 0) ::kill(-agent_.pid, SIGCONT);
  }

  const Spec& spec_;
  PrivateTerminal terminal_;
  Freezer freezer_;
  Agent agent_;
  int child_signals_ = -1;
  int ruleset_ = -1;
};

}  // namespace
}  // namespace redoubtful::cli::init

int main(int argc, char** argv) {
  using namespace redoubtful::cli;
  if (argc > 0 && init::is_opener(argv[0])) return init::ask_for_pages(argc - 1, argv + 1);
  // Before anything else: the agent shares our uid and must not be able to trace or open us.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // kill(-1) is meant for a box. Outside of any PID namespace, pid 2 is a kernel thread.
  if (argc != 2 || ::getpid() != 2) {
    static constexpr char kText[] =
        "redoubtful-init: started by 'redoubtful run' only, as the first program of a box\n";
    if (::write(2, kText, sizeof kText - 1) < 0) return protocol::kExitBroken;
    return protocol::kExitBroken;
  }
  const int control_fd = std::atoi(argv[1]);
  if (control_fd <= 2 || !init::arrange_descriptors(control_fd)) return protocol::kExitBroken;
  init::arrange_signals();
  const int spec_fd = init::wait_for_specification();
  static init::Spec spec;
  if (!init::load_spec(spec_fd, spec)) init::fail(protocol::Stage::kSpecification, errno);
  ::close(spec_fd);
  static init::Init self(spec);
  self.prepare();
  self.run();
}
