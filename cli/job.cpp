#include "cli/job.hpp"

#include <signal.h>

#include <utility>

namespace redoubtful::cli {
namespace {

using protocol::Order;
using protocol::Place;
using protocol::Target;
using std::chrono::milliseconds;

// How long an agent may take to stop by itself after SIGTSTP (vim puts the screen back).
constexpr milliseconds kStopGrace{200};
// An init that does not answer does not keep us from stopping.
constexpr milliseconds kFreezeGrace{300};
// No signal tells a running job that `fg` gave it the terminal.
constexpr milliseconds kForegroundPoll{200};
constexpr milliseconds kStopFlush{300};
constexpr milliseconds kPatience{2000};

// In the background the settings seen are those of whoever has the terminal: a shell that edits its
// command line, a pager. They are not meant for the agent.
void make_sane(termios& settings) {
  settings.c_iflag |= ICRNL | IXON;
  settings.c_iflag &= ~static_cast<tcflag_t>(INLCR | IGNCR);
  settings.c_oflag |= OPOST | ONLCR;
  settings.c_lflag |= ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN;
  // Writing in the background of the private terminal bothers nobody.
  settings.c_lflag &= ~static_cast<tcflag_t>(TOSTOP);
}

}  // namespace

Job::Job(EventLoop& loop, const StandardStreams& streams, OutputFilter::Clipboard clipboard)
    : loop_(loop), clipboard_(clipboard), outer_(OuterTerminal::open(streams.terminal)) {
  for (std::size_t n = 0; n < replaces_.size(); ++n) {
    replaces_[n] = streams.streams[n].kind == StreamKind::kTerminal;
  }
  raw_keys_ = replaces_[1];
  wanted_ = replaces_[0] && replaces_[1];
}

std::optional<TerminalSpec> Job::terminal_spec() {
  if (!outer_) return std::nullopt;
  TerminalSpec spec;
  spec.replaces = replaces_;
  spec.size = outer_->size();
  spec.settings = outer_->settings();
  placed_ = wanted_ && in_foreground() ? Place::kForeground : Place::kBackground;
  if (placed_ == Place::kBackground) make_sane(*spec.settings);
  spec.start = placed_ == Place::kForeground ? StartIn::kForeground : StartIn::kBackground;
  return spec;
}

void Job::connect(ControlSocket& control, std::function<void(std::string)> message) {
  control_ = &control;
  message_ = std::move(message);
}

void Job::adopt(UniqueFd master) {
  if (!master || !outer_) return;
  TerminalRelay::Events events;
  events.output_ended = [this] {
    ended_ = true;
    finished();
  };
  events.hung_up = [this] { hung_up(); };
  events.lost_foreground = [this] { settle(); };
  relay_ = std::make_unique<TerminalRelay>(loop_, *outer_, std::move(master), clipboard_,
                                           std::move(events));
  // It has changed since terminal_spec() perhaps, and without the keys the agent is told of later
  // changes only.
  relay_->resize();
}

void Job::place(Place place) {
  if (placed_ == place) return;
  placed_ = place;
  control_->send(Order::kPlace, static_cast<int>(place));
}

void Job::settle() {
  if (!relay_ || done_) return;
  if (wanted_ && in_foreground()) {
    foreground_timer_.reset();
    if (state_ == State::kHeld) {
      resume();
      return;
    }
    relay_->activate(keys());
    place(Place::kForeground);
    return;
  }
  if (relay_->active()) relay_->let_go();
  place(Place::kBackground);
  watch_for_foreground();
}

void Job::watch_for_foreground() {
  if (!wanted_ || !relay_ || done_) return;
  foreground_timer_ = loop_.after(kForegroundPoll, [this] { settle(); });
}

void Job::agent_stopped(int signal_number) {
  if (state_ == State::kFreezing || state_ == State::kHeld || done_) return;
  begin_stop(signal_number);
}

void Job::agent_wants_terminal(int signal_number) {
  if (state_ == State::kFreezing || state_ == State::kHeld || done_ || !relay_) return;
  wanted_ = true;
  if (!in_foreground()) {
    begin_stop(signal_number);
    return;
  }
  relay_->activate(keys());
  placed_ = Place::kForeground;
  control_->send(Order::kContinue, static_cast<int>(Place::kForeground));
}

void Job::asked_to_stop() {
  if (state_ != State::kRunning || done_) return;
  if (control_ == nullptr) {
    stop_until_continued(SIGTSTP, StopScope::kSelf);
    return;
  }
  state_ = State::kAsked;
  control_->send(Order::kSignal, SIGTSTP, static_cast<int>(Target::kForegroundGroup));
  stop_timer_ = loop_.after(kStopGrace, [this] { begin_stop(SIGTSTP); });
}

void Job::begin_stop(int signal_number) {
  state_ = State::kFreezing;
  stop_signal_ = signal_number;
  control_->send(Order::kFreeze);
  stop_timer_ = loop_.after(kFreezeGrace, [this] { stop_now(); });
}

void Job::box_frozen() {
  if (state_ == State::kFreezing) stop_now();
}

void Job::stop_now() {
  stop_timer_.reset();
  const bool from_terminal = stop_signal_ != SIGSTOP && outer_ && !outer_->gone();
  if (relay_) {
    relay_->flush_output(kStopFlush);
    relay_->deactivate();
  }
  const bool stopped =
      stop_until_continued(stop_signal_, from_terminal ? StopScope::kGroup : StopScope::kSelf);
  const bool terminal_access = stop_signal_ == SIGTTIN || stop_signal_ == SIGTTOU;
  if (!stopped && terminal_access && !in_foreground()) {
    // An orphaned background group: continuing the agent would only stop it again, for ever.
    state_ = State::kHeld;
    if (message_) message_("the agent waits for the terminal, which this run does not have");
    watch_for_foreground();
    return;
  }
  resume();
}

void Job::resume() {
  state_ = State::kRunning;
  const bool foreground = relay_ && wanted_ && in_foreground();
  if (foreground) {
    relay_->activate(keys());
  } else {
    if (relay_) relay_->resize();
    watch_for_foreground();
  }
  placed_ = foreground ? Place::kForeground : Place::kBackground;
  control_->send(Order::kContinue, static_cast<int>(placed_));
}

void Job::wake() {
  if (state_ == State::kHeld && !done_) resume();
}

void Job::resized() {
  if (!relay_) return;
  relay_->resize();
  // The kernel tells the foreground group of the private terminal only.
  if (placed_ == Place::kBackground) {
    control_->send(Order::kSignal, SIGWINCH, static_cast<int>(Target::kAgentGroup));
  }
}

void Job::hung_up() {
  if (!relay_ || drop_timer_.active()) return;
  relay_->disconnect();
  foreground_timer_.reset();
  // nohup: the agent's side stays open, or the kernel would hang it up all the same.
  if (is_ignored(SIGHUP)) return;
  control_->send(Order::kHangUp);
  // Not here: this may be a call from the relay. Closing the master ends the private terminal.
  drop_timer_ = loop_.after(milliseconds(0), [this] {
    relay_.reset();
    ended_ = true;
    finished();
  });
}

void Job::finish(std::function<void()> done) {
  stop_timer_.reset();
  foreground_timer_.reset();
  done_ = std::move(done);
  if (!relay_ || ended_) {
    finished();
    return;
  }
  finish_timer_ = loop_.after(kPatience, [this] {
    ended_ = true;
    finished();
  });
}

void Job::finished() {
  if (!done_ || (relay_ && !ended_)) return;
  finish_timer_.reset();
  if (relay_) relay_->deactivate();
  std::exchange(done_, nullptr)();
}

void Job::restore() noexcept {
  if (outer_) outer_->leave();
}

}  // namespace redoubtful::cli
