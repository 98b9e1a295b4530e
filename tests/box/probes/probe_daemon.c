// B10: a child that does not want to end: own session, own group, reparented, deaf. Its argument is
// the mark by which the test looks for it from outside. The first process returns at once.

#include <fcntl.h>

#include "probe.h"

int main(int argc, char** argv) {
  (void)argv;
  if (argc != 2) return 2;
  int ready[2];
  if (pipe(ready) != 0) return 1;
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    for (int number = 1; number < 65; ++number) signal(number, SIG_IGN);
    // Holding the descriptors must not hold the run either.
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  char byte;
  (void)!read(ready[0], &byte, 1);
  report("daemon", 0);
  return end();
}
