// B11: takes as much as it gets. "processes N": forks until refused, at most N; "memory N": touches
// N MiB, one at a time; "time": works until killed.
//   processes: COUNT      memory: COUNT

#include <sys/mman.h>

#include "probe.h"

int main(int argc, char** argv) {
  const int most = argc > 2 ? atoi(argv[2]) : 0;
  int count = 0;
  if (argc < 2) return 2;
  if (strcmp(argv[1], "processes") == 0) {
    pid_t* children = calloc((size_t)most, sizeof *children);
    for (; count < most; ++count) {
      children[count] = fork();
      if (children[count] < 0) break;
      if (children[count] == 0) {
        for (;;) pause();
      }
    }
    const int error = count < most ? errno : 0;
    for (int i = 0; i < count; ++i) kill(children[i], SIGKILL);
    printf("processes: %d\n", count);
    report("all_processes", error);
  } else if (strcmp(argv[1], "memory") == 0) {
    for (; count < most; ++count) {
      char* block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (block == MAP_FAILED) break;
      memset(block, count + 1, 1 << 20);
    }
    printf("memory: %d\n", count);
    report("all_memory", count < most ? ENOMEM : 0);
  } else {
    volatile unsigned long work = 0;
    for (;;) ++work;
  }
  return end();
}
