#include "common/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace redoubtful {
namespace {

// A shell's `&` leaves SIGINT and SIGQUIT ignored, and exec keeps ignored signals ignored.
void reset_signals() noexcept {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

UniqueFd own_pidfd() noexcept {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
}

constexpr int kChildBroken = 125;
constexpr int kNotExecuted = 127;

// In the child. False: the parent is gone already.
bool die_with_parent(int parent_pidfd) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have died before the signal was armed; getppid(2) says nothing across namespaces.
  pollfd parent{.fd = parent_pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&parent, 1, 0) == 0;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Spawned {
  const char* path;
  char* const* arguments;
  char* const* environment;
  const std::function<bool()>* before;
  int parent_pidfd;
};

// In the parent's memory until it is another program.
int become_spawned(void* argument) {
  const auto& self = *static_cast<const Spawned*>(argument);
  ::setpgid(0, 0);
  if (!die_with_parent(self.parent_pidfd)) ::_exit(kChildBroken);
  reset_signals();
  if ((*self.before)()) ::execve(self.path, self.arguments, self.environment);
  ::_exit(kNotExecuted);
}

}  // namespace

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::leave() noexcept {
  pid_ = -1;
  pidfd_.reset();
}

Result<ChildProcess> ChildProcess::fork(const std::function<int()>& body) { return start(0, body); }

Result<ChildProcess> ChildProcess::fork_into(std::uint64_t namespaces,
                                             const std::function<int()>& body) {
  return start(namespaces, body);
}

Result<ChildProcess> ChildProcess::start(std::uint64_t namespaces,
                                         const std::function<int()>& body) {
  const UniqueFd self = own_pidfd();
  if (!self) return Error::system_call("cannot watch this process (pidfd_open)", errno);
  int child_pidfd = -1;
  // Not clone3(2): containers and our own box answer it with ENOSYS, for no filter sees its flags.
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_PIDFD | SIGCHLD | namespaces,
                                                nullptr, &child_pidfd, nullptr, nullptr));
  if (pid < 0) return Error::system_call("cannot start a process", errno);
  if (pid == 0) {
    if (namespaces == 0) {
      ::setpgid(0, 0);
    } else {
      ::setsid();  // cannot fail: it leads no group yet
    }
    if (!die_with_parent(self.get())) ::_exit(kChildBroken);
    reset_signals();
    ::_exit(body());
  }
  // Whoever comes first; afterwards it is true in both. (A group's leader could start no session.)
  if (namespaces == 0) ::setpgid(pid, pid);
  return ChildProcess(pid, UniqueFd(child_pidfd));
}

Result<ChildProcess> ChildProcess::spawn(const SpawnRequest& program,
                                         const std::function<bool()>& before) {
  const UniqueFd self = own_pidfd();
  if (!self) return Error::system_call("cannot watch this process (pidfd_open)", errno);
  const auto argv = pointers_to(program.arguments);
  const auto envp = pointers_to(program.environment);
  Spawned spawned{program.path.c_str(), argv.data(), envp.data(), &before, self.get()};
  constexpr std::size_t kStackBytes = std::size_t{64} << 10U;
  const std::unique_ptr<char[]> stack(new char[kStackBytes]);
  // No handler of ours may run in the child: it would act on this process's memory.
  sigset_t all;
  sigset_t before_it;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before_it);
  int child_pidfd = -1;
  // By the library's clone(), not by the system call: the child must not return on our stack.
  const pid_t pid = ::clone(become_spawned, stack.get() + kStackBytes,
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &spawned, &child_pidfd);
  const int error = errno;
  ::sigprocmask(SIG_SETMASK, &before_it, nullptr);
  if (pid < 0) return Error::system_call("cannot start a process", error);
  return ChildProcess(pid, UniqueFd(child_pidfd));
}

void ChildProcess::signal(int number) const noexcept {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<int> ChildProcess::try_wait() noexcept {
  if (pid_ <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  pidfd_.reset();
  return status;
}

int ChildProcess::wait() noexcept {
  int status = 0;
  while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  pidfd_.reset();
  return status;
}

void ChildProcess::end() noexcept {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  wait();
}

int shell_status(int wait_status) noexcept {
  if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);
  if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
  return 125;
}

void exec_program(const std::string& path, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment) noexcept {
  const auto argv = pointers_to(arguments);
  const auto envp = pointers_to(environment);
  ::execve(path.c_str(), argv.data(), envp.data());
}

Result<void> make_inheritable(int fd) {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags < 0 || ::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) != 0) {
    return Error::system_call("cannot pass a descriptor on", errno);
  }
  return {};
}

}  // namespace redoubtful
