#pragma once

// Stops every process of the box, and afterwards continues exactly those it stopped.
//
// kill(-1, SIGSTOP) reaches everything in the PID namespace but its pid 1 (bwrap, which only waits)
// and the caller. Processes that were stopped before (a job suspended in an inner shell, something
// under a debugger) are noted down first and left as they were.

#include <sys/types.h>

#include <cstddef>

namespace redoubtful::cli::init {

class Freezer {
 public:
  void freeze();

  // Children before their parents, so that an inner shell does not see its job stopped.
  void thaw();

  bool frozen() const { return frozen_; }

 private:
  // A process is its pid and its start: the pid may belong to another one after thaw().
  struct Process {
    pid_t pid;
    unsigned long long start;
    bool stopped;
  };

  // Every process but pid 1 and init. False when /proc cannot be read or there is no memory.
  bool list(Process*& processes, std::size_t& count);
  bool was_stopped(const Process& process) const;

  bool frozen_ = false;
  Process* stopped_before_ = nullptr;
  std::size_t stopped_count_ = 0;
};

}  // namespace redoubtful::cli::init
