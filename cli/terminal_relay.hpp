#pragma once

// Between the user's terminal and the master of the private one.
//
// Output always flows, through the OutputFilter. Input flows only while the relay is active: while
// it is not, nobody's keys are taken and questions to the terminal are dropped, because their
// answers would be read by the shell. Neither direction ever blocks; a terminal that does not take
// bytes makes the agent wait, not the supervisor.

#include <chrono>
#include <functional>
#include <string>

#include "cli/event_loop.hpp"
#include "cli/outer_terminal.hpp"
#include "cli/output_filter.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

class TerminalRelay {
 public:
  struct Events {
    std::function<void()> output_ended;     // every slave is closed; nothing more will come
    std::function<void()> hung_up;          // the user's terminal is gone
    std::function<void()> lost_foreground;  // somebody else has the terminal now
  };

  // `outer` outlives the relay. `master` is non-blocking.
  TerminalRelay(EventLoop& loop, OuterTerminal& outer, UniqueFd master,
                OutputFilter::Clipboard clipboard, Events events);

  enum class Keys { kRaw, kLine };

  // Takes the keys: sets the user's terminal and reads it.
  void activate(Keys keys);
  bool active() const { return active_; }

  // Stops reading and puts the terminal back. When the agent asked it something lately, first waits
  // (at most half a second) for the answers and discards them: they must not reach the shell.
  void deactivate();

  // Somebody else has the terminal: stops reading and leaves its settings alone.
  void let_go();

  // Copies what has been written by now, for at most `patience`; used before stopping and at the
  // end.
  void flush_output(std::chrono::milliseconds patience);

  // The agent's terminal gets the user's size.
  void resize();

  // Discards output from now on, and takes no input; the agent's side stays open.
  void disconnect();

 private:
  // True when something was read.
  bool read_master();
  void write_outer();
  void read_outer();
  void write_master();
  void wait();
  void end_output();
  void absorb_answers();

  EventLoop& loop_;
  OuterTerminal& outer_;
  UniqueFd master_;
  OutputFilter filter_;
  Events events_;
  std::string to_outer_;
  std::size_t outer_written_ = 0;
  std::string to_master_;
  std::size_t master_written_ = 0;
  bool active_ = false;
  bool connected_ = true;
  bool ended_ = false;
  std::uint64_t queries_seen_ = 0;
  EventLoop::Clock::time_point last_query_{};
  Watch outer_in_;
  Watch outer_out_;
  Watch master_in_;
  Watch master_out_;
};

}  // namespace redoubtful::cli
