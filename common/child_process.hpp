#pragma once

// A process this one started, held by pidfd, so that a signal can never reach a stranger who got
// the same number. Ends the child with SIGKILL and reaps it when it goes out of scope.
//
// Children get a parent-death signal. It fires when the *thread* that forked ends, so only a
// single-threaded program may use this.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful {

// What execve(2) is told.
struct SpawnRequest {
  std::string path;
  std::vector<std::string> arguments;    // the first is the name it goes by
  std::vector<std::string> environment;  // NAME=value
};

class ChildProcess {
 public:
  ChildProcess() noexcept = default;
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Forks. The child runs `body` in a process group of its own with SIGKILL as parent-death signal,
  // every signal at its default and none blocked, and exits with what `body` returns.
  // Errors: kSystemCall.
  static Result<ChildProcess> fork(const std::function<int()>& body);

  // Becomes `program` once `before` (descriptors, the working directory) said true; else, and where
  // the program cannot be executed, the child exits with 127. As with vfork(2) this process sleeps
  // until then and the child is in its memory, so `before` makes system calls and nothing more: it
  // neither allocates nor changes a variable. What that saves, a copy of this process's page tables
  // and a second fault on every page it writes to afterwards, is a good part of a run's start.
  // Errors: kSystemCall.
  static Result<ChildProcess> spawn(const SpawnRequest& program,
                                    const std::function<bool()>& before);

  // As fork() in new namespaces (CLONE_NEW* of clone(2)) and in a session of its own, which has no
  // controlling terminal. With CLONE_NEWPID the child is the first
  // process of its pid namespace: when it dies, however early, the kernel ends everything below it.
  static Result<ChildProcess> fork_into(std::uint64_t namespaces, const std::function<int()>& body);

  pid_t pid() const noexcept { return pid_; }
  int pidfd() const noexcept { return pidfd_.get(); }  // readable when the child has ended
  bool running() const noexcept { return pid_ > 0; }

  // Sends a signal; a child that has ended is not an error.
  void signal(int number) const noexcept;

  // Neither ended nor reaped when this goes away: for a child that knows its end by itself. The
  // parent-death signal is its own to clear.
  void leave() noexcept;

  // Reaps the child if it has ended: the wait status.
  std::optional<int> try_wait() noexcept;

  // Blocks until it has ended.
  int wait() noexcept;

 private:
  ChildProcess(pid_t pid, UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
  static Result<ChildProcess> start(std::uint64_t namespaces, const std::function<int()>& body);
  void end() noexcept;

  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

// The exit status a shell would report for a wait status: the code, or 128+n for a signal.
int shell_status(int wait_status) noexcept;

// Replaces this process. Every descriptor without close-on-exec is inherited. Returns only on
// failure, with errno set.
void exec_program(const std::string& path, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment) noexcept;

// Clears close-on-exec on a descriptor that a child is meant to inherit.
Result<void> make_inheritable(int fd);

}  // namespace redoubtful
