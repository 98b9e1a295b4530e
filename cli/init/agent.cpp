#include "cli/init/agent.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "cli/init/landlock.hpp"

namespace redoubtful::cli::init {
namespace {

using protocol::Step;

bool apply_limits(const protocol::SpecHeader& header) {
  for (int i = 0; i < header.limit_count; ++i) {
    const protocol::SpecLimit& limit = header.limits[i];
    const rlimit wanted{limit.soft, limit.hard};
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &wanted) != 0) return false;
  }
  return true;
}

// Runs in the child. Returns the step that failed, errno set.
Step become_agent(const Spec& spec, int terminal, int ruleset) {
  if (::setpgid(0, 0) != 0) return Step::kProcessGroup;
  const bool foreground = (spec.header.flags & protocol::kInBackground) == 0;
  // All signals are still blocked, SIGTTOU with them.
  if (terminal >= 0 && foreground && ::tcsetpgrp(terminal, ::getpid()) != 0) {
    return Step::kProcessGroup;
  }
  if (::chdir(spec.directory) != 0) return Step::kDirectory;
  if (!apply_limits(spec.header)) return Step::kLimit;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Step::kPrivileges;
  if (ruleset >= 0 && !enter_landlock(ruleset)) return Step::kLandlock;
  // execvp(3) looks PATH up in the calling process's environment.
  ::environ = spec.environment;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(spec.arguments[0], spec.arguments);
  return Step::kExec;
}

}  // namespace

Agent start_agent(const Spec& spec, int terminal, int ruleset) {
  Agent agent;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return agent;
  agent.pid = ::fork();
  if (agent.pid == 0) {
    StartFailure failure;
    failure.step = become_agent(spec, terminal, ruleset);
    failure.error = errno;
    // A pipe takes this whole or not at all; a reader that is gone does not matter any more.
    const ssize_t written = ::write(ends[1], &failure, sizeof failure);
    ::_exit(written == static_cast<ssize_t>(sizeof failure) ? protocol::kExitNotExecutable
                                                            : protocol::kExitBroken);
  }
  const int error = errno;
  ::close(ends[1]);
  if (agent.pid < 0) {
    ::close(ends[0]);
    errno = error;
    return agent;
  }
  // Whichever of the two comes first; afterwards the group exists for both.
  ::setpgid(agent.pid, agent.pid);
  agent.start_result = ends[0];
  return agent;
}

}  // namespace redoubtful::cli::init
