// What the probes share. A probe is a small static program that attempts effects and prints one
// line for each, so that the same run outside is the positive control of the one inside:
//   NAME: WORKED
//   NAME: refused EPERM
//   NAME: killed SIGSYS
// and last "END", without which the test believes nothing: a probe that crashed early proves
// nothing.
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// 0: the effect took place; otherwise the errno that refused it.
typedef int (*act_function)(void);

struct attempt {
  const char* name;
  act_function act;
};

static inline int errno_of(long result) { return result < 0 ? errno : 0; }

static inline void report(const char* name, int error) {
  if (error == 0) {
    printf("%s: WORKED\n", name);
  } else if (error < 0) {
    printf("%s: killed SIG%s\n", name, sigabbrev_np(-error));
  } else {
    const char* text = strerrorname_np(error);
    printf("%s: refused %s\n", name, text != NULL ? text : "unknown");
  }
  fflush(stdout);
}

// In a child, for an attempt may kill, or may change what the next one finds.
static inline void attempt(const char* name, act_function act) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  if (child < 0) {
    printf("%s: NOT TRIED, fork: %s\n", name, strerrorname_np(errno));
    return;
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  report(name, WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
}

static inline void attempt_all(const struct attempt* attempts, size_t count) {
  for (size_t i = 0; i < count; ++i) attempt(attempts[i].name, attempts[i].act);
}

static inline int end(void) {
  puts("END");
  return 0;
}
