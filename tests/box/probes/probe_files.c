// B2, B12: every way to change a file that is only to be read.
// Arguments: FILE DIRECTORY SCRATCH. FILE lies in DIRECTORY, both are the ones under attack;
// SCRATCH is a directory that may be written. Outside, as the positive control, all three are the
// tester's.

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "probe.h"

static const char* file;
static const char* directory;
static const char* scratch;
static char path[8192];

static int write_to(const char* where, int flags) {
  const int fd = open(where, flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  const int error = errno_of(write(fd, "x", 1));
  close(fd);
  return error;
}
static const char* in(const char* where, const char* name) {
  snprintf(path, sizeof path, "%s/%s", where, name);
  return path;
}

static int direct(void) { return write_to(file, O_WRONLY); }
static int append(void) { return write_to(file, O_WRONLY | O_APPEND); }
static int by_symlink(void) {
  char link[4096];
  snprintf(link, sizeof link, "%s/probe-link", scratch);
  unlink(link);
  if (symlink(file, link) != 0) return errno;
  const int error = write_to(link, O_WRONLY);
  unlink(link);
  return error;
}
static int by_hard_link(void) {
  char other[4096];
  snprintf(other, sizeof other, "%s/probe-hard-link", scratch);
  unlink(other);
  if (link(file, other) != 0) return errno;
  const int error = write_to(other, O_WRONLY);
  unlink(other);
  return error;
}
static int by_self_root(void) {
  snprintf(path, sizeof path, "/proc/self/root%s", file);
  return write_to(path, O_WRONLY);
}
static int by_init_root(void) {
  snprintf(path, sizeof path, "/proc/1/root%s", file);
  return write_to(path, O_WRONLY);
}
static int by_self_cwd(void) {
  if (chdir(directory) != 0) return errno;
  snprintf(path, sizeof path, "/proc/self/cwd/%s", strrchr(file, '/') + 1);
  return write_to(path, O_WRONLY);
}
static int by_reopening(void) {
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return write_to(path, O_WRONLY);
}
static int by_path_descriptor(void) {
  const int fd = open(file, O_PATH | O_CLOEXEC);
  if (fd < 0) return errno;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return write_to(path, O_RDWR);
}
static int by_parent_descriptor(void) {
  const int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  snprintf(path, sizeof path, "/proc/self/fd/%d/../%s/%s", fd, strrchr(directory, '/') + 1,
           strrchr(file, '/') + 1);
  return write_to(path, O_WRONLY);
}
static int by_mapping(void) {
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  char* bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) return errno;
  // Writing at a read-only shared mapping through our own memory file is an old kernel bug.
  const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (memory < 0) return errno;
  return errno_of(pwrite(memory, "x", 1, (off_t)bytes));
}
static int do_truncate(void) { return errno_of(truncate(file, 0)); }
static int do_chmod(void) { return errno_of(chmod(file, 0666)); }
static int do_utimes(void) { return errno_of(utimensat(AT_FDCWD, file, NULL, 0)); }
static int do_xattr(void) { return errno_of(setxattr(file, "user.probe", "x", 1, 0)); }
static int rename_away(void) {
  char to[4096];
  snprintf(to, sizeof to, "%s.probe", file);
  const int error = errno_of(rename(file, to));
  if (error == 0) rename(to, file);
  return error;
}
static int rename_over(void) {
  const char* from = in(scratch, "probe-over");
  const int fd = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  const int error = errno_of(rename(from, file));
  unlink(from);
  return error;
}
static int create_beside(void) {
  const char* name = in(directory, "probe-new");
  const int error = write_to(name, O_WRONLY | O_CREAT | O_EXCL);
  unlink(name);
  return error;
}
static int make_directory(void) {
  const char* name = in(directory, "probe-directory");
  const int error = errno_of(mkdir(name, 0700));
  rmdir(name);
  return error;
}
static int rename_directory(void) {
  char to[4096];
  snprintf(to, sizeof to, "%s.probe", directory);
  const int error = errno_of(rename(directory, to));
  if (error == 0) rename(to, directory);
  return error;
}
static int temporary_file(void) {
  return errno_of(open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}
static int change_flags(void) {
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  int flags = 0;
  if (fd < 0 || syscall(SYS_ioctl, fd, 0x80086601 /*FS_IOC_GETFLAGS*/, &flags) != 0) return errno;
  flags ^= 0x40;  // no dump
  const int error = errno_of(syscall(SYS_ioctl, fd, 0x40086602 /*FS_IOC_SETFLAGS*/, &flags));
  flags ^= 0x40;
  if (error == 0) (void)!syscall(SYS_ioctl, fd, 0x40086602, &flags);
  return error;
}

// Outside these happen in a mount namespace of the child's own.
static void own_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0) (void)!unshare(CLONE_NEWUSER | CLONE_NEWNS);
  (void)!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}
static int remount_then_write(void) {
  own_mounts();
  if (mount(directory, directory, NULL, MS_BIND, NULL) != 0) {
    if (mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND, NULL) != 0) return errno;
  } else if (mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND, NULL) != 0) {
    return errno;
  }
  return write_to(file, O_WRONLY);
}
static int setattr_then_write(void) {
  own_mounts();
  struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
  (void)!mount(directory, directory, NULL, MS_BIND, NULL);
  if (syscall(SYS_mount_setattr, AT_FDCWD, directory, 0x8000 /*AT_RECURSIVE*/, &attributes,
              sizeof attributes) != 0) {
    return errno;
  }
  return write_to(file, O_WRONLY);
}
static int over_mount(void) {
  own_mounts();
  return errno_of(mount("none", directory, "tmpfs", 0, NULL));
}
static int unmount(void) {
  own_mounts();
  (void)!mount(directory, directory, NULL, MS_BIND, NULL);
  return errno_of(umount2(directory, MNT_DETACH));
}
static int overlay(void) {
  own_mounts();
  if (mount("none", "/tmp", "tmpfs", 0, NULL) != 0) return errno;
  mkdir("/tmp/u", 0700);
  mkdir("/tmp/w", 0700);
  return errno_of(mount("none", "/tmp", "overlay", 0,
                        "lowerdir=/usr,upperdir=/tmp/u,workdir=/tmp/w,userxattr"));
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fputs("usage: probe_files FILE DIRECTORY SCRATCH\n", stderr);
    return 2;
  }
  file = argv[1];
  directory = argv[2];
  scratch = argv[3];
  const int readable = open(file, O_RDONLY | O_CLOEXEC);
  report("read", errno_of(readable));
  const struct attempt attempts[] = {
      {"write", direct},
      {"append", append},
      {"symlink", by_symlink},
      {"hard_link", by_hard_link},
      {"self_root", by_self_root},
      {"init_root", by_init_root},
      {"self_cwd", by_self_cwd},
      {"reopen", by_reopening},
      {"path_descriptor", by_path_descriptor},
      {"parent_descriptor", by_parent_descriptor},
      {"mapping", by_mapping},
      {"truncate", do_truncate},
      {"chmod", do_chmod},
      {"utimes", do_utimes},
      {"xattr", do_xattr},
      {"flags", change_flags},
      {"rename_away", rename_away},
      {"rename_over", rename_over},
      {"create_beside", create_beside},
      {"mkdir", make_directory},
      {"rename_directory", rename_directory},
      {"tmpfile", temporary_file},
      {"remount", remount_then_write},
      {"mount_setattr", setattr_then_write},
      {"over_mount", over_mount},
      {"umount", unmount},
      {"overlay", overlay},
  };
  attempt_all(attempts, sizeof attempts / sizeof attempts[0]);
  return end();
}
