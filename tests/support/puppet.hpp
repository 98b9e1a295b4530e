#pragma once

// Another process made to do what a bug in it could do: system calls put into it by ptrace(2), so
// that what it has forbidden itself is tried by effect. Needs root, and x86-64; the process is not
// fit for use afterwards.

#include <sys/types.h>

#include <array>
#include <string_view>

namespace redoubtful::test {

class Puppet {
 public:
  // The process must wait in a system call. Fails the test where it cannot.
  explicit Puppet(pid_t pid);
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;
  ~Puppet();

  // What it gives, or a negated errno; 0 when the process has ended by it.
  long call(long number, std::array<unsigned long, 6> arguments);

  // The address of a copy of the text, which must be short; the next one takes its place.
  unsigned long text(std::string_view text);

 private:
  bool wait_for_stop();

  pid_t pid_;
  unsigned long instruction_ = 0;
  unsigned long scratch_ = 0;
  bool attached_ = false;
};

}  // namespace redoubtful::test
