#include "tests/support/puppet.hpp"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace redoubtful::test {
namespace {

constexpr unsigned long kSyscall = 0x050f;  // the instruction, little-endian
constexpr unsigned long kRedZone = 4096;    // below the stack, out of the way of everything

}  // namespace

#if defined(__x86_64__)

Puppet::Puppet(pid_t pid) : pid_(pid) {
  if (::ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr) != 0) {
    ADD_FAILURE() << "cannot attach to " << pid_ << ": " << std::strerror(errno);
    return;
  }
  attached_ = true;
  user_regs_struct registers{};
  if (::ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr) != 0 || !wait_for_stop() ||
      ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) {
    ADD_FAILURE() << "cannot stop " << pid_;
    return;
  }
  instruction_ = registers.rip - 2;
  scratch_ = (registers.rsp - kRedZone) & ~7UL;
  errno = 0;
  const long bytes = ::ptrace(PTRACE_PEEKTEXT, pid_, instruction_, nullptr);
  EXPECT_EQ(errno, 0);
  EXPECT_EQ(static_cast<unsigned long>(bytes) & 0xffffU, kSyscall) << "it waits in no system call";
}

long Puppet::call(long number, std::array<unsigned long, 6> arguments) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) return -ESRCH;
  registers.rip = instruction_;
  registers.rax = static_cast<unsigned long>(number);
  registers.orig_rax = ~0UL;  // nothing is to be started again
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
  if (::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers) != 0 ||
      ::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr) != 0) {
    return -ESRCH;
  }
  if (!wait_for_stop()) return 0;
  if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) return -ESRCH;
  return static_cast<long>(registers.rax);
}

#else

Puppet::Puppet(pid_t pid) : pid_(pid) { ADD_FAILURE() << "only for x86-64"; }
long Puppet::call(long, std::array<unsigned long, 6>) { return -ENOSYS; }

#endif

Puppet::~Puppet() {
  if (attached_) ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
}

unsigned long Puppet::text(std::string_view text) {
  std::string bytes(text);
  bytes.resize((bytes.size() / 8 + 1) * 8, '\0');
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    unsigned long word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    EXPECT_EQ(::ptrace(PTRACE_POKEDATA, pid_, scratch_ + at, word), 0) << std::strerror(errno);
  }
  return scratch_;
}

// False: it has ended.
bool Puppet::wait_for_stop() {
  int status = 0;
  if (::waitpid(pid_, &status, __WALL) == pid_ && WIFSTOPPED(status)) return true;
  attached_ = false;
  return false;
}

}  // namespace redoubtful::test
