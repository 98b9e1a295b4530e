// B3: namespaces, the mount family, bpf, perf, keyrings, io_uring and the like are refused, by the
// native numbers and by those of other ABIs; `nested: true` opens namespaces and mounts alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

// A process of the same user with an id that no process of a fresh box has.
ChildProcess witness() {
  for (;;) {
    auto child = ChildProcess::fork([] {
      ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
      for (;;) ::pause();
      return 0;
    });
    if (!child || child->pid() > 500) return child ? std::move(*child) : ChildProcess();
  }
}

const std::vector<const char*> kPermissionDenied{
    "unshare_user", "unshare_mount",  "unshare_net",       "unshare_pid", "unshare_uts",
    "unshare_ipc",  "unshare_cgroup", "unshare_time",      "clone_user",  "clone_user_garbage",
    "setns_uts",    "mount_tmpfs",    "mount_bind",        "umount",      "pivot_root",
    "chroot",       "bpf_map",        "perf_self",         "kexec_load",  "init_module",
    "finit_module", "swapon",         "open_by_handle_at", "reboot",      "clock_settime",
    "acct",         "syslog",         "sethostname"};
const std::vector<const char*> kDoesNotExist{
    "clone3_user", "clone3_plain",  "fsopen",         "fspick",           "open_tree",
    "move_mount",  "mount_setattr", "keyctl_session", "add_key",          "request_key",
    "userfaultfd", "io_uring",      "modify_ldt",     "read_implies_exec"};
const std::vector<const char*> kStays{"addr_no_randomize", "ptrace_child"};

TEST(B3, CallsThatLeaveASandboxAreRefusedAsProgramsExpect) {
  const World world;
  const ChildProcess outsider = witness();
  const std::string pid = std::to_string(outsider.pid());
  const ProbeReport inside = world.probe("probe_syscalls", {pid});
  ASSERT_TRUE(inside.complete());
  for (const char* attempt : kPermissionDenied) EXPECT_TRUE(inside.refused(attempt, {"EPERM"}));
  for (const char* attempt : kDoesNotExist) EXPECT_TRUE(inside.refused(attempt, {"ENOSYS"}));
  for (const char* attempt : kStays) EXPECT_TRUE(inside.worked(attempt));
  std::size_t outside_attempts = 0;
  for (const std::string& attempt : inside.attempts()) {
    if (!attempt.starts_with("outside_")) continue;
    ++outside_attempts;
    EXPECT_TRUE(inside.refused(attempt, {"ESRCH"}));
  }
  EXPECT_EQ(outside_attempts, 8u);
  EXPECT_EQ(inside.attempts().size(),
            kPermissionDenied.size() + kDoesNotExist.size() + kStays.size() + outside_attempts)
      << "an attempt that this test does not judge";
}

TEST(B3, PositiveControl) {
  const World world;
  const ChildProcess outsider = witness();
  const std::string pid = std::to_string(outsider.pid());
  const ProbeReport outside = world.probe_outside("probe_syscalls", {pid});
  ASSERT_TRUE(outside.complete());
  for (const char* attempt : {"unshare_user",
                              "unshare_mount",
                              "unshare_net",
                              "unshare_pid",
                              "unshare_uts",
                              "unshare_ipc",
                              "unshare_cgroup",
                              "unshare_time",
                              "clone_user",
                              "clone_user_garbage",
                              "clone3_user",
                              "clone3_plain",
                              "setns_uts",
                              "mount_tmpfs",
                              "umount",
                              "pivot_root",
                              "chroot",
                              "fsopen",
                              "fspick",
                              "mount_setattr",
                              "keyctl_session",
                              "add_key",
                              "request_key",
                              "addr_no_randomize",
                              "read_implies_exec",
                              "ptrace_child"}) {
    EXPECT_TRUE(outside.worked(attempt));
  }
  for (const char* attempt : {"kill", "pidfd_open", "tkill", "sigqueue", "ptrace"}) {
    EXPECT_TRUE(outside.worked(std::string("outside_") + attempt + "_" + pid));
  }
}

#if defined(__x86_64__)
TEST(B3, OtherAbisOpenNoDoor) {
  const World world;
  const ProbeReport inside = world.probe("probe_abi");
  ASSERT_TRUE(inside.complete());
  EXPECT_EQ(inside.attempts().size(), 11u);
  for (const std::string& attempt : inside.attempts()) {
    // A kernel without i386 kills by SIGSEGV before any filter is asked.
    EXPECT_TRUE(inside.refused(attempt, {"SIGSYS", "SIGSEGV"}));
  }
  const ProbeReport outside = world.probe_outside("probe_abi");
  ASSERT_TRUE(outside.complete());
  EXPECT_NE(outside.answer("x32_getpid"), inside.answer("x32_getpid")) << "positive control";
}
#endif

TEST(B3, NestingOpensNamespacesAndMountsAlone) {
  const World world;
  const auto profile = world.write(world.top() / "nested.yaml", "nested: true\n");
  const ProbeReport inside = world.probe("probe_syscalls", {}, {.options = {"-u", profile}});
  ASSERT_TRUE(inside.complete());
  for (const char* attempt :
       {"unshare_user", "unshare_mount", "unshare_net", "clone_user", "setns_uts", "mount_tmpfs",
        "umount", "pivot_root", "chroot", "fsopen", "fspick", "mount_setattr"}) {
    EXPECT_TRUE(inside.worked(attempt));
  }
  for (const char* attempt : {"bpf_map", "perf_self", "kexec_load", "init_module", "swapon",
                              "open_by_handle_at", "reboot", "clock_settime", "syslog"}) {
    EXPECT_TRUE(inside.refused(attempt, {"EPERM"}));
  }
  for (const char* attempt : {"clone3_user", "keyctl_session", "add_key", "request_key",
                              "userfaultfd", "io_uring", "read_implies_exec"}) {
    EXPECT_TRUE(inside.refused(attempt, {"ENOSYS"}));
  }
}

// As Codex, flatpak-builder and the like call it. Only a user's: root would get a /proc it can
// write.
TEST(B3, NestingLetsABubblewrapInsideHaveAProcOfItsOwn) {
  const World world;
  const auto profile = world.write(world.top() / "nested.yaml", "nested: true\n");
  const std::string script =
      "echo pid=$$; cd /proc && ls -d [0-9]* | wc -l; touch /usr/x 2>&1; "
      "mount -o remount,rw /usr 2>&1";
  const std::vector<std::string> sandbox = {"bwrap",         "--ro-bind", "/",      "/",
                                            "--dev",         "/dev",      "--proc", "/proc",
                                            "--unshare-all", "sh",        "-c",     script};
  const Outcome nested = world.run({.options = {"-u", profile}, .command = sandbox});
  const Outcome refused = world.run({.command = sandbox});
  EXPECT_THAT(refused.out, ::testing::Not(::testing::HasSubstr("pid=")));
  EXPECT_NE(refused.status, 0);
  if (::geteuid() == 0) {
    EXPECT_NE(nested.status, 0);
    EXPECT_THAT(nested.err, ::testing::HasSubstr("bwrap: "));
    return;
  }
  EXPECT_THAT(nested.out, ::testing::StartsWith("pid=2\n")) << nested.err;
  EXPECT_THAT(nested.out, ::testing::HasSubstr("/usr/x")) << "it tried to write";
  EXPECT_THAT(nested.out, ::testing::HasSubstr("Read-only file system"));
  EXPECT_NE(nested.status, 0) << "the remount failed: " << nested.out;
  EXPECT_FALSE(std::filesystem::exists("/usr/x"));
}

TEST(B3, NestingDoesNotOpenAReadOnlyMount) {
  const World world;
  const auto profile = world.write(world.top() / "nested.yaml", "nested: true\n");
  const auto directory = world.top() / "shared";
  const auto file = world.write(directory / "file", "x\n");
  const ProbeReport inside = world.probe("probe_files", {file, directory, world.project()},
                                         {.options = {"-u", profile, "-m", directory}});
  ASSERT_TRUE(inside.complete());
  EXPECT_TRUE(inside.worked("read"));
  for (const std::string& attempt : inside.attempts()) {
    // In a mount namespace of its own the box may cover what it sees; what is below stays.
    if (attempt == "read" || attempt == "over_mount" || attempt == "umount" ||
        attempt == "overlay") {
      continue;
    }
    EXPECT_TRUE(inside.refused(attempt));
  }
  std::string content;
  std::getline(std::ifstream(file), content);
  EXPECT_EQ(content, "x");
}

}  // namespace
}  // namespace redoubtful::test
