// B7: what /proc and the keyrings show. Standard input: words that nothing here may contain, one in
// a line (as arguments they would be found in the command line of whoever started this).
//   process PID COMM         each process that is visible
//   environ 1 NAME           names in the environment of the first process
//   found WORD in FILE       a word was found where it may not be

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "probe.h"

static char buffer[1 << 20];

static ssize_t slurp(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  ssize_t total = 0;
  while (total < (ssize_t)sizeof buffer) {
    const ssize_t got = read(fd, buffer + total, sizeof buffer - (size_t)total);
    if (got <= 0) break;
    total += got;
  }
  close(fd);
  return total;
}

static void look_into(const char* path, char** words, int count) {
  const ssize_t size = slurp(path);
  if (size < 0) return;
  for (int i = 0; i < count; ++i) {
    if (memmem(buffer, (size_t)size, words[i], strlen(words[i])) != NULL) {
      printf("found %s in %s\n", words[i], path);
    }
  }
}

int main(void) {
  static char lines[16][256];
  char* words[16];
  int count = 0;
  while (count < 16 && fgets(lines[count], sizeof lines[count], stdin) != NULL) {
    lines[count][strcspn(lines[count], "\n")] = '\0';
    words[count] = lines[count];
    ++count;
  }

  DIR* processes = opendir("/proc");
  const struct dirent* entry;
  const char* files[] = {"environ", "cmdline", "maps", "mountinfo", "cgroup", "stat", "status"};
  while (processes != NULL && (entry = readdir(processes)) != NULL) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    char path[512];
    snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
    const ssize_t length = slurp(path);
    printf("process %s %.*s\n", entry->d_name, length > 0 ? (int)length - 1 : 0, buffer);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
      snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name, files[i]);
      look_into(path, words, count);
    }
  }
  const char* global[] = {"/proc/keys",        "/proc/key-users", "/proc/net/unix",
                          "/proc/net/tcp",     "/proc/cmdline",   "/proc/self/mountinfo",
                          "/proc/sysvipc/shm", "/proc/locks",     "/proc/kallsyms"};
  for (size_t i = 0; i < sizeof global / sizeof global[0]; ++i) look_into(global[i], words, count);

  const ssize_t environment = slurp("/proc/1/environ");
  report("environ_1_readable", environment < 0 ? EACCES : 0);
  for (ssize_t at = 0; at < environment;) {
    const size_t length = strnlen(buffer + at, (size_t)(environment - at));
    printf("environ 1 %.*s\n", (int)strcspn(buffer + at, "="), buffer + at);
    at += (ssize_t)length + 1;
  }
  const ssize_t command = slurp("/proc/1/cmdline");
  for (ssize_t at = 0; at < command;) {
    printf("cmdline 1 %s\n", buffer + at);
    at += (ssize_t)strlen(buffer + at) + 1;
  }

  const long ring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
  report("session_keyring", errno_of(ring));
  for (int i = 0; i < count; ++i) {
    const long key =
        syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", words[i], 0);
    char name[256];
    snprintf(name, sizeof name, "key_%.200s", words[i]);
    report(name, errno_of(key));
  }
  return end();
}
