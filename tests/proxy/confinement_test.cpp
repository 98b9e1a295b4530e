// Each attempt is made twice, in children of this test: before confinement it succeeds, after it
// fails.

#include "proxy/confinement.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>

#include "common/child_process.hpp"
#include "common/pipe.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::proxy {
namespace {

enum class When { kBefore, kAfter };

constexpr int kSucceeded = 10;
constexpr int kRefused = 11;
constexpr int kNotConfined = 12;

int status_of(When when, const std::function<bool()>& attempt) {
  auto child = ChildProcess::fork([&]() -> int {
    if (when == When::kAfter && !confine()) return kNotConfined;
    return attempt() ? kSucceeded : kRefused;
  });
  return child ? shell_status(child->wait()) : -1;
}

void refused_only_after(const char* what, const std::function<bool()>& attempt) {
  EXPECT_EQ(status_of(When::kBefore, attempt), kSucceeded) << what << ", the control";
  EXPECT_EQ(status_of(When::kAfter, attempt), kRefused) << what;
}

TEST(Confinement, NoFileCanBeWrittenMadeOrRead) {
  char directory[] = "/tmp/confinement-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string file = std::string(directory) + "/file";
  { const UniqueFd made(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }
  const auto opens = [&](int flags) {
    return [&file, flags] { return ::open(file.c_str(), flags | O_CLOEXEC, 0600) >= 0; };
  };
  refused_only_after("reading", opens(O_RDONLY));
  refused_only_after("writing", opens(O_WRONLY));
  refused_only_after("truncating", opens(O_RDONLY | O_TRUNC));
  refused_only_after("making", [&] {
    const std::string other = file + "2";
    return ::open(other.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0;
  });
  refused_only_after("a directory", [&] {
    return ::mkdir((std::string(directory) + "/d" + std::to_string(::getpid())).c_str(), 0700) == 0;
  });
  refused_only_after("the environment of a process",
                     [] { return ::open("/proc/self/environ", O_RDONLY | O_CLOEXEC) >= 0; });
  refused_only_after("removing", [&] { return ::unlink((file + "2").c_str()) == 0; });
  const auto removed = std::string("rm -rf ") + directory;
  EXPECT_EQ(std::system(removed.c_str()), 0);
}

TEST(Confinement, NothingCanBeStartedOrMadeExecutable) {
  refused_only_after("a process", [] {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    return pid > 0;
  });
  refused_only_after("executable memory", [] {
    return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                  -1, 0) != MAP_FAILED;
  });
  refused_only_after("memory made executable", [] {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
  });
  refused_only_after("a memory file", [] { return ::memfd_create("x", MFD_CLOEXEC) >= 0; });
  refused_only_after("a signal to another process", [] { return ::kill(::getppid(), 0) == 0; });
}

TEST(Confinement, OnlyInternetSocketsAreLeft) {
  for (const int family : {AF_UNIX, AF_NETLINK}) {
    refused_only_after("a local socket",
                       [family] { return ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0; });
  }
  for (const int family : {AF_INET, AF_INET6}) {
    const auto opens = [family] { return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; };
    if (status_of(When::kBefore, opens) != kSucceeded) continue;  // a kernel without IPv6
    EXPECT_EQ(status_of(When::kAfter, opens), kSucceeded) << "what a proxy needs";
  }
}

TEST(Confinement, LeavesNoRightAndNoDump) {
  const auto holds = [](const char* what, const std::function<bool()>& check) {
    EXPECT_EQ(status_of(When::kAfter, check), kSucceeded) << what;
  };
  holds("no new privileges", [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0; });
  auto child = ChildProcess::fork([]() -> int {
    const UniqueFd status(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    if (!confine()) return kNotConfined;
    char buffer[4096];
    const ssize_t got = ::read(status.get(), buffer, sizeof buffer - 1);
    if (got <= 0) return kRefused;
    const std::string text(buffer, static_cast<std::size_t>(got));
    for (const char* set : {"CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapAmb:\t"}) {
      if (text.find(std::string(set) + "0000000000000000") == std::string::npos) return kRefused;
    }
    return text.find("Seccomp:\t2") == std::string::npos ? kRefused : kSucceeded;
  });
  ASSERT_TRUE(child);
  EXPECT_EQ(shell_status(child->wait()), kSucceeded);
}

// A process of the same user, and root's own without capabilities, can neither attach nor read.
TEST(Confinement, TheMemoryCannotBeReadByAnotherProcessOfTheUser) {
  const auto attempt = [](When when) {
    const auto ready = make_pipe();
    const auto never = make_pipe();
    EXPECT_TRUE(ready && never);
    // Neither has more rights than the other, as with two processes of one user: for root's
    // capabilities nothing is hidden, and nobody may attach to who has more of them.
    const auto drop_rights = [] {
      const std::unique_ptr<_cap_struct, int (*)(void*)> none(cap_init(), cap_free);
      return cap_set_proc(none.get()) == 0;
    };
    auto victim = ChildProcess::fork([&]() -> int {
      if (!drop_rights()) return 1;
      if (when == When::kAfter && !confine()) return kNotConfined;
      if (::write(ready->write.get(), "r", 1) != 1) return 1;
      char byte = 0;
      return ::read(never->read.get(), &byte, 1) == 1 ? 0 : 1;  // until it is killed
    });
    EXPECT_TRUE(victim);
    char byte = 0;
    EXPECT_EQ(::read(ready->read.get(), &byte, 1), 1);
    const pid_t pid = victim->pid();
    auto reader = ChildProcess::fork([pid, drop_rights]() -> int {
      if (!drop_rights()) return 1;
      const std::string memory = "/proc/" + std::to_string(pid) + "/mem";
      const bool opened = ::open(memory.c_str(), O_RDONLY | O_CLOEXEC) >= 0;
      const bool attached = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
      return opened || attached ? kSucceeded : kRefused;
    });
    EXPECT_TRUE(reader);
    return shell_status(reader->wait());
  };
  EXPECT_EQ(attempt(When::kBefore), kSucceeded) << "the control";
  EXPECT_EQ(attempt(When::kAfter), kRefused);
}

}  // namespace
}  // namespace redoubtful::proxy
