#include "cli/seccomp/rules.hpp"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cli/seccomp/calls.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli::seccomp {
namespace {

constexpr std::uint64_t kLow32 = 0xFFFF'FFFFU;  // what the kernel keeps of an int parameter

struct Release {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

void check(int result, const std::string& doing) {
  if (result < 0) {
    throw std::runtime_error("libseccomp: " + doing + ": " + strerrordesc_np(-result));
  }
}

// The whole register equals / exceeds / differs from `value`: garbage above the low half is refused
// where an answer is picked from a list of values.
scmp_arg_cmp exceeds(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_GT, value, 0};
}
scmp_arg_cmp differs(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_NE, value, 0};
}
scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
// The bits of `mask` are those of `value`, whatever the others are.
scmp_arg_cmp has(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

class Rules {
 public:
  Rules(std::uint32_t otherwise, int optimization) : context_(::seccomp_init(otherwise)) {
    if (!context_) throw std::runtime_error("libseccomp: out of memory");
    const std::uint32_t native = ::seccomp_arch_native();
    if (native != SCMP_ARCH_X86_64 && native != SCMP_ARCH_AARCH64) {
      throw std::runtime_error("the system-call rules have been checked for x86-64 and arm64 only");
    }
    // i386 programs, int 0x80 and (by the number's bit 30) x32.
    set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    set(SCMP_FLTATR_CTL_OPTIMIZE, static_cast<std::uint32_t>(optimization));
  }

  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> when = {}) {
    check(::seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(when.size()),
                                   when.begin()),
          "adding a rule for call " + std::to_string(call));
  }
  void refuse(int error, int call, std::initializer_list<scmp_arg_cmp> when = {}) {
    add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), call, when);
  }

  std::vector<sock_filter> compile() const {
    const UniqueFd file(::memfd_create("rules", MFD_CLOEXEC));
    if (!file) throw std::runtime_error("cannot make a memory file");
    check(::seccomp_export_bpf(context_.get(), file.get()), "compiling the rules");
    const off_t bytes = ::lseek(file.get(), 0, SEEK_END);
    std::vector<sock_filter> program(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
    if (bytes <= 0 ||
        ::pread(file.get(), program.data(), static_cast<std::size_t>(bytes), 0) != bytes) {
      throw std::runtime_error("cannot read the compiled rules back");
    }
    return program;
  }

 private:
  void set(scmp_filter_attr attribute, std::uint32_t value) {
    check(::seccomp_attr_set(context_.get(), attribute, value), "setting an attribute");
  }
  Context context_;
};

// setarch, gdb and sanitizers need these and the question 0xffffffff. All others weaken the memory
// layout or ask for other systems' quirks.
void allow_personalities(Rules& rules) {
  constexpr std::uint64_t kAllowed = std::uint64_t{PER_LINUX32} | UNAME26 | ADDR_NO_RANDOMIZE;
  // Every subset of the bits: the next smaller one is (subset - 1) & kAllowed.
  for (std::uint64_t subset = kAllowed;; subset = (subset - 1) & kAllowed) {
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(personality), {has(0, kLow32, subset)});
    if (subset == 0) break;
  }
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(personality), {has(0, kLow32, kLow32)});
}

void refuse_namespaces(Rules& rules) {
  constexpr std::array<std::uint64_t, 7> kNamespaces{CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                                     CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                                     CLONE_NEWNET};
  for (const std::uint64_t flag : kNamespaces) {
    rules.refuse(EPERM, SCMP_SYS(clone), {has(0, flag, flag)});
    rules.refuse(EPERM, SCMP_SYS(unshare), {has(0, flag, flag)});
  }
  // In clone() this bit is part of the exit signal.
  rules.refuse(EPERM, SCMP_SYS(unshare), {has(0, CLONE_NEWTIME, CLONE_NEWTIME)});
}

void refuse_terminal_tricks(Rules& rules) {
  for (const std::uint64_t request : {
           std::uint64_t{TIOCSTI},    // types into the terminal
           std::uint64_t{TIOCLINUX},  // pastes into a console (subcode 2, 3)
           std::uint64_t{TIOCSETD},   // loads line disciplines: kernel modules with a history
           std::uint64_t{TIOCCONS}    // takes over the console's output
       }) {
    rules.refuse(EPERM, SCMP_SYS(ioctl), {has(1, kLow32, request)});
  }
}

// A family that is asked for by number makes the kernel load its module. libseccomp compares an
// argument once in a rule, so what lies between the admitted numbers is spelled as aligned ranges.
struct Range {
  std::uint64_t mask;
  std::uint64_t value;
};

void limit_sockets(Rules& rules) {
  // Admitted: AF_UNIX 1, AF_INET 2, AF_INET6 10, AF_NETLINK 16.
  constexpr std::array kFamilies{Range{kLow32, 0}, Range{kLow32, 3},  Range{~3ULL, 4},
                                 Range{~1ULL, 8},  Range{kLow32, 11}, Range{~3ULL, 12}};
  for (const auto& [mask, value] : kFamilies) {
    rules.refuse(EAFNOSUPPORT, SCMP_SYS(socket), {has(0, mask, value)});
  }
  rules.refuse(EAFNOSUPPORT, SCMP_SYS(socket), {exceeds(0, AF_NETLINK)});
  rules.refuse(EAFNOSUPPORT, SCMP_SYS(socketpair), {differs(0, AF_UNIX)});

  // The low four bits of the type. Admitted: stream 1, datagram 2, raw 3 (the kernel asks for a
  // capability), seqpacket 5 where it is not SCTP.
  constexpr std::uint64_t kTypeBits = 0xF;
  constexpr std::array kTypes{Range{kTypeBits, 0}, Range{kTypeBits, 4}, Range{kTypeBits & ~1U, 6},
                              Range{8, 8}};
  for (const auto& [mask, value] : kTypes) {
    rules.refuse(ESOCKTNOSUPPORT, SCMP_SYS(socket), {has(1, mask, value)});
  }
  for (const std::uint64_t family : std::initializer_list<std::uint64_t>{AF_INET, AF_INET6}) {
    rules.refuse(ESOCKTNOSUPPORT, SCMP_SYS(socket),
                 {equals(0, family), has(1, kTypeBits, SOCK_SEQPACKET)});
  }

  // Protocols. Admitted in any family: 0 (the default; NETLINK_ROUTE), 1 ICMP (also PF_UNIX), 6
  // TCP, 17 UDP, 58 ICMPv6. Not DCCP 33, L2TP 115, SCTP 132, UDP-Lite 136, SMC 256, MPTCP 262 (Go
  // and curl fall back on TCP at EPROTONOSUPPORT).
  constexpr std::array kProtocols{
      Range{~1ULL, 2},  Range{~1ULL, 4},   Range{kLow32, 7}, Range{~7ULL, 8},   Range{kLow32, 16},
      Range{~1ULL, 18}, Range{~3ULL, 20},  Range{~7ULL, 24}, Range{~15ULL, 32}, Range{~7ULL, 48},
      Range{~1ULL, 56}, Range{kLow32, 59}, Range{~3ULL, 60}};
  for (const auto& [mask, value] : kProtocols) {
    rules.refuse(EPROTONOSUPPORT, SCMP_SYS(socket), {has(2, mask, value)});
  }
  rules.refuse(EPROTONOSUPPORT, SCMP_SYS(socket), {exceeds(2, 63)});
  rules.refuse(EPROTONOSUPPORT, SCMP_SYS(socket), {equals(0, AF_NETLINK), differs(2, 0)});
}

// A set-user-id program gains nothing inside, but what the agent leaves in the project is run by
// others outside: a copy of a shell would make any local user the one who ran the box, root
// included. Only these calls can leave one behind: a bit given to open(2) or mknod(2) is taken away
// again by the first write, clone or truncation of the new file, and it starts empty.
// Source: file_remove_privs() in fs/inode.c, Linux 6.18.
void refuse_set_user_id(Rules& rules) {
  constexpr int kFchmodat2 = 452;
  rules.refuse(EPERM, SCMP_SYS(chmod), {has(1, S_ISUID, S_ISUID)});
  rules.refuse(EPERM, SCMP_SYS(fchmod), {has(1, S_ISUID, S_ISUID)});
  rules.refuse(EPERM, SCMP_SYS(fchmodat), {has(2, S_ISUID, S_ISUID)});
  rules.refuse(EPERM, kFchmodat2, {has(2, S_ISUID, S_ISUID)});
}

// core_pattern's handler runs on the host, as root, on a core whose every byte is the agent's. A
// limit of 0 does not keep the kernel from starting it; a limit of 1 does, so the box starts
// with that and the agent may not choose 0. Programs with secrets (gpg-agent, ssh-agent) end when
// the call fails: they are told that it worked, for no core is dumped either way. Source:
// coredump_pipe() in fs/coredump.c, Linux 6.18; core(5).
void keep_core_limit(Rules& rules) {
  rules.refuse(0, SCMP_SYS(setrlimit), {has(0, kLow32, RLIMIT_CORE)});
  rules.refuse(0, SCMP_SYS(prlimit64), {has(1, kLow32, RLIMIT_CORE), differs(2, 0)});
}

}  // namespace

std::vector<sock_filter> compile_calls(Nesting nesting) {
  constexpr int kBinaryTree = 2;
  Rules rules(SCMP_ACT_ERRNO(ENOSYS), kBinaryTree);
  for (const int call : kOrdinaryCalls) rules.add(SCMP_ACT_ALLOW, call);
  for (const int call : kNewerOrdinaryCalls) rules.add(SCMP_ACT_ALLOW, call);
  if (::seccomp_arch_native() == SCMP_ARCH_X86_64) {
    for (const int call : kKernelTrampolines) rules.add(SCMP_ACT_ALLOW, call);
  }
  allow_personalities(rules);
  for (const int call : kPrivilegedCalls) rules.refuse(EPERM, call);
  if (nesting == Nesting::kAllowed) {
    for (const int call : kNestingCalls) rules.add(SCMP_ACT_ALLOW, call);
    for (const int call : kNewMountCalls) rules.add(SCMP_ACT_ALLOW, call);
  } else {
    for (const int call : kNestingCalls) rules.refuse(EPERM, call);
  }
  return rules.compile();
}

std::vector<sock_filter> compile_arguments(Nesting nesting) {
  constexpr int kByPriority = 1;
  Rules rules(SCMP_ACT_ALLOW, kByPriority);
  refuse_terminal_tricks(rules);
  limit_sockets(rules);
  keep_core_limit(rules);
  if (nesting == Nesting::kRefused) {
    refuse_namespaces(rules);
    // An image that is unpacked into a nested container holds such programs.
    refuse_set_user_id(rules);
  }
  return rules.compile();
}

}  // namespace redoubtful::cli::seccomp
