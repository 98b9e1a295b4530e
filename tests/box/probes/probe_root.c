// B16: what uid 0 owns in /proc, /sys and /dev, opened for writing and never written.
// With --walk all of /proc (but processes) and /sys is tried, and what opens is listed as
//   writable PATH
// Without it only the named ones, so that the positive control outside touches nothing else.

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "probe.h"

static void try_open(const char* path) {
  const int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  char name[256];
  snprintf(name, sizeof name, "open_%s", path);
  report(name, errno_of(fd));
  if (fd >= 0) close(fd);
}

static int visit(const char* path, const struct stat* info, int type, struct FTW* where) {
  if (type == FTW_D || type == FTW_DNR) {
    const char c = where->level == 1 ? path[where->base] : 'x';
    if (strncmp(path, "/proc/", 6) == 0 && where->level == 1 &&
        ((c >= '0' && c <= '9') || strcmp(path, "/proc/self") == 0)) {
      return FTW_SKIP_SUBTREE;
    }
    return FTW_CONTINUE;
  }
  if (type != FTW_F || !S_ISREG(info->st_mode)) return FTW_CONTINUE;
  const int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) {
    printf("writable %s\n", path);
    close(fd);
  }
  return FTW_CONTINUE;
}

static int raise_own_score(void) {
  const int fd = open("/proc/1/oom_score_adj", O_WRONLY | O_CLOEXEC);
  return fd < 0 ? errno : errno_of(write(fd, "-1000", 5));
}

int main(int argc, char** argv) {
  const char* paths[] = {"/proc/sys/kernel/core_pattern",
                         "/proc/sys/kernel/modprobe",
                         "/proc/sys/kernel/hostname",
                         "/proc/sys/kernel/domainname",
                         "/proc/sys/kernel/panic",
                         "/proc/sys/vm/drop_caches",
                         "/proc/sys/vm/overcommit_memory",
                         "/proc/sys/fs/binfmt_misc/register",
                         "/proc/sys/fs/protected_symlinks",
                         "/proc/sys/net/ipv4/ip_forward",
                         "/proc/sysrq-trigger",
                         "/proc/mtrr",
                         "/proc/kcore",
                         "/sys/kernel/uevent_helper",
                         "/sys/kernel/mm/transparent_hugepage/enabled",
                         "/sys/power/state",
                         "/sys/fs/cgroup/cgroup.procs",
                         "/sys/fs/cgroup/cgroup.subtree_control",
                         "/dev/mem",
                         "/dev/kmsg",
                         "/dev/port",
                         "/dev/vda",
                         "/dev/sda",
                         "/dev/nvme0n1",
                         "/dev/loop-control",
                         "/dev/kvm",
                         "/dev/fuse",
                         "/dev/net/tun",
                         "/dev/userfaultfd",
                         "/dev/null"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; ++i) try_open(paths[i]);
  if (argc > 1 && strcmp(argv[1], "--walk") == 0) {
    attempt("oom_score_of_init", raise_own_score);
    const char* trees[] = {"/proc", "/sys"};
    for (size_t i = 0; i < 2; ++i) nftw(trees[i], visit, 32, FTW_PHYS | FTW_ACTIONRETVAL);
  }
  return end();
}
