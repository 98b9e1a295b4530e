#pragma once

// The run as a job of the user's shell: who has the terminal, and what stops and continues.
//
//   stdin and stdout are the terminal   the agent starts in the foreground, keys are relayed raw
//   otherwise                           it starts in the background of its own terminal and
//   nobody's
//                                       keys are taken (`x | less`, `make | tee log`); when it does
//                                       use the terminal the kernel stops it (SIGTTIN, SIGTTOU),
//                                       init says so, and from then on it has the keys
//   we are in the background ourselves  then that same stop stops us, as it would have the agent
//
// When the agent stops (^Z), everything in the box is frozen, the terminal is put back, and we stop
// ourselves; `fg` and `bg` are told apart afterwards by who has the foreground.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/control_socket.hpp"
#include "cli/event_loop.hpp"
#include "cli/init_spec.hpp"
#include "cli/job_control.hpp"
#include "cli/outer_terminal.hpp"
#include "cli/standard_streams.hpp"
#include "cli/terminal_relay.hpp"

namespace redoubtful::cli {

class Job {
 public:
  Job(EventLoop& loop, const StandardStreams& streams, OutputFilter::Clipboard clipboard);

  // None when there is no terminal at all.
  std::optional<TerminalSpec> terminal_spec();

  // `control` outlives the Job's use; `message` as in ConsoleEvents.
  void connect(ControlSocket& control, std::function<void(std::string)> message);

  // The master of the private terminal, or an invalid descriptor.
  void adopt(UniqueFd master);

  // The agent has been told to go. Also after anything that may have changed who has the
  // foreground.
  void settle();

  // Reports of init.
  void agent_stopped(int signal_number);
  void agent_wants_terminal(int signal_number);
  void box_frozen();

  // Signals to us.
  void asked_to_stop();  // SIGTSTP
  void resized();        // SIGWINCH
  void hung_up();
  bool terminal_is_gone() const { return outer_ && outer_->gone(); }
  bool raw() const { return outer_ && outer_->changed(); }

  // A signal was sent into the box: where it is held frozen, it must wake up to receive it.
  void wake();

  // Calls `done` when everything the box wrote to the terminal has been shown and the terminal is
  // as it was. Gives a terminal that takes nothing kPatience.
  void finish(std::function<void()> done);

  // Now, without waiting for anything.
  void restore() noexcept;

 private:
  enum class State { kRunning, kAsked, kFreezing, kHeld };

  TerminalRelay::Keys keys() const {
    return raw_keys_ ? TerminalRelay::Keys::kRaw : TerminalRelay::Keys::kLine;
  }
  bool in_foreground() const { return outer_ && outer_->in_foreground(); }
  void place(protocol::Place place);
  void begin_stop(int signal_number);
  void stop_now();
  void resume();
  void watch_for_foreground();
  void finished();

  EventLoop& loop_;
  std::array<bool, 3> replaces_{};
  OutputFilter::Clipboard clipboard_;
  std::optional<OuterTerminal> outer_;
  std::unique_ptr<TerminalRelay> relay_;
  ControlSocket* control_ = nullptr;
  std::function<void(std::string)> message_;
  std::function<void()> done_;
  bool raw_keys_ = false;
  bool wanted_ = false;  // the agent is to have the keys whenever we have the foreground
  bool ended_ = false;   // the private terminal's output
  protocol::Place placed_ = protocol::Place::kBackground;
  State state_ = State::kRunning;
  int stop_signal_ = 0;
  Watch stop_timer_;
  Watch foreground_timer_;
  Watch finish_timer_;
  Watch drop_timer_;
};

}  // namespace redoubtful::cli
