#include "cli/init/private_terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace redoubtful::cli::init {
namespace {

void apply(int slave, const protocol::SpecTermios& wanted) {
  termios settings{};
  if (::tcgetattr(slave, &settings) != 0) return;
  settings.c_iflag = wanted.input;
  settings.c_oflag = wanted.output;
  settings.c_cflag = wanted.control;
  settings.c_lflag = wanted.local;
  for (int i = 0; i < NCCS && i < 32; ++i) settings.c_cc[i] = wanted.characters[i];
  ::tcsetattr(slave, TCSANOW, &settings);
}

}  // namespace

int PrivateTerminal::create(const protocol::SpecHeader& header) {
  const int master = ::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0) return -1;
  const int unlock = 0;
  if (::ioctl(master, TIOCSPTLCK, &unlock) != 0) return -1;
  slave_ = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave_ < 0 || ::ioctl(slave_, TIOCSCTTY, 0) != 0) return -1;
  if ((header.flags & protocol::kCopyTermios) != 0) apply(slave_, header.termios);
  winsize size{};
  size.ws_row = header.rows;
  size.ws_col = header.columns;
  size.ws_xpixel = header.width_pixels;
  size.ws_ypixel = header.height_pixels;
  ::ioctl(slave_, TIOCSWINSZ, &size);
  for (int n = 0; n < 3; ++n) {
    if ((header.flags & (protocol::kTerminalOn0 << static_cast<unsigned>(n))) == 0) continue;
    if (::dup2(slave_, n) < 0) return -1;
  }
  return master;
}

pid_t PrivateTerminal::foreground_group() const {
  if (!exists()) return 0;
  const pid_t group = ::tcgetpgrp(slave_);
  return group > 0 && group != ::getpgrp() ? group : 0;
}

// SIGTTOU is blocked in init, so both of these succeed whoever is in the foreground.
void PrivateTerminal::bring_to_foreground(pid_t agent_group) {
  if (!exists() || foreground_group() != 0) return;
  if (previous_group_ > 0 && ::tcsetpgrp(slave_, previous_group_) == 0) return;
  ::tcsetpgrp(slave_, agent_group);
}

void PrivateTerminal::send_to_background() {
  const pid_t group = foreground_group();
  if (group == 0) return;
  previous_group_ = group;
  ::tcsetpgrp(slave_, ::getpgrp());
}

}  // namespace redoubtful::cli::init
