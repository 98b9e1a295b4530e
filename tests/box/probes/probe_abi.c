// B3: the same calls by other numbers: i386 through int 0x80, and x32. getpid tells whether the
// door exists at all; the others are what an attacker would use it for.

#include "probe.h"

#if defined(__x86_64__)

#include <linux/sched.h>

static long i386(long number, long a, long b, long c) {
  long result = number;
  __asm__ volatile("int $0x80"
                   : "+a"(result)
                   : "b"(a), "c"(b), "d"(c)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static long x32(long number, long a, long b, long c) {
  long result = number | 0x40000000;
  __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c) : "memory", "rcx", "r11");
  return result;
}

static int answer(long result) { return result < 0 ? (int)-result : 0; }

static int i386_getpid(void) { return answer(i386(20, 0, 0, 0)); }
static int i386_unshare(void) { return answer(i386(310, CLONE_NEWUSER, 0, 0)); }
static int i386_keyctl(void) { return answer(i386(288, 0, -3, 0)); }
static int i386_socket_alg(void) { return answer(i386(359, 38, 5, 0)); }
static int i386_ioctl_tiocsti(void) { return answer(i386(54, 0, 0x5412, 0)); }
static int i386_io_uring(void) { return answer(i386(425, 1, 0, 0)); }
static int x32_getpid(void) { return answer(x32(39, 0, 0, 0)); }
static int x32_unshare(void) { return answer(x32(272, CLONE_NEWUSER, 0, 0)); }
static int x32_keyctl(void) { return answer(x32(250, 0, -3, 0)); }
static int x32_ptrace(void) { return answer(x32(521, 0, 0, 0)); }
static int x32_socket_alg(void) { return answer(x32(41, 38, 5, 0)); }

int main(void) {
  const struct attempt attempts[] = {
      {"i386_getpid", i386_getpid},
      {"i386_unshare", i386_unshare},
      {"i386_keyctl", i386_keyctl},
      {"i386_socket_alg", i386_socket_alg},
      {"i386_ioctl_tiocsti", i386_ioctl_tiocsti},
      {"i386_io_uring", i386_io_uring},
      {"x32_getpid", x32_getpid},
      {"x32_unshare", x32_unshare},
      {"x32_keyctl", x32_keyctl},
      {"x32_ptrace", x32_ptrace},
      {"x32_socket_alg", x32_socket_alg},
  };
  attempt_all(attempts, sizeof attempts / sizeof attempts[0]);
  return end();
}

#else

int main(void) { return end(); }

#endif
