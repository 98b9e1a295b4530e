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

Result<ChildProcess> ChildProcess::fork(const std::function<int()>& body) {
  return start(0, 0, body);
}

Result<ChildProcess> ChildProcess::spawn(const std::function<int()>& body) {
  return start(CLONE_VFORK, 0, body);  // without CLONE_VM: the child's memory is its own
}

Result<ChildProcess> ChildProcess::fork_into(std::uint64_t namespaces,
                                             const std::function<int()>& body) {
  return start(0, namespaces, body);
}

Result<ChildProcess> ChildProcess::start(std::uint64_t flags, std::uint64_t namespaces,
                                         const std::function<int()>& body) {
  const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self) return Error::system_call("cannot watch this process (pidfd_open)", errno);
  int child_pidfd = -1;
  // Not clone3(2): containers and our own box answer it with ENOSYS, for no filter sees its flags.
  const auto pid =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_PIDFD | SIGCHLD | flags | namespaces, nullptr,
                                   &child_pidfd, nullptr, nullptr));
  if (pid < 0) return Error::system_call("cannot start a process", errno);
  if (pid == 0) {
    if (namespaces == 0) {
      ::setpgid(0, 0);
    } else {
      ::setsid();  // cannot fail: it leads no group yet
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have died before the signal was armed; getppid(2) says nothing across namespaces.
    pollfd parent{.fd = self.get(), .events = POLLIN, .revents = 0};
    if (::poll(&parent, 1, 0) != 0) ::_exit(125);
    reset_signals();
    ::_exit(body());
  }
  // Whoever comes first; afterwards it is true in both. (A group's leader could start no session.)
  if (namespaces == 0) ::setpgid(pid, pid);
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
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> envp;
  envp.reserve(environment.size() + 1);
  for (const auto& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
  envp.push_back(nullptr);
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
