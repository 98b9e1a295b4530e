#pragma once

// The user's side of a run: descriptors 0–2, the terminal, signals, and the control socket to init.
//
// The agent never holds anything of the user's that it could reopen, steer or listen to. Regular
// files, sockets and devices are relayed through pipes; terminals are replaced by a private one
// whose other end the supervisor holds; pipes and /dev/null are passed on as they are.
//
// Life cycle, in this order:
//   1. reserve_standard_descriptors()   first thing in main(), before anything is opened
//   2. Console::create(loop)            looks at 0–2; `< dir` is refused here, before anything
//   starts
//   3. fill(spec)                       writes the terminal's part of the specification
//   4. in the box's child: dup2(child_descriptors()[n], n) for n = 0, 1, 2
//   5. attach(control, events)          after the child was started; closes our copies of
//                                       child_descriptors(), relays, takes over the signals
//   6. go()                             lets init start the agent; waits for kReady by itself
//   7. events.on_exit(status)           the agent has ended. init ends next, bwrap with it, the
//                                       kernel then kills what is left of the box
//      events.on_drained()              everything the box wrote has been passed on, the terminal
//      is
//                                       as it was: return from run()
//      Pages that programs inside asked for meanwhile were said by events.on_message(), and are
//      once more where the terminal was the agent's to draw on.
//   8. destructor or restore()          on every path, errors included
//
// If the box ends without a word from init (bwrap failed, something was killed), on_lost() comes
// instead of on_exit(); on_drained() follows as well. The supervisor keeps its own watch on bwrap's
// pidfd and may end the box at any time: the Console then drains by itself.
//
// Not promised: type-ahead that was read for the agent is not given back to the shell (as with
// ssh).

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "cli/event_loop.hpp"
#include "cli/init_spec.hpp"
#include "cli/standard_streams.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

struct ConsoleEvents {
  // The agent's program is running.
  std::function<void()> on_started;
  // The agent could not be started: `error` is ready to be shown, `status` is 126 or 127. Followed
  // by on_drained().
  std::function<void(Error error, int status)> on_exec_failed;
  // The agent ended: its wait status (WIFEXITED, WIFSIGNALED).
  std::function<void(int wait_status)> on_exit;
  // The control socket closed, or init reported a failure, before any of the two above.
  std::function<void(Error error)> on_lost;
  // A signal that ends programs came before the agent ran: take everything down and return
  // 128 + signal. Followed by on_drained().
  std::function<void(int signal_number)> on_interrupted;
  // One sentence for the user, without prefix and newline: a weaker wall, a full disk behind `>`.
  std::function<void(std::string text)> on_message;
  // Last call of all.
  std::function<void()> on_drained;
};

enum class ClipboardWrites { kDropped, kAllowed };

class Console {
 public:
  // `loop` outlives the Console. Errors: kInvalidMount with a remedy when 0, 1 or 2 is a directory
  // or block device; kSystemCall.
  static Result<Console> create(EventLoop& loop,
                                ClipboardWrites clipboard = ClipboardWrites::kDropped);

  Console(Console&&) noexcept;
  Console& operator=(Console&&) noexcept;
  ~Console();

  // Valid until attach(). They are close-on-exec: dup2 onto 0–2 drops the flag. None is 0, 1 or 2.
  std::array<int, 3> child_descriptors() const;

  void fill(InitSpec& spec) const;

  // `control` is the supervisor's end of the pair. Errors: kSystemCall.
  Result<void> attach(UniqueFd control, ConsoleEvents events);

  void go();

  // As if the signal had been sent to the agent from its terminal. SIGKILL is the caller's
  // business.
  void signal_box(int signal_number);

  // While this is true, lines written to the terminal have to end with \r\n.
  bool terminal_is_raw() const;

  // The terminal as it was before create(). Safe at any time, any number of times.
  void restore() noexcept;

 private:
  class Implementation;
  explicit Console(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace redoubtful::cli
