// B15: signals to everyone. Only inside, where "everyone" is the box: kill(-1) elsewhere ends the
// session of whoever tries this.

#include <sys/prctl.h>

#include "probe.h"

int main(void) {
  if (getenv("REDOUBTFUL") == NULL) {
    fputs("not in a box\n", stderr);
    return 2;
  }
  signal(SIGUSR1, SIG_IGN);
  signal(SIGTTOU, SIG_IGN);
  // A child that is hit shows that the signal was really sent.
  int ready[2];
  if (pipe(ready) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGUSR1, SIG_DFL);
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  char byte;
  (void)!read(ready[0], &byte, 1);
  report("kill_group_0", errno_of(kill(0, 0)));
  report("kill_everyone_usr1", errno_of(kill(-1, SIGUSR1)));
  int status = 0;
  waitpid(child, &status, 0);
  report("own_child_was_hit", WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1 ? 0 : ESRCH);
  report("kill_everyone_stop", errno_of(kill(-1, SIGSTOP)));
  report("kill_everyone_cont", errno_of(kill(-1, SIGCONT)));
  report("kill_everyone_hup", errno_of(kill(-1, SIGWINCH)));
  report("kill_parent_0", errno_of(kill(getppid(), 0)));
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  report("kill_group_term", errno_of(kill(0, SIGTERM)));
  return end();
}
