#include "cli/agent_seccomp.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>

namespace redoubtful::cli {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kNative = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kNative = AUDIT_ARCH_AARCH64;
#endif

constexpr int kAllowed = 0;
constexpr int kKilled = -1;
constexpr std::uint64_t kGarbage = 0xDEAD'BEEF'0000'0000;

struct Call {
  long number = 0;
  std::array<std::uint64_t, 6> arguments{};
  std::uint32_t architecture = kNative;
};

// What the kernel's interpreter would answer; the subset of classic BPF that libseccomp emits.
std::uint32_t evaluate(std::span<const sock_filter> program, const Call& call) {
  seccomp_data data{};
  data.nr = static_cast<int>(call.number);
  data.arch = call.architecture;
  for (std::size_t i = 0; i < 6; ++i) data.args[i] = call.arguments[i];
  std::uint32_t a = 0;
  for (std::size_t pc = 0; pc < program.size(); ++pc) {
    const auto [code, jt, jf, k] = program[pc];
    const auto jump = [&, jt = jt, jf = jf](bool yes) { pc += yes ? jt : jf; };
    switch (code) {
      case BPF_LD | BPF_W | BPF_ABS: {
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + k, sizeof a);
        break;
      }
      case BPF_ALU | BPF_AND | BPF_K:
        a &= k;
        break;
      case BPF_JMP | BPF_JA:
        pc += k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(a == k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(a > k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(a >= k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        jump((a & k) != 0);
        break;
      case BPF_RET | BPF_K:
        return k;
      default:
        ADD_FAILURE() << "instruction " << code << " at " << pc;
        return 0;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 0;
}

int verdict_of(std::uint32_t action) {
  if (action == SECCOMP_RET_ALLOW) return kAllowed;
  if (action == SECCOMP_RET_KILL_PROCESS) return kKilled;
  EXPECT_EQ(action & SECCOMP_RET_ACTION_FULL, static_cast<std::uint32_t>(SECCOMP_RET_ERRNO));
  return static_cast<int>(action & SECCOMP_RET_DATA);
}

// What the box answers: kAllowed, kKilled or the errno of the stricter filter.
int answer(const Call& call, Nesting nesting = Nesting::kRefused) {
  const int calls = verdict_of(evaluate(calls_program(nesting), call));
  const int arguments = verdict_of(evaluate(arguments_program(nesting), call));
  if (calls == kKilled || arguments == kKilled) return kKilled;
  return calls != kAllowed ? calls : arguments;
}

struct Expectation {
  const char* name;
  Call call;
  int answer;
};

constexpr std::uint64_t kPosixThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                       CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                       CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

TEST(AgentSeccomp, LetsOrdinaryProgramsWork) {
  const Expectation kTable[] = {
    {"read", {SYS_read, {}}, kAllowed},
    {"execve", {SYS_execve, {}}, kAllowed},
    {"fork by clone", {SYS_clone, {SIGCHLD}}, kAllowed},
    {"pthread_create by clone", {SYS_clone, {kPosixThread}}, kAllowed},
    {"Go's thread", {SYS_clone, {0x50f00}}, kAllowed},
    {"posix_spawn by clone", {SYS_clone, {CLONE_VM | CLONE_VFORK | SIGCHLD}}, kAllowed},
    {"unshare(CLONE_FS)", {SYS_unshare, {CLONE_FS | CLONE_FILES | CLONE_SYSVSEM}}, kAllowed},
    {"gdb attaches", {SYS_ptrace, {16}}, kAllowed},
    {"gdb asks for its personality", {SYS_personality, {0xFFFFFFFF}}, kAllowed},
    {"the question, sign-extended", {SYS_personality, {~0ULL}}, kAllowed},
    {"gdb switches randomisation off", {SYS_personality, {ADDR_NO_RANDOMIZE}}, kAllowed},
    {"linux32", {SYS_personality, {PER_LINUX32}}, kAllowed},
    {"a unix socket", {SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}}, kAllowed},
    {"a unix socket by PF_UNIX", {SYS_socket, {AF_UNIX, SOCK_SEQPACKET, 1}}, kAllowed},
    {"TCP", {SYS_socket, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP}}, kAllowed},
    {"UDP", {SYS_socket, {AF_INET6, SOCK_DGRAM, IPPROTO_UDP}}, kAllowed},
    {"ping", {SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}}, kAllowed},
    {"ping of IPv6", {SYS_socket, {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6}}, kAllowed},
    {"getifaddrs", {SYS_socket, {AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0}}, kAllowed},
    {"a socket pair", {SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0}}, kAllowed},
    {"the window size", {SYS_ioctl, {0, TIOCGWINSZ}}, kAllowed},
    {"raw mode", {SYS_ioctl, {0, TCSETS}}, kAllowed},
    {"a controlling terminal", {SYS_ioctl, {0, TIOCSCTTY}}, kAllowed},
    {"a shell's job control", {SYS_ioctl, {0, TIOCSPGRP}}, kAllowed},
    {"Landlock", {SYS_landlock_restrict_self, {}}, kAllowed},
    {"a second seccomp filter", {SYS_seccomp, {}}, kAllowed},
    {"POSIX AIO", {SYS_io_setup, {}}, kAllowed},
    {"chmod without following, Linux 6.6", {452, {}}, kAllowed},
    {"git init --shared: a directory's set-group-id", {SYS_fchmodat, {0, 0, 02775}}, kAllowed},
#if defined(__x86_64__)
    {"a traced program's trampoline", {335, {}}, kAllowed},
#endif
  };
  for (const auto& [name, call, expected] : kTable) EXPECT_EQ(answer(call), expected) << name;
}

TEST(AgentSeccomp, RefusesInTheWayProgramsExpect) {
  const Expectation kTable[] = {
      {"mount", {SYS_mount, {}}, EPERM},
      {"umount", {SYS_umount2, {}}, EPERM},
      {"pivot_root", {SYS_pivot_root, {}}, EPERM},
      {"chroot", {SYS_chroot, {}}, EPERM},
      {"setns", {SYS_setns, {}}, EPERM},
      {"bpf", {SYS_bpf, {}}, EPERM},
      {"perf", {SYS_perf_event_open, {}}, EPERM},
      {"open_by_handle_at", {SYS_open_by_handle_at, {}}, EPERM},
      {"kexec", {SYS_kexec_load, {}}, EPERM},
      {"a module", {SYS_finit_module, {}}, EPERM},
      {"the clock", {SYS_clock_settime, {}}, EPERM},
      {"dmesg", {SYS_syslog, {}}, EPERM},
      {"fanotify", {SYS_fanotify_init, {}}, EPERM},
      {"quotas", {SYS_quotactl, {}}, EPERM},
      {"quotas by descriptor", {SYS_quotactl_fd, {}}, EPERM},
      {"sethostname", {SYS_sethostname, {}}, EPERM},
      {"clone3", {SYS_clone3, {}}, ENOSYS},
      {"io_uring", {SYS_io_uring_setup, {}}, ENOSYS},
      {"io_uring entered by a descriptor sent in", {SYS_io_uring_enter, {}}, ENOSYS},
      {"userfaultfd", {SYS_userfaultfd, {}}, ENOSYS},
      {"fsopen", {SYS_fsopen, {}}, ENOSYS},
      {"open_tree", {SYS_open_tree, {}}, ENOSYS},
      {"move_mount", {SYS_move_mount, {}}, ENOSYS},
      {"mount_setattr", {SYS_mount_setattr, {}}, ENOSYS},
      {"open_tree_attr, Linux 6.15", {467, {}}, ENOSYS},
      {"the session keyring", {SYS_keyctl, {}}, ENOSYS},
      {"add_key", {SYS_add_key, {}}, ENOSYS},
      {"request_key", {SYS_request_key, {}}, ENOSYS},
      {"a call not invented yet", {600, {}}, ENOSYS},
      {"the last number", {0x3FFFFFFF, {}}, ENOSYS},
      {"a user namespace by clone", {SYS_clone, {CLONE_NEWUSER | SIGCHLD}}, EPERM},
      {"with garbage above", {SYS_clone, {kGarbage | CLONE_NEWUSER | SIGCHLD}}, EPERM},
      {"among other flags", {SYS_clone, {kPosixThread | CLONE_NEWNET}}, EPERM},
      {"a user namespace by unshare", {SYS_unshare, {CLONE_NEWUSER}}, EPERM},
      {"a mount namespace", {SYS_unshare, {CLONE_NEWNS}}, EPERM},
      {"a cgroup namespace", {SYS_unshare, {CLONE_NEWCGROUP}}, EPERM},
      {"a time namespace", {SYS_unshare, {CLONE_NEWTIME}}, EPERM},
      {"a set-user-id program", {SYS_fchmodat, {0, 0, 04755}}, EPERM},
      {"TIOCSTI", {SYS_ioctl, {0, TIOCSTI}}, EPERM},
      {"TIOCSTI with garbage above (CVE-2019-10063)", {SYS_ioctl, {0, kGarbage | TIOCSTI}}, EPERM},
      {"TIOCLINUX", {SYS_ioctl, {0, TIOCLINUX}}, EPERM},
      {"TIOCLINUX with garbage above", {SYS_ioctl, {0, (1ULL << 32) | TIOCLINUX}}, EPERM},
      {"a line discipline", {SYS_ioctl, {0, TIOCSETD}}, EPERM},
      {"READ_IMPLIES_EXEC", {SYS_personality, {READ_IMPLIES_EXEC}}, ENOSYS},
      {"a page at zero", {SYS_personality, {MMAP_PAGE_ZERO}}, ENOSYS},
      {"vsock", {SYS_socket, {40, SOCK_STREAM, 0}}, EAFNOSUPPORT},
      {"netlink but routes", {SYS_socket, {AF_NETLINK, SOCK_RAW, 12}}, EPROTONOSUPPORT},
      {"netlink audit", {SYS_socket, {AF_NETLINK, SOCK_RAW, 9}}, EPROTONOSUPPORT},
      {"SCTP by type", {SYS_socket, {AF_INET, SOCK_SEQPACKET, 0}}, ESOCKTNOSUPPORT},
      {"DCCP by type", {SYS_socket, {AF_INET6, SOCK_DCCP, 0}}, ESOCKTNOSUPPORT},
      {"a packet socket of 1999", {SYS_socket, {AF_INET, SOCK_PACKET, 0}}, ESOCKTNOSUPPORT},
      {"an inet socket pair", {SYS_socketpair, {AF_INET, SOCK_STREAM, 0}}, EAFNOSUPPORT},
      {"a TIPC socket pair", {SYS_socketpair, {30, SOCK_STREAM, 0}}, EAFNOSUPPORT},
      {"a pair, garbage above",
       {SYS_socketpair, {kGarbage | AF_TIPC, SOCK_STREAM, 0}},
       EAFNOSUPPORT},
  };
  for (const auto& [name, call, expected] : kTable) EXPECT_EQ(answer(call), expected) << name;
}

TEST(AgentSeccomp, NestingOpensNamespacesAndMountsAndNothingElse) {
  std::vector<long> opened;
  for (long number = 0; number < 1024; ++number) {
    const Call call{number, {}};
    const int refused = answer(call);
    const int nested = answer(call, Nesting::kAllowed);
    if (refused == nested) continue;
    EXPECT_EQ(nested, kAllowed) << number;
    opened.push_back(number);
  }
  std::vector<long> expected{SYS_pivot_root, SYS_chroot,       SYS_mount,         SYS_umount2,
                             SYS_setns,      SYS_sethostname,  SYS_setdomainname, SYS_open_tree,
                             SYS_move_mount, SYS_fsopen,       SYS_fsconfig,      SYS_fsmount,
                             SYS_fspick,     SYS_mount_setattr};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(opened, expected);

  const Expectation kTable[] = {
      {"bwrap", {SYS_clone, {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD}}, kAllowed},
      {"Chromium", {SYS_unshare, {CLONE_NEWUSER}}, kAllowed},
      {"clone3 stays away", {SYS_clone3, {}}, ENOSYS},
      {"TIOCSTI", {SYS_ioctl, {0, TIOCSTI}}, EPERM},
      {"netfilter of an own network", {SYS_socket, {AF_NETLINK, SOCK_RAW, 12}}, EPROTONOSUPPORT},
      {"packet sockets of an own network", {SYS_socket, {AF_PACKET, SOCK_RAW, 0}}, EAFNOSUPPORT},
      {"keyrings", {SYS_keyctl, {}}, ENOSYS},
      {"bpf", {SYS_bpf, {}}, EPERM},
  };
  for (const auto& [name, call, expected_answer] : kTable) {
    EXPECT_EQ(answer(call, Nesting::kAllowed), expected_answer) << name;
  }
}

TEST(AgentSeccomp, KillsWhoeverSpeaksAnotherAbi) {
  for (const Nesting nesting : {Nesting::kRefused, Nesting::kAllowed}) {
    for (const long number : {0L, 1L, 5L, 39L, 56L, 101L, 165L, 357L, 600L}) {
      EXPECT_EQ(answer({number, {}, AUDIT_ARCH_I386}, nesting), kKilled) << number;
      EXPECT_EQ(answer({number, {}, AUDIT_ARCH_ARM}, nesting), kKilled) << number;
#if defined(__x86_64__)
      EXPECT_EQ(answer({number | 0x40000000, {}}, nesting), kKilled) << "x32 " << number;
#endif
    }
  }
}

int socket_oracle(std::uint64_t family, std::uint64_t type, std::uint64_t protocol) {
  if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK) {
    return EAFNOSUPPORT;
  }
  const auto kind = type & 0xF;
  const bool inet = family == AF_INET || family == AF_INET6;
  const bool seqpacket = kind == SOCK_SEQPACKET && !inet;
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_RAW && !seqpacket) {
    return ESOCKTNOSUPPORT;
  }
  if (family == AF_NETLINK && protocol != 0) return EPROTONOSUPPORT;
  const bool known =
      protocol == 0 || protocol == 1 || protocol == 6 || protocol == 17 || protocol == 58;
  return known ? kAllowed : EPROTONOSUPPORT;
}

TEST(AgentSeccomp, AdmitsExactlyTheListedSockets) {
  std::vector<std::uint64_t> families;
  for (std::uint64_t family = 0; family < 48; ++family) families.push_back(family);
  std::vector<std::uint64_t> protocols;
  for (std::uint64_t protocol = 0; protocol < 300; ++protocol) protocols.push_back(protocol);
  for (unsigned bit = 8; bit < 64; ++bit) {
    for (const std::uint64_t low : {0UL, 1UL, 2UL, 6UL, 10UL, 16UL}) {
      families.push_back((1ULL << bit) | low);
      protocols.push_back((1ULL << bit) | low);
    }
  }
  for (const std::uint64_t family : families) {
    for (std::uint64_t type = 0; type < 16; ++type) {
      for (const std::uint64_t protocol : {0UL, 1UL, 6UL, 9UL, 33UL, 132UL}) {
        const int expected = socket_oracle(family, type, protocol);
        const int got = answer({SYS_socket, {family, type | SOCK_CLOEXEC, protocol}});
        // Which of two reasons is named is libseccomp's choice.
        ASSERT_EQ(got == kAllowed, expected == kAllowed)
            << family << ' ' << type << ' ' << protocol;
      }
    }
  }
  for (const std::uint64_t family :
       std::initializer_list<std::uint64_t>{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
    for (const std::uint64_t protocol : protocols) {
      ASSERT_EQ(answer({SYS_socket, {family, SOCK_DGRAM, protocol}}),
                socket_oracle(family, SOCK_DGRAM, protocol))
          << family << ' ' << protocol;
    }
  }
}

TEST(AgentSeccomp, AdmitsExactlyTheHarmlessPersonalities) {
  constexpr std::uint64_t kHarmless = 0x0008 /*PER_LINUX32*/ | 0x20000 /*UNAME26*/ | 0x40000;
  const auto harmless = [](std::uint64_t value) {
    return value == 0xFFFFFFFF || (value & ~kHarmless) == 0;
  };
  std::vector<std::uint64_t> values{0xFFFFFFFF, 0xFFFFFFFE};
  for (unsigned low = 0; low < 256; ++low) values.push_back(low);
  for (unsigned a = 0; a < 32; ++a) {
    for (unsigned b = 0; b < 32; ++b) values.push_back((1ULL << a) | (1ULL << b));
  }
  for (const std::uint64_t value : values) {
    EXPECT_EQ(answer({SYS_personality, {value}}), harmless(value) ? kAllowed : ENOSYS) << value;
    EXPECT_EQ(answer({SYS_personality, {kGarbage | value}}), harmless(value) ? kAllowed : ENOSYS);
  }
}

TEST(AgentSeccomp, ClonesWithoutNamespaceFlagsOnly) {
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  for (unsigned a = 0; a < 64; ++a) {
    for (unsigned b = 0; b < 64; ++b) {
      const std::uint64_t flags = (1ULL << a) | (1ULL << b);
      EXPECT_EQ(answer({SYS_clone, {flags}}), (flags & kNamespaces) != 0 ? EPERM : kAllowed);
      EXPECT_EQ(answer({SYS_unshare, {flags}}),
                (flags & (kNamespaces | CLONE_NEWTIME)) != 0 ? EPERM : kAllowed);
    }
  }
}

TEST(AgentSeccomp, HandsBwrapASealedFileOfWholeInstructions) {
  auto filters = build_agent_seccomp(Nesting::kRefused);
  ASSERT_TRUE(filters);
  for (const auto& [file, program] :
       {std::pair{&filters->calls, calls_program(Nesting::kRefused)},
        {&filters->arguments, arguments_program(Nesting::kRefused)}}) {
    std::vector<sock_filter> read_back(program.size() + 1);
    EXPECT_EQ(::read(file->get(), read_back.data(), read_back.size() * sizeof(sock_filter)),
              static_cast<ssize_t>(program.size_bytes()));
    EXPECT_EQ(std::memcmp(read_back.data(), program.data(), program.size_bytes()), 0);
    EXPECT_EQ(::ftruncate(file->get(), 0), -1) << "whoever inherits it could empty the filter";
    EXPECT_EQ(::pwrite(file->get(), "x", 1, 0), -1);
    EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

// Runs `act` in a child under both filters, as this kernel applies them; its result, 128 + signal
// when it was killed.
int under_filters(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (const auto program :
         {calls_program(Nesting::kRefused), arguments_program(Nesting::kRefused)}) {
      sock_fprog filter{static_cast<unsigned short>(program.size()),
                        const_cast<sock_filter*>(program.data())};
      if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) ::_exit(99);
    }
    ::_exit(act());
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int errno_of(long result) { return result == -1 ? errno : 0; }

TEST(AgentSeccomp, TheKernelAgrees) {
  EXPECT_EQ(under_filters([] { return 7; }), 7) << "positive control";
  EXPECT_EQ(under_filters([] { return errno_of(::syscall(SYS_keyctl, 0, 0)); }), ENOSYS);
  EXPECT_EQ(under_filters([] { return errno_of(::syscall(SYS_bpf, 0, nullptr, 0)); }), EPERM);
  EXPECT_EQ(under_filters([] { return errno_of(::socket(AF_ALG, SOCK_SEQPACKET, 0)); }),
            EAFNOSUPPORT);
  EXPECT_EQ(under_filters([] { return errno_of(::socket(AF_UNIX, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(under_filters([] { return errno_of(::syscall(SYS_ioctl, -1, kGarbage | TIOCSTI, 0)); }),
            EPERM);
  EXPECT_EQ(under_filters([] { return errno_of(::syscall(SYS_ioctl, -1, TIOCGWINSZ, 0)); }), EBADF)
      << "positive control: the kernel looked at the descriptor";
  EXPECT_EQ(under_filters([] { return errno_of(::syscall(462, 1, 0, 0)); }) == EPERM, false)
      << "mseal is the kernel's to answer";
  EXPECT_EQ(under_filters([] { return errno_of(::unshare(CLONE_NEWUSER)); }), EPERM);
#if defined(__x86_64__)
  EXPECT_EQ(under_filters([] { return errno_of(::syscall(0x40000000 | SYS_getpid)); }),
            128 + SIGSYS);
  EXPECT_GE(under_filters([] {
              long result = 20;  // getpid of i386
              __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
              return 0;
            }),
            128)
      << "SIGSYS, or SIGSEGV from a kernel without i386";
#endif
}

}  // namespace
}  // namespace redoubtful::cli
