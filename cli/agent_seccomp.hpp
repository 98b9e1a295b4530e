#pragma once

// The system-call filters of the box: which kernel calls exist inside, and with which arguments.
//
// Two programs are stacked, because each answers one question and the kernel takes the strictest
// answer of all installed filters:
//   calls      a list of the calls that exist. A privileged family answers EPERM, as it does to any
//              ordinary user; everything else, whatever later kernels add included, answers ENOSYS,
//              which is what makes libraries fall back.
//   arguments  what existing calls may not be asked for: namespaces, socket families and protocols
//              beyond what a developer's programs use, typing into a terminal.
// Another ABI (i386 by int 0x80 or a 32-bit program, x32) kills the process: its numbers mean other
// calls, and ENOSYS to every call would let a program stumble on in a state nobody has ever tested.
//
// The rules are written for libseccomp in cli/seccomp/rules.cpp and compiled when this program is
// built: libseccomp takes 1.3 ms to compile them, which every start would pay.
//
// Not promised: the filter sees registers, never memory, so it cannot judge paths or structures.
// What prctl() offers is not filtered: without a capability its options act on the caller alone.
// ptrace and process_vm_* stay, for debuggers; the process namespace bounds whom they reach.

#include <linux/filter.h>

#include <cstdint>
#include <span>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// Whether programs inside may build sandboxes of their own (`nested: true`): then, and only then,
// namespaces, the mount calls, pivot_root, chroot, setns and sethostname exist. What these can do
// is bounded by the user namespace they need to be in; everything else stays refused.
enum class Nesting { kRefused, kAllowed };

// Sealed memory files holding an array of struct sock_filter, offset 0, O_CLOEXEC: what bwrap reads
// from `--add-seccomp-fd FD`, once for each, in either order.
struct AgentSeccomp {
  UniqueFd calls;
  UniqueFd arguments;
};

// Takes some 20 µs. Errors: kSystemCall when memory files cannot be made.
Result<AgentSeccomp> build_agent_seccomp(Nesting nesting);

// The programs themselves, for those who install without bwrap and for tests. They live as long as
// the process.
std::span<const sock_filter> calls_program(Nesting nesting) noexcept;
std::span<const sock_filter> arguments_program(Nesting nesting) noexcept;

}  // namespace redoubtful::cli
