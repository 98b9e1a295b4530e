#pragma once

// A program on a terminal of its own, driven by a test: send keys, wait for output, resize, hang
// up.
//
// Every wait has a deadline and waits for a condition, never for time. The program and everything
// in its session is killed when the object goes away.

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hpp"

namespace redoubtful::test {

inline constexpr std::chrono::milliseconds kPtyDeadline{20000};

struct PtyOptions {
  unsigned short rows = 24;
  unsigned short columns = 80;
  std::map<std::string, std::string> environment;  // added to the test's own
  std::string directory;                           // empty: the test's own
};

class PtySession {
 public:
  // The terminal is the program's controlling terminal and its 0, 1 and 2.
  explicit PtySession(const std::vector<std::string>& arguments, const PtyOptions& options = {});
  PtySession(const PtySession&) = delete;
  PtySession& operator=(const PtySession&) = delete;
  ~PtySession();

  void send(std::string_view bytes);

  // Waits until `text` appears in the output behind the last match; everything up to its end counts
  // as seen. False at the deadline or when the terminal is closed before.
  bool expect(std::string_view text, std::chrono::milliseconds deadline = kPtyDeadline);

  // The same for any condition, looked at again after every bit of output and every few
  // milliseconds.
  bool wait_until(const std::function<bool()>& condition,
                  std::chrono::milliseconds deadline = kPtyDeadline);

  // Wait status of the program, once it has ended; reads its output meanwhile.
  std::optional<int> wait_exit(std::chrono::milliseconds deadline = kPtyDeadline);

  void resize(unsigned short rows, unsigned short columns);

  // Closes the terminal: the kernel sends SIGHUP to the session.
  void hang_up();

  termios settings() const;
  bool raw() const { return (settings().c_lflag & ICANON) == 0; }
  bool echoing() const { return (settings().c_lflag & ECHO) != 0; }

  pid_t pid() const { return pid_; }
  // Everything the terminal was sent so far; and what of it is behind the last match.
  const std::string& output() const { return output_; }
  std::string_view unseen() const { return std::string_view(output_).substr(seen_); }
  void forget() { seen_ = output_.size(); }

 private:
  // Takes what is there, waiting at most `patience`. False when the terminal is closed.
  bool pump(std::chrono::milliseconds patience);

  pid_t pid_ = -1;
  UniqueFd master_;
  UniqueFd process_;
  std::string output_;
  std::size_t seen_ = 0;
  std::optional<int> status_;
};

// The state letter of /proc/PID/stat ('S', 'T', …); nullopt when there is no such process.
std::optional<char> process_state(pid_t pid);

// Children of `pid`, from /proc.
std::vector<pid_t> children_of(pid_t pid);

}  // namespace redoubtful::test
