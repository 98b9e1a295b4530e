#pragma once

// The user's terminal: its settings, its size, and whether it is ours to read at the moment.
//
// Opened anew where possible, because the user's own descriptor shares its flags with the shell and
// must stay blocking. Settings are changed only while this process group is in the foreground, and
// are put back on every path (destructor).

#include <sys/ioctl.h>
#include <termios.h>

#include <optional>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

class OuterTerminal {
 public:
  // Through the descriptor `fd` (0–2), or /dev/tty when there is none. None: no terminal at all.
  static std::optional<OuterTerminal> open(std::optional<int> fd);

  OuterTerminal(OuterTerminal&&) noexcept = default;
  OuterTerminal& operator=(OuterTerminal&&) noexcept = delete;
  ~OuterTerminal() { leave(); }

  int descriptor() const { return fd_.get(); }

  // How much may be written at once after POLLOUT without blocking.
  std::size_t write_limit() const { return shared_ ? 64 : 65536; }

  // False as well once the terminal is gone. True where there is no job control.
  bool in_foreground() const;
  bool gone() const;

  winsize size() const;
  // What the user's shell set, as far as we know: at the beginning, or before the last enter_….
  const termios& settings() const { return saved_; }

  // Raw: every byte, ^C included, goes to the private terminal, which has the line discipline.
  void enter_raw();
  // The neighbours in a pipeline keep their output processing and signals; only line editing and
  // echo are the private terminal's (which knows when a password is being typed).
  void enter_keyboard();
  // Puts back what was there before enter_….
  void leave() noexcept;
  // Somebody else has the terminal now, and its settings are theirs.
  void forget() noexcept { changed_ = false; }
  bool changed() const { return changed_; }

 private:
  OuterTerminal(UniqueFd fd, bool shared, const termios& settings)
      : fd_(std::move(fd)), shared_(shared), saved_(settings) {}
  // The shell may have changed them while we were stopped or in the background.
  void remember_settings();
  void apply(const termios& settings);

  UniqueFd fd_;
  bool shared_;  // could not be opened anew: blocking
  termios saved_;
  bool changed_ = false;
};

}  // namespace redoubtful::cli
