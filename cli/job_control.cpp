#include "cli/job_control.hpp"

#include <signal.h>
#include <unistd.h>

namespace redoubtful::cli {

bool stop_until_continued(int signal_number, StopScope scope) {
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, signal_number);
  // Pending now, delivered (and obeyed) by the unblocking.
  if (scope == StopScope::kGroup) {
    ::kill(0, signal_number);
  } else {
    ::raise(signal_number);
  }
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  ::sigprocmask(SIG_BLOCK, &one, nullptr);
  // A stop signal discards a pending SIGCONT, so one that is pending now has continued us.
  sigset_t pending;
  return ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGCONT) == 1;
}

bool is_ignored(int signal_number) {
  struct sigaction action {};
  return ::sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace redoubtful::cli
