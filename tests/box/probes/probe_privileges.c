// B1: whose rights this is, and whether any can be gained.

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "probe.h"

static void print_status(void) {
  const char* fields[] = {"Uid:",    "Gid:",    "Groups:", "CapInh:",     "CapPrm:",
                          "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"};
  FILE* status = fopen("/proc/self/status", "re");
  char line[512];
  if (status == NULL) {
    printf("status: NOT READABLE\n");
    return;
  }
  while (fgets(line, sizeof line, status) != NULL) {
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; ++i) {
      if (strncmp(line, fields[i], strlen(fields[i])) == 0) fputs(line, stdout);
    }
  }
  fclose(status);
}

static int become_root(void) {
  // Being it already is no gain: what counts is whether the identity can change.
  if (getuid() == 0) return errno_of(setresuid(1, 1, 1));
  return errno_of(setresuid(0, 0, 0));
}
static int become_other(void) { return errno_of(setresuid(65534, 65534, 65534)); }
static int drop_groups(void) { return errno_of(setgroups(0, NULL)); }
static int become_group(void) { return errno_of(setresgid(4, 4, 4)); }
static int raise_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const unsigned bit = 1U << CAP_SYS_ADMIN;
  struct __user_cap_data_struct data[2] = {{bit, bit, 0}, {0, 0, 0}};
  return errno_of(syscall(SYS_capset, &head, data));
}
static int raise_inheritable(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &head, data) != 0) return errno;
  data[0].inheritable |= 1U << CAP_SYS_ADMIN % 32;
  return errno_of(syscall(SYS_capset, &head, data));
}
static int clear_no_new_privs(void) {
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) return 0;
  return errno_of(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
static int keep_capabilities(void) {
  return errno_of(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0));
}
static int chown_away(void) {
  const int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return fd < 0 ? errno : errno_of(fchown(fd, 65534, 65534));
}
static int make_device(void) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/probe-device-%d", (int)getpid());
  const int error = errno_of(mknod(path, S_IFBLK | 0600, 0x700));  // loop0
  unlink(path);
  return error;
}

// Whether a set-uid program runs with its owner's rights. It waits for a password on a pipe that
// stays empty, so that its status can be read.
static int set_uid_program(void) {
  const char* programs[] = {"/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/mount"};
  for (size_t i = 0; i < sizeof programs / sizeof programs[0]; ++i) {
    struct stat info;
    if (stat(programs[i], &info) != 0 || (info.st_mode & S_ISUID) == 0) continue;
    int input[2], output[2], executed[2];
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0 ||
        pipe2(executed, O_CLOEXEC) != 0) {
      return errno;
    }
    const pid_t child = fork();
    if (child == 0) {
      // From a user who is not root, or there is nothing to gain.
      if (getuid() == 0) (void)!setresuid(65534, 65534, 65534);
      dup2(input[0], 0);
      dup2(output[1], 1);
      dup2(output[1], 2);
      execl(programs[i], programs[i], (char*)NULL);
      const int error = errno;
      (void)!write(executed[1], &error, sizeof error);
      _exit(1);
    }
    close(executed[1]);
    int error = 0;
    if (read(executed[0], &error, sizeof error) == (ssize_t)sizeof error) {
      waitpid(child, NULL, 0);
      return error;
    }
    char path[64], line[256];
    unsigned real = 1, effective = 1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    FILE* status = fopen(path, "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
      if (sscanf(line, "Uid: %u %u", &real, &effective) == 2) break;
    }
    if (status != NULL) fclose(status);
    kill(child, SIGKILL);
    close(input[1]);
    waitpid(child, NULL, 0);
    return real != effective && effective == 0 ? 0 : EPERM;
  }
  return ENOENT;
}

int main(void) {
  print_status();
  const struct attempt attempts[] = {
      {"become_root", become_root},
      {"become_other", become_other},
      {"become_group", become_group},
      {"drop_groups", drop_groups},
      {"raise_capabilities", raise_capabilities},
      {"raise_inheritable", raise_inheritable},
      {"clear_no_new_privs", clear_no_new_privs},
      {"securebits", keep_capabilities},
      {"chown", chown_away},
      {"make_device", make_device},
      {"set_uid_program", set_uid_program},
  };
  attempt_all(attempts, sizeof attempts / sizeof attempts[0]);
  return end();
}
