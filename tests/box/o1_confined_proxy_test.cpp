// O1: the very proxy that serves a run has given up what it does not need. What it cannot do is
// tried in that process, and in one that is not confined.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>

#include "tests/support/filtered.hpp"
#include "tests/support/puppet.hpp"

namespace redoubtful::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const std::string kWaits =
    "fetch web.example 80; echo ready; until test -e go; do sleep 0.05; done";

// A run with a proxy that has served a request.
class ServedRun {
 public:
  explicit ServedRun(std::vector<std::string> options = {},
                     std::vector<std::string> environment = {})
      : origin_("the origin's words"),
        running_(Running::start(program(std::move(options), std::move(environment)))) {
    EXPECT_TRUE(running_.wait_for("ready"));
    const auto proxies = descendants_named(running_.pid(), kProxyName);
    EXPECT_EQ(proxies.size(), 1U);
    if (proxies.size() == 1) proxy_ = proxies[0];
    EXPECT_EQ(origin_.connections(), 1) << "positive control: it serves";
  }

  pid_t proxy() const noexcept { return proxy_; }
  Outcome end() {
    world_.write(world_.project() / "go", "");
    return running_.finish();
  }
  Outcome killed() { return running_.finish(); }

 private:
  Program program(std::vector<std::string> options, std::vector<std::string> environment) {
    options.insert(options.end(), {"-u", web_profile(world_, origin_)});
    BoxRun run = bash(kWaits, std::move(options));
    run.environment = std::move(environment);
    return world_.program(run);
  }

  World world_;
  WebOrigin origin_;
  Running running_;
  pid_t proxy_ = -1;
};

std::map<std::string, std::string> status_of(pid_t pid) {
  std::map<std::string, std::string> fields;
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
  }
  return fields;
}

std::string limits_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/limits");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(O1, TheProxyThatServesHasGivenUpItsRights) {
  ServedRun run;
  const auto proxy = status_of(run.proxy());
  const auto here = status_of(::getpid());
  const std::string none(16, '0');
  EXPECT_EQ(here.at("NoNewPrivs") + here.at("Seccomp"), "00") << "positive control";
  EXPECT_EQ(proxy.at("NoNewPrivs"), "1");
  EXPECT_EQ(proxy.at("Seccomp"), "2");
  EXPECT_EQ(proxy.at("Threads"), "1") << "the filter is one thread's";
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_EQ(proxy.at(set), none) << set;
  }
  if (::getuid() == 0) {
    EXPECT_EQ(proxy.at("CapBnd"), none);
  }
  EXPECT_THAT(limits_of(run.proxy()), ::testing::ContainsRegex("Max core file size +0 +0"));
  EXPECT_EQ(run.end().status, 0);
}

// In KiB: "12 kB".
long locked_memory(const ServedRun& run) { return std::stol(status_of(run.proxy()).at("VmLck")); }

TEST(O1, ACredentialIsInLockedMemory) {
  // A value of three pages at least, and a limit that has room for it and for OpenSSL's secure heap
  // (2 MiB), but not for the scrubber's automaton of it: what is locked in addition is the value.
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 3 << 20);
  ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
  std::string value = "sk-";
  std::minstd_rand letters(1);  // a value of one letter would be taken for a placeholder
  while (value.size() < 12'000) value += static_cast<char>('a' + letters() % 26);
  // One after the other: a run that ends looks for processes that it left.
  const auto locked = [](const std::vector<std::string>& flags,
                         const std::vector<std::string>& environment) {
    ServedRun run(flags, environment);
    const long kib = locked_memory(run);
    EXPECT_EQ(run.end().status, 0);
    return kib;
  };
  const long more =
      locked({"-s", "TOKEN=env:TOKEN@api.example"}, {"TOKEN=" + value}) - locked({}, {});
  EXPECT_GE(more, 12) << "KiB";
  // For root there is no limit, and the automaton is locked as well.
  if (::getuid() != 0) {
    EXPECT_LT(more, 64) << "control: it is not the automaton";
  }
}

// 1: attached; 2: the memory file opened; 4: memory read.
int looked_into(pid_t pid) {
  int found = 0;
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0) found |= 1;
  const std::string memory = "/proc/" + std::to_string(pid) + "/mem";
  if (const UniqueFd fd(::open(memory.c_str(), O_RDONLY | O_CLOEXEC)); fd) found |= 2;
  // This program's own code is where the child has its own, too.
  char byte = 0;
  iovec here{&byte, 1};
  iovec there{reinterpret_cast<void*>(&looked_into), 1};
  if (::process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT) found |= 4;
  return found;
}

TEST(O1, NoProcessOfTheSameUserLooksIntoTheProxy) {
  ServedRun run;
  const pid_t proxy = run.proxy();
  auto looker = ChildProcess::fork([proxy]() -> int {
    // Root's own rights see everything: what counts is the user.
    const std::unique_ptr<_cap_struct, int (*)(void*)> none(cap_init(), cap_free);
    if (cap_set_proc(none.get()) != 0) return 100;
    // Yama lets a process attach to its own children alone.
    auto child = ChildProcess::fork([]() -> int {
      ::pause();
      return 0;
    });
    if (!child) return 101;
    const int into_child = looked_into(child->pid());
    child->signal(SIGKILL);
    return into_child * 8 + looked_into(proxy);
  });
  ASSERT_TRUE(looker);
  EXPECT_EQ(shell_status(looker->wait()), 7 * 8) << "7 is everything in a child, the control; 0";
  EXPECT_EQ(run.end().status, 0);
}

struct Attempt {
  const char* what;
  long number;
  const char* text;  // a path, where the first or second argument is one
  int text_at;       // -1: none
  std::array<unsigned long, 6> arguments;
  int refused_with;  // in the proxy
};

constexpr auto kHere = static_cast<unsigned long>(AT_FDCWD);
constexpr const char* kFile = "/tmp/redoubtful-o1-attempt";

std::vector<Attempt> attempts() {
  const auto bits = [](auto value) { return static_cast<unsigned long>(value); };
  return {
      {"make a file", SYS_openat, kFile, 1, {kHere, 0, bits(O_CREAT | O_WRONLY), 0600}, EPERM},
      {"write a device", SYS_openat, "/dev/null", 1, {kHere, 0, bits(O_WRONLY)}, EPERM},
      {"read a file", SYS_openat, "/etc/passwd", 1, {kHere, 0, bits(O_RDONLY)}, EACCES},
      {"read its own environment", SYS_openat, "/proc/self/environ", 1, {kHere, 0, 0}, EACCES},
      {"list a directory", SYS_openat, "/", 1, {kHere, 0, bits(O_DIRECTORY)}, EACCES},
      {"remove a file", SYS_unlink, kFile, 0, {}, EPERM},
      {"make a directory", SYS_mkdir, kFile, 0, {0, 0700}, EPERM},
      {"remove a directory", SYS_rmdir, kFile, 0, {}, EPERM},
      {"open a local socket", SYS_socket, "", -1, {AF_UNIX, SOCK_STREAM, 0}, EPERM},
      {"open a netlink socket", SYS_socket, "", -1, {AF_NETLINK, SOCK_RAW, 0}, EPERM},
      {"map executable memory",
       SYS_mmap,
       "",
       -1,
       {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ~0UL, 0},
       EPERM},
      {"make a file in memory", SYS_memfd_create, "x", 0, {}, EPERM},
      {"become dumpable", SYS_prctl, "", -1, {PR_SET_DUMPABLE, 1}, EPERM},
      {"change its identity", SYS_setuid, "", -1, {0}, EPERM},
      {"signal another process", SYS_kill, "", -1, {bits(::getpid()), 0}, EPERM},
      {"start a program", SYS_execve, "/bin/true", 0, {}, EPERM},
  };
}

long tried(Puppet& puppet, const Attempt& attempt) {
  auto arguments = attempt.arguments;
  if (attempt.text_at >= 0) {
    arguments[static_cast<std::size_t>(attempt.text_at)] = puppet.text(attempt.text);
  }
  return puppet.call(attempt.number, arguments);
}

// Root can put system calls into another process; what it cannot do there is as true for any user.
TEST(O1, ASystemCallThatTheProxyDoesNotNeedIsRefusedInTheProxyItself) {
  if (::getuid() != 0) return;  // the two tests above are every user's
  auto sleeper = ChildProcess::fork([]() -> int {
    ::pause();
    return 0;
  });
  ASSERT_TRUE(sleeper);
  while (status_of(sleeper->pid()).at("State") != "S (sleeping)") ::sched_yield();
  {
    Puppet control(sleeper->pid());
    for (const auto& attempt : attempts()) {
      EXPECT_GE(tried(control, attempt), 0) << "positive control: " << attempt.what;
    }
  }
  sleeper->signal(SIGKILL);

  ServedRun run;
  {
    Puppet proxy(run.proxy());
    EXPECT_EQ(proxy.call(SYS_getpid, {}), run.proxy()) << "positive control";
    EXPECT_GE(proxy.call(SYS_socket, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0}), 0) << "its work";
    for (const auto& attempt : attempts()) {
      EXPECT_EQ(tried(proxy, attempt), -attempt.refused_with) << attempt.what;
    }
  }
  ASSERT_EQ(::kill(run.proxy(), SIGKILL), 0);
  EXPECT_EQ(run.killed().status, 125);
}

}  // namespace
}  // namespace redoubtful::test
