// B6: what was inherited, and whether it leads anywhere.
//   fd N: KIND ACCESS TARGET

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "probe.h"

static const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFCHR:
      return "character";
    case S_IFBLK:
      return "block";
    case S_IFIFO:
      return "pipe";
    case S_IFSOCK:
      return "socket";
    default:
      return "other";
  }
}

static int under_test;

static int reopen_for_writing(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", under_test);
  return errno_of(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}
static int climb(void) {
  return errno_of(openat(under_test, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int main(void) {
  // Before anything of ours is opened: the highest numbers are inherited too.
  for (int fd = 0; fd < 4096; ++fd) {
    struct stat info;
    if (fstat(fd, &info) != 0) continue;
    const int flags = fcntl(fd, F_GETFL);
    const char* access = flags < 0                         ? "?"
                         : (flags & O_ACCMODE) == O_RDONLY ? "r"
                         : (flags & O_ACCMODE) == O_WRONLY ? "w"
                                                           : "rw";
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    printf("fd %d: %s %s %s\n", fd, kind_of(info.st_mode), access, target);
    char name[64];
    under_test = fd;
    if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)) {
      snprintf(name, sizeof name, "reopen_%d", fd);
      attempt(name, reopen_for_writing);
    }
    if (S_ISDIR(info.st_mode)) {
      snprintf(name, sizeof name, "climb_%d", fd);
      attempt(name, climb);
    }
  }
  return end();
}
