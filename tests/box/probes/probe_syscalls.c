// B3: the calls by which programs leave or widen a sandbox, each with arguments that succeed where
// nothing forbids it, and that change nothing outside a namespace of the child's own.
// Arguments: process ids outside the box.

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#include "probe.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static pid_t outside;

// The attack, and outside the way to try the mount family without touching the machine: an own
// mount namespace, by an own user namespace where that is needed.
static void own_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0) (void)!unshare(CLONE_NEWUSER | CLONE_NEWNS);
  (void)!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int unshare_user(void) { return errno_of(unshare(CLONE_NEWUSER)); }
static int with_user(int flags) {
  if (unshare(flags) == 0) return 0;
  return errno_of(unshare(CLONE_NEWUSER | flags));
}
static int unshare_mount(void) { return with_user(CLONE_NEWNS); }
static int unshare_net(void) { return with_user(CLONE_NEWNET); }
static int unshare_pid(void) { return with_user(CLONE_NEWPID); }
static int unshare_uts(void) { return with_user(CLONE_NEWUTS); }
static int unshare_ipc(void) { return with_user(CLONE_NEWIPC); }
static int unshare_cgroup(void) { return with_user(CLONE_NEWCGROUP); }
static int unshare_time(void) { return with_user(CLONE_NEWTIME); }

static int reap(long child) {
  if (child < 0) return errno;
  if (child == 0) _exit(0);
  waitpid((pid_t)child, NULL, __WALL);
  return 0;
}
static int clone_user(void) {
  return reap(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0));
}
static int clone_user_garbage(void) {
  return reap(
      syscall(SYS_clone, 0xDEADBEEF00000000UL | CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0));
}
static int clone3_user(void) {
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  return reap(syscall(SYS_clone3, &arguments, sizeof arguments));
}
static int clone3_plain(void) {
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  return reap(syscall(SYS_clone3, &arguments, sizeof arguments));
}
// A user namespace may not be entered twice; the UTS one may, by whoever has rights in it.
static int setns_uts(void) {
  with_user(CLONE_NEWUTS);
  const int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? errno : errno_of(setns(fd, CLONE_NEWUTS));
}

static int mount_tmpfs(void) {
  own_mounts();
  return errno_of(mount("none", "/tmp", "tmpfs", 0, NULL));
}
static int mount_bind(void) {
  own_mounts();
  return errno_of(mount("/tmp", "/tmp", NULL, MS_BIND, NULL));
}
static int umount_own(void) {
  own_mounts();
  (void)!mount("none", "/tmp", "tmpfs", 0, NULL);
  return errno_of(umount2("/tmp", MNT_DETACH));
}
static int do_pivot_root(void) {
  own_mounts();
  if (mount("none", "/tmp", "tmpfs", 0, NULL) == 0) (void)!chdir("/tmp");
  return errno_of(syscall(SYS_pivot_root, ".", "."));
}
static int do_chroot(void) {
  own_mounts();
  return errno_of(chroot("/tmp"));
}
static int do_fsopen(void) {
  own_mounts();
  return errno_of(syscall(SYS_fsopen, "tmpfs", 0));
}
static int do_fspick(void) {
  own_mounts();
  (void)!mount("none", "/tmp", "tmpfs", 0, NULL);
  return errno_of(syscall(SYS_fspick, AT_FDCWD, "/tmp", 0));
}
static int do_open_tree(void) {
  own_mounts();
  return errno_of(syscall(SYS_open_tree, AT_FDCWD, "/tmp", OPEN_TREE_CLONE));
}
static int do_move_mount(void) {
  own_mounts();
  const long tree = syscall(SYS_open_tree, AT_FDCWD, "/tmp", OPEN_TREE_CLONE);
  return errno_of(
      syscall(SYS_move_mount, (int)tree, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH));
}
static int do_mount_setattr(void) {
  own_mounts();
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOATIME};
  (void)!mount("none", "/tmp", "tmpfs", 0, NULL);
  attributes.attr_clr = MOUNT_ATTR__ATIME;
  return errno_of(syscall(SYS_mount_setattr, AT_FDCWD, "/tmp", 0, &attributes, sizeof attributes));
}

static int bpf_map(void) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 4;
  attributes.max_entries = 1;
  return errno_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}
static int perf_self(void) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.size = sizeof attributes;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return errno_of(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}
static int keyctl_session(void) {
  return errno_of(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}
static int do_add_key(void) {
  return errno_of(
      syscall(SYS_add_key, "user", "redoubtful-probe", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}
// Not having the key is the answer of a kernel that would have handed it out.
static int do_request_key(void) {
  const long key = syscall(SYS_request_key, "user", "redoubtful-probe", NULL, 0);
  return key < 0 && errno == ENOKEY ? 0 : errno_of(key);
}
static int do_userfaultfd(void) {
  return errno_of(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}
static int uring_setup(void) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  return errno_of(syscall(SYS_io_uring_setup, 1, &parameters));
}
static int handle_root(void) {
  struct {
    struct file_handle head;
    unsigned char bytes[128];
  } handle;
  handle.head.handle_bytes = sizeof handle.bytes;
  int mount_id = 0;
  if (name_to_handle_at(AT_FDCWD, "/tmp", &handle.head, &mount_id, 0) != 0) {
    handle.head.handle_bytes = 8;
    handle.head.handle_type = 1;
  }
  const int mount = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return errno_of(open_by_handle_at(mount, &handle.head, O_RDONLY | O_CLOEXEC));
}
static int ldt(void) {
#ifdef SYS_modify_ldt
  char buffer[64];
  return errno_of(syscall(SYS_modify_ldt, 0, buffer, sizeof buffer));
#else
  return ENOSYS;
#endif
}

// These need a right that no namespace gives; asked so that even root changes nothing.
static int kexec(void) { return errno_of(syscall(SYS_kexec_load, 0L, 0L, NULL, 0L)); }
static int module(void) { return errno_of(syscall(SYS_init_module, NULL, 0L, "")); }
static int module_file(void) { return errno_of(syscall(SYS_finit_module, -1, "", 0)); }
static int swap(void) { return errno_of(syscall(SYS_swapon, "/nonexistent", 0)); }
static int reboot_nothing(void) {
  return errno_of(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x12345678, NULL));
}
static int set_clock(void) {
  struct timespec invalid = {.tv_sec = 1, .tv_nsec = 2000000000};
  // Past the C library, which would refuse the value itself.
  return errno_of(syscall(SYS_clock_settime, CLOCK_REALTIME, &invalid));
}
static int accounting(void) { return errno_of(syscall(SYS_acct, "/nonexistent")); }
static int kernel_log(void) { return errno_of(syscall(SYS_syslog, 10, NULL, 0)); }
static int hostname(void) {
  struct utsname names;
  uname(&names);
  return errno_of(sethostname(names.nodename, strlen(names.nodename)));
}
static int read_implies_exec(void) { return errno_of(personality(READ_IMPLIES_EXEC)); }
static int no_randomize(void) { return errno_of(personality(ADDR_NO_RANDOMIZE)); }

// Debugging one's own children is a developer's right.
static int trace_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const int error = errno_of(ptrace(PTRACE_SEIZE, child, NULL, NULL));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return error;
}
static int trace_outside(void) { return errno_of(ptrace(PTRACE_SEIZE, outside, NULL, NULL)); }
static int read_outside(void) {
  char byte;
  struct iovec local = {&byte, 1};
  struct iovec remote = {(void*)(uintptr_t)0x400000, 1};
  const ssize_t got = process_vm_readv(outside, &local, 1, &remote, 1, 0);
  return got < 0 && errno == EFAULT ? 0 : errno_of(got);
}
static int pidfd_outside(void) { return errno_of(syscall(SYS_pidfd_open, outside, 0)); }
static int signal_outside(void) { return errno_of(kill(outside, 0)); }
static int thread_signal_outside(void) { return errno_of(syscall(SYS_tkill, outside, 0)); }
static int queue_outside(void) {
  union sigval value = {.sival_int = 0};
  return errno_of(sigqueue(outside, 0, value));
}
static int nice_outside(void) { return errno_of(syscall(SYS_sched_getscheduler, outside)); }
static int limits_outside(void) {
  return errno_of(syscall(SYS_prlimit64, outside, 0, NULL, (uint64_t[2]){0, 0}));
}

int main(int argc, char** argv) {
  const struct attempt attempts[] = {
      {"unshare_user", unshare_user},
      {"unshare_mount", unshare_mount},
      {"unshare_net", unshare_net},
      {"unshare_pid", unshare_pid},
      {"unshare_uts", unshare_uts},
      {"unshare_ipc", unshare_ipc},
      {"unshare_cgroup", unshare_cgroup},
      {"unshare_time", unshare_time},
      {"clone_user", clone_user},
      {"clone_user_garbage", clone_user_garbage},
      {"clone3_user", clone3_user},
      {"clone3_plain", clone3_plain},
      {"setns_uts", setns_uts},
      {"mount_tmpfs", mount_tmpfs},
      {"mount_bind", mount_bind},
      {"umount", umount_own},
      {"pivot_root", do_pivot_root},
      {"chroot", do_chroot},
      {"fsopen", do_fsopen},
      {"fspick", do_fspick},
      {"open_tree", do_open_tree},
      {"move_mount", do_move_mount},
      {"mount_setattr", do_mount_setattr},
      {"bpf_map", bpf_map},
      {"perf_self", perf_self},
      {"keyctl_session", keyctl_session},
      {"add_key", do_add_key},
      {"request_key", do_request_key},
      {"userfaultfd", do_userfaultfd},
      {"io_uring", uring_setup},
      {"open_by_handle_at", handle_root},
      {"modify_ldt", ldt},
      {"kexec_load", kexec},
      {"init_module", module},
      {"finit_module", module_file},
      {"swapon", swap},
      {"reboot", reboot_nothing},
      {"clock_settime", set_clock},
      {"acct", accounting},
      {"syslog", kernel_log},
      {"sethostname", hostname},
      {"read_implies_exec", read_implies_exec},
      {"addr_no_randomize", no_randomize},
      {"ptrace_child", trace_child},
  };
  attempt_all(attempts, sizeof attempts / sizeof attempts[0]);
  const struct attempt outside_attempts[] = {
      {"ptrace", trace_outside},        {"process_vm_readv", read_outside},
      {"pidfd_open", pidfd_outside},    {"kill", signal_outside},
      {"tkill", thread_signal_outside}, {"sigqueue", queue_outside},
      {"scheduler", nice_outside},      {"prlimit", limits_outside},
  };
  for (int i = 1; i < argc; ++i) {
    outside = (pid_t)atoi(argv[i]);
    for (size_t j = 0; j < sizeof outside_attempts / sizeof outside_attempts[0]; ++j) {
      char name[64];
      snprintf(name, sizeof name, "outside_%s_%d", outside_attempts[j].name, outside);
      attempt(name, outside_attempts[j].act);
    }
  }
  return end();
}
