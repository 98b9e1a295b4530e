// B5: what can be done to the terminal on standard input, or to the controlling one. With --type
// only what types into it: the others leave it in a state that a shell outside would stumble on.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>

#include "probe.h"

static int terminal = 0;

static int request(unsigned long number, const void* argument) {
  return errno_of(syscall(SYS_ioctl, terminal, number, argument));
}
static int type_into(void) { return request(TIOCSTI, "x"); }
static int type_into_garbage(void) { return request(0xDEADBEEF00000000UL | TIOCSTI, "x"); }
static int type_into_low_garbage(void) { return request(0x100000000UL | TIOCSTI, "x"); }
static int console(void) {
  const char paste = 3;
  return request(TIOCLINUX, &paste);
}
static int console_garbage(void) {
  const char paste = 3;
  return request(0x100000000UL | TIOCLINUX, &paste);
}
static int discipline(void) {
  int number = 0;  // N_TTY, the one that is set already
  return request(TIOCSETD, &number);
}
static int steal(void) {
  const int force = 1;
  setsid();
  return errno_of(ioctl(terminal, TIOCSCTTY, force));
}
static int window_size(void) {
  struct winsize size = {0};
  const int error = errno_of(ioctl(terminal, TIOCGWINSZ, &size));
  if (error == 0) printf("size: %dx%d\n", size.ws_col, size.ws_row);
  fflush(stdout);
  return error;
}
static int attributes(void) {
  struct termios settings;
  if (tcgetattr(terminal, &settings) != 0) return errno;
  return errno_of(tcsetattr(terminal, TCSANOW, &settings));
}
static int foreground(void) {
  signal(SIGTTOU, SIG_IGN);
  setpgid(0, 0);
  return errno_of(tcsetpgrp(terminal, getpgrp()));
}

int main(int argc, char** argv) {
  if (!isatty(0)) terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  // What is typed in must not appear among the lines printed here.
  struct termios settings;
  if (tcgetattr(terminal, &settings) == 0) {
    settings.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSANOW, &settings);
  }
  char name[256] = "none";
  const ssize_t length = readlink("/proc/self/fd/0", name, sizeof name - 1);
  if (length > 0) name[length] = '\0';
  printf("stdin: %s\n", name);
  const struct attempt attempts[] = {
      {"tiocsti", type_into},
      {"tiocsti_garbage", type_into_garbage},
      {"tiocsti_bit32", type_into_low_garbage},
      {"tioclinux", console},
      {"tioclinux_garbage", console_garbage},
      {"line_discipline", discipline},
      {"steal", steal},
      {"window_size", window_size},
      {"attributes", attributes},
      {"foreground", foreground},
  };
  const size_t count = sizeof attempts / sizeof attempts[0];
  attempt_all(attempts, argc > 1 && strcmp(argv[1], "--type") == 0 ? 5 : count);
  return end();
}
