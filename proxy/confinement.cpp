#include "proxy/confinement.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "common/unique_fd.hpp"

namespace redoubtful::proxy {
namespace {

// What may be opened after confinement, for reading: c-ares looks at them again at each lookup.
constexpr std::array kReadable = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
                                  "/etc/host.conf", "/etc/svc.conf"};

struct Call {
  int number;
  const char* why;
};

// Every system call that the proxy makes once it serves, and what for.
constexpr std::array kCalls = std::to_array<Call>({
    // bytes
    {SCMP_SYS(read), "timers, the control channel, roots at first use"},
    {SCMP_SYS(readv), "Asio's reads"},
    {SCMP_SYS(pread64), "roots at first use"},
    {SCMP_SYS(lseek), "roots at first use"},
    {SCMP_SYS(write), "audit log, messages, Asio's interrupter"},
    {SCMP_SYS(writev), "Asio's writes"},
    {SCMP_SYS(recvfrom), "sockets"},
    {SCMP_SYS(recvmsg), "sockets, the control channel"},
    {SCMP_SYS(sendto), "sockets, c-ares"},
    {SCMP_SYS(sendmsg), "sockets, the control channel"},
    {SCMP_SYS(sendmmsg), "c-ares on newer systems"},
    // sockets; which families is checked below
    {SCMP_SYS(accept), "clients"},
    {SCMP_SYS(accept4), "clients"},
    {SCMP_SYS(bind), "a name's own port, on a socket passed from the box"},
    {SCMP_SYS(listen), "the same"},
    {SCMP_SYS(connect), "origins, resolvers"},
    {SCMP_SYS(shutdown), "half-close"},
    {SCMP_SYS(getsockname), "which address was dialled"},
    {SCMP_SYS(getpeername), "c-ares"},
    {SCMP_SYS(setsockopt), "no delay, keep-alive"},
    {SCMP_SYS(getsockopt), "whether a connect succeeded"},
    {SCMP_SYS(close), "every descriptor"},
    {SCMP_SYS(fcntl), "non-blocking"},
    {SCMP_SYS(dup), "a descriptor lent to Asio"},
    // waiting
    {SCMP_SYS(epoll_create1), "an io_context"},
    {SCMP_SYS(epoll_ctl), "Asio"},
    {SCMP_SYS(epoll_wait), "Asio"},
    {SCMP_SYS(epoll_pwait), "Asio"},
    {SCMP_SYS(eventfd2), "Asio's interrupter"},
    {SCMP_SYS(timerfd_create), "Asio's timers"},
    {SCMP_SYS(timerfd_settime), "Asio's timers"},
    {SCMP_SYS(poll), "the control channel, connect"},
    {SCMP_SYS(ppoll), "the same"},
    {SCMP_SYS(futex), "locks of libraries"},
    {SCMP_SYS(sched_yield), "locks of libraries"},
    {SCMP_SYS(restart_syscall), "the kernel's own, after a stop"},
    {SCMP_SYS(clock_nanosleep), "locks of libraries"},
    {SCMP_SYS(nanosleep), "locks of libraries"},
    // memory; executable memory is refused below
    {SCMP_SYS(brk), "malloc"},
    {SCMP_SYS(munmap), "malloc"},
    {SCMP_SYS(mremap), "malloc"},
    {SCMP_SYS(madvise), "malloc"},
    {SCMP_SYS(mlock), "keys stay out of swap"},
    {SCMP_SYS(mlock2), "keys stay out of swap"},
    {SCMP_SYS(munlock), "keys are erased"},
    // files, as far as Landlock lets it; flags are checked below
    {SCMP_SYS(fstat), "roots, resolver settings"},
    {SCMP_SYS(newfstatat), "roots, resolver settings"},
    {SCMP_SYS(statx), "resolver settings"},
    {SCMP_SYS(access), "resolver settings"},
    {SCMP_SYS(faccessat), "resolver settings"},
    {SCMP_SYS(faccessat2), "resolver settings"},
    // time, chance, oneself
    {SCMP_SYS(clock_gettime), "clocks where the vDSO has none"},
    {SCMP_SYS(gettimeofday), "clocks where the vDSO has none"},
    {SCMP_SYS(time), "clocks where the vDSO has none"},
    {SCMP_SYS(getrandom), "keys, serial numbers, surrogates"},
    {SCMP_SYS(getpid), "OpenSSL's fork check"},
    {SCMP_SYS(gettid), "abort(3)"},
    {SCMP_SYS(getuid), "OpenSSL's secure_getenv"},
    {SCMP_SYS(geteuid), "OpenSSL's secure_getenv"},
    {SCMP_SYS(getgid), "OpenSSL's secure_getenv"},
    {SCMP_SYS(getegid), "OpenSSL's secure_getenv"},
    {SCMP_SYS(uname), "c-ares"},
    {SCMP_SYS(rt_sigaction), "abort(3)"},
    {SCMP_SYS(rt_sigprocmask), "abort(3)"},
    {SCMP_SYS(rt_sigreturn), "signals"},
    {SCMP_SYS(exit), "the end"},
    {SCMP_SYS(exit_group), "the end"},
});

// What the login helper makes besides, to replace files; Landlock says which.
constexpr std::array kWritingCalls = std::to_array<Call>({
    {SCMP_SYS(openat), "the login file, the one that takes its place, its directory"},
    {SCMP_SYS(open), "the same"},
    {SCMP_SYS(rename), "it takes its place"},
    {SCMP_SYS(renameat), "the same"},
    {SCMP_SYS(renameat2), "the same"},
    {SCMP_SYS(unlink), "it does not"},
    {SCMP_SYS(unlinkat), "it does not"},
    {SCMP_SYS(fallocate), "room for it"},
    {SCMP_SYS(ftruncate), "its length"},
    {SCMP_SYS(fsync), "a power cut"},
    {SCMP_SYS(fchmod), "the mode of the old one"},
    {SCMP_SYS(fchown), "the group of the old one"},
    {SCMP_SYS(flock), "one at a time"},
    {SCMP_SYS(mkdir), "Claude's locks"},
    {SCMP_SYS(mkdirat), "Claude's locks"},
    {SCMP_SYS(rmdir), "Claude's locks"},
    {SCMP_SYS(utimensat), "Claude's locks are held"},
    {SCMP_SYS(stat), "the old file"},
});

Result<void> drop_capabilities() {
  for (int number = 0; ::prctl(PR_CAPBSET_READ, number) >= 0; ++number) {
    // Without CAP_SETPCAP the bounding set stays; with empty sets and no_new_privs it gives
    // nothing.
    if (::prctl(PR_CAPBSET_DROP, number) != 0 && errno != EPERM && errno != EINVAL) {
      return Error::system_call("cannot drop a capability", errno);
    }
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const std::unique_ptr<_cap_struct, int (*)(void*)> none(cap_init(), cap_free);
  if (!none || cap_set_proc(none.get()) != 0) {
    return Error::system_call("cannot drop all capabilities", errno);
  }
  return {};
}

// Newer than Debian 12's headers. Source: include/uapi/linux/landlock.h of Linux 6.12.
constexpr std::uint64_t kTruncate = 1ULL << 14U;
constexpr std::uint64_t kIoctlDevice = 1ULL << 15U;
constexpr std::uint64_t kScopeAbstractUnixSocket = 1ULL << 0U;
constexpr std::uint64_t kScopeSignal = 1ULL << 1U;

struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

int create_ruleset(const void* attributes, std::size_t size, std::uint32_t flags) {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, attributes, size, flags));
}

Result<void> allow_beneath(int ruleset, const std::string& path, std::uint64_t access) {
  const UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return {};  // not every system has each, and what is not there is not used
  landlock_path_beneath_attr rule{};
  rule.parent_fd = file.get();
  rule.allowed_access = access;
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return Error::system_call("cannot allow the use of " + path, errno);
  }
  return {};
}

std::uint64_t access_in(const WritableFolder& folder, int abi) {
  constexpr std::uint64_t kFolders = LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR;
  if (folder.what == WritableFolder::What::kFoldersAlone) return kFolders;
  return kFolders | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
         LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
         LANDLOCK_ACCESS_FS_REMOVE_FILE | (abi >= 3 ? kTruncate : 0);
}

// False: this kernel has none.
Result<bool> enter_landlock(const std::vector<WritableFolder>& writable) {
  const int abi = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return false;
  RulesetAttributes attributes{};
  attributes.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1;  // all of ABI 1
  if (abi >= 2) attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) attributes.handled_access_fs |= kTruncate;
  if (abi >= 5) attributes.handled_access_fs |= kIoctlDevice;
  if (abi >= 6) attributes.scoped = kScopeAbstractUnixSocket | kScopeSignal;
  const std::size_t size = abi >= 6 ? sizeof attributes : sizeof attributes.handled_access_fs;
  const UniqueFd ruleset(create_ruleset(&attributes, size, 0));
  if (!ruleset) return Error::system_call("cannot make a Landlock ruleset", errno);
  for (const char* path : kReadable) {
    auto allowed = allow_beneath(ruleset.get(), path, LANDLOCK_ACCESS_FS_READ_FILE);
    if (!allowed) return std::move(allowed).error();
  }
  for (const auto& folder : writable) {
    auto allowed = allow_beneath(ruleset.get(), folder.path, access_in(folder, abi));
    if (!allowed) return std::move(allowed).error();
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return Error::system_call("cannot enter the Landlock ruleset", errno);
  }
  return true;
}

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release) {}

  bool made() const { return context_ != nullptr; }
  void allow(int call) { note(seccomp_rule_add(context_.get(), SCMP_ACT_ALLOW, call, 0)); }
  void allow(int call, const scmp_arg_cmp& condition) {
    note(seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, call, 1, &condition));
  }
  // Errors: the first rule that could not be added, or the kernel's refusal.
  int load() {
    note(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 1));
    if (error_ == 0) note(seccomp_load(context_.get()));
    return error_;
  }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

Result<void> enter_filter(bool writes) {
  Filter filter;
  if (!filter.made()) return Error(Errc::kSystemCall, "cannot make a seccomp filter");
  for (const Call& call : kCalls) {
    if (call.number >= 0) filter.allow(call.number);  // negative: not on this architecture
  }
  for (const Call& call : kWritingCalls) {
    if (writes && call.number >= 0) filter.allow(call.number);
  }
  constexpr auto kArgument = [](unsigned index, scmp_datum_t mask, scmp_datum_t value) {
    return scmp_arg_cmp{index, SCMP_CMP_MASKED_EQ, mask, value};
  };
  // libseccomp's macros are compound literals, which clang takes for C alone.
  constexpr auto kEqual = [](unsigned index, std::uint32_t value) {
    return scmp_arg_cmp{index, SCMP_CMP_EQ, value, 0};
  };
  // Sockets to origins and resolvers; no AF_UNIX, netlink, packet, vsock …
  filter.allow(SCMP_SYS(socket), kEqual(0, AF_INET));
  filter.allow(SCMP_SYS(socket), kEqual(0, AF_INET6));
  // Nothing that could be executed.
  filter.allow(SCMP_SYS(mmap), kArgument(2, PROT_EXEC, 0));
  filter.allow(SCMP_SYS(mprotect), kArgument(2, PROT_EXEC, 0));
  // Reading only: O_ACCMODE 0, and neither O_CREAT nor O_TRUNC (also of O_TMPFILE).
  if (!writes) {
    filter.allow(SCMP_SYS(openat), kArgument(2, O_ACCMODE | O_CREAT | O_TRUNC, 0));
    filter.allow(SCMP_SYS(open), kArgument(1, O_ACCMODE | O_CREAT | O_TRUNC, 0));
  }
  // Asio asks how much there is to read, and sets non-blocking.
  filter.allow(SCMP_SYS(ioctl), kEqual(1, FIONBIO));
  filter.allow(SCMP_SYS(ioctl), kEqual(1, FIONREAD));
  // abort(3) and raise(3) send to oneself alone.
  filter.allow(SCMP_SYS(tgkill), kEqual(0, static_cast<std::uint32_t>(::getpid())));
  if (const int error = filter.load(); error != 0) {
    return Error::system_call("cannot load the seccomp filter", error);
  }
  return {};
}

// Each must be refused now. A success would mean that what we believe in is not there.
Result<void> prove_confined(bool landlocked, bool writes) {
  const auto stays_possible = [](const char* what) {
    return Error(Errc::kSystemCall, std::string("the confinement does not hold: ") + what +
                                        " is still possible; the proxy ends");
  };
  if (::syscall(SYS_execveat, -1, "", nullptr, nullptr, 0) != -1 || errno != EPERM) {
    return stays_possible("starting a program");
  }
  if (::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) return stays_possible("a local socket");
  const bool bounded = landlocked || !writes;
  if (bounded && ::open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0) {
    return stays_possible("writing a file");
  }
  if (landlocked && ::open("/proc/self/status", O_RDONLY | O_CLOEXEC) >= 0) {
    return stays_possible("reading a file");
  }
  return {};
}

}  // namespace

Result<void> become_unreadable() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) {
    return Error::system_call("cannot forbid core files", errno);
  }
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) {
    return Error::system_call("cannot become undumpable", errno);
  }
  return {};
}

Result<std::vector<std::string>> confine(const std::vector<WritableFolder>& writable) {
  std::vector<std::string> notes;
  if (auto unreadable = become_unreadable(); !unreadable) return std::move(unreadable).error();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Error::system_call("cannot set no_new_privs", errno);
  }
  if (auto dropped = drop_capabilities(); !dropped) return std::move(dropped).error();
  auto landlocked = enter_landlock(writable);
  if (!landlocked) return std::move(landlocked).error();
  if (!*landlocked) {
    notes.emplace_back("this kernel has no Landlock: the proxy is confined by seccomp alone");
  }
  if (auto filtered = enter_filter(!writable.empty()); !filtered)
    return std::move(filtered).error();
  if (auto proved = prove_confined(*landlocked, !writable.empty()); !proved)
    return std::move(proved).error();
  return notes;
}

}  // namespace redoubtful::proxy
