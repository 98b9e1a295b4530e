#include "cli/init/agent.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

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

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

const char* search_path(char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  }
  return kDefaultPath;
}

// Returns only on failure, with errno.
void execute(const char* path, const Spec& spec) {
  ::execve(path, spec.arguments, spec.environment);
  if (errno != ENOEXEC) return;
  // A script without a first line is the shell's, as execvp(3) has it.
  const std::size_t count = spec.header.argument_count;
  auto** const with_shell = static_cast<const char**>(std::malloc((count + 2) * sizeof(char*)));
  if (with_shell == nullptr) return;
  with_shell[0] = "/bin/sh";
  with_shell[1] = path;
  for (std::size_t i = 1; i <= count; ++i) with_shell[i + 1] = spec.arguments[i];
  ::execve(with_shell[0], const_cast<char* const*>(with_shell), spec.environment);
  std::free(with_shell);
  errno = ENOEXEC;
}

// execvp(3), but for one thing: that calls a program "permission denied" when any directory of PATH
// cannot be searched. A box has such directories; only a file that is there counts.
void run_program(const Spec& spec) {
  const char* const name = spec.arguments[0];
  const std::size_t length = std::strlen(name);
  if (std::strchr(name, '/') != nullptr) {
    execute(name, spec);
    return;
  }
  int worst = ENOENT;
  const char* entry = search_path(spec.environment);
  while (length > 0 && length <= NAME_MAX) {
    const char* const end = ::strchrnul(entry, ':');
    const auto size = static_cast<std::size_t>(end - entry);
    char path[PATH_MAX];
    if (size + length + 2 <= sizeof path) {
      std::memcpy(path, entry, size);
      path[size] = '/';
      // An empty entry is the working directory.
      char* const file = path + (size == 0 ? 0 : size + 1);
      std::memcpy(file, name, length + 1);
      execute(path, spec);
      const int error = errno;
      struct stat info {};
      if (error == EACCES && ::stat(path, &info) == 0 && S_ISREG(info.st_mode)) worst = EACCES;
      if (error != EACCES && error != ENOENT && error != ENOTDIR) {
        errno = error;
        return;
      }
    }
    if (*end == '\0') break;
    entry = end + 1;
  }
  errno = length > NAME_MAX ? ENAMETOOLONG : worst;
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
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  run_program(spec);
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
