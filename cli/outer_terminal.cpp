#include "cli/outer_terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace redoubtful::cli {
namespace {

std::optional<unsigned> device_of(int fd) {
  unsigned device = 0;
  if (::ioctl(fd, TIOCGDEV, &device) != 0) return std::nullopt;
  return device;
}

// The same terminal through a file description of our own; invalid where that is not allowed (the
// terminal belongs to the user before `su`).
UniqueFd open_anew(int fd) {
  const std::string by_number = "/proc/self/fd/" + std::to_string(fd);
  for (const char* path : {by_number.c_str(), "/dev/tty"}) {
    UniqueFd opened(::open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (opened && device_of(opened.get()) == device_of(fd)) return opened;
  }
  return UniqueFd();
}

}  // namespace

std::optional<OuterTerminal> OuterTerminal::open(std::optional<int> fd) {
  UniqueFd opened;
  bool shared = false;
  if (fd) {
    opened = open_anew(*fd);
    if (!opened) {
      opened.reset(::fcntl(*fd, F_DUPFD_CLOEXEC, 3));
      shared = true;
    }
  } else {
    opened.reset(::open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  }
  termios settings{};
  if (!opened || ::tcgetattr(opened.get(), &settings) != 0) return std::nullopt;
  return OuterTerminal(std::move(opened), shared, settings);
}

bool OuterTerminal::in_foreground() const {
  const pid_t group = ::tcgetpgrp(fd_.get());
  if (group >= 0) return group == ::getpgrp();
  // ENOTTY: not our controlling terminal, so the kernel asks nobody's permission.
  return errno == ENOTTY;
}

bool OuterTerminal::gone() const {
  pollfd look{fd_.get(), 0, 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

winsize OuterTerminal::size() const {
  winsize size{};
  ::ioctl(fd_.get(), TIOCGWINSZ, &size);
  return size;
}

void OuterTerminal::remember_settings() {
  termios settings{};
  if (!changed_ && ::tcgetattr(fd_.get(), &settings) == 0) saved_ = settings;
}

void OuterTerminal::enter_raw() {
  remember_settings();
  termios raw = saved_;
  ::cfmakeraw(&raw);
  apply(raw);
}

void OuterTerminal::enter_keyboard() {
  remember_settings();
  termios keys = saved_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN);
  keys.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | IXON | IXOFF);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  apply(keys);
}

void OuterTerminal::apply(const termios& settings) {
  if (!in_foreground()) return;
  // TCSANOW: waiting for a stuck terminal to drain is not for us.
  if (::tcsetattr(fd_.get(), TCSANOW, &settings) == 0) changed_ = true;
}

void OuterTerminal::leave() noexcept {
  if (!changed_ || !fd_) return;
  changed_ = false;
  // Somebody else has the terminal: its settings are theirs.
  if (in_foreground()) ::tcsetattr(fd_.get(), TCSANOW, &saved_);
}

}  // namespace redoubtful::cli
