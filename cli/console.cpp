#include "cli/console.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <utility>
#include <vector>

#include "cli/control_socket.hpp"
#include "cli/job.hpp"
#include "cli/page_requests.hpp"
#include "cli/start_errors.hpp"
#include "cli/stream_relay.hpp"

namespace redoubtful::cli {
namespace {

using protocol::Order;
using protocol::Report;
using protocol::Target;

OutputFilter::Clipboard filter_mode(ClipboardWrites clipboard) {
  return clipboard == ClipboardWrites::kAllowed ? OutputFilter::Clipboard::kPass
                                                : OutputFilter::Clipboard::kDrop;
}

}  // namespace

class Console::Implementation {
 public:
  Implementation(EventLoop& loop, StandardStreams streams, ClipboardWrites clipboard)
      : loop_(loop), streams_(std::move(streams)), job_(loop, streams_, filter_mode(clipboard)) {}

  std::array<int, 3> child_descriptors() const {
    return {streams_.streams[0].child.get(), streams_.streams[1].child.get(),
            streams_.streams[2].child.get()};
  }

  void fill(InitSpec& spec) {
    spec.terminal = job_.terminal_spec();
    command_ = spec.arguments.empty() ? std::string() : spec.arguments.front();
    if (spec.landlock) writable_ = spec.landlock->writable;
  }

  Result<void> attach(UniqueFd control, ConsoleEvents events);
  void go();
  void signal_box(int number);
  void restore() noexcept { job_.restore(); }
  bool raw() const { return job_.raw(); }

 private:
  enum class Phase { kStarting, kRunning, kDraining, kDrained };

  void start_relays();
  Result<void> take_signals();
  void handle(const signalfd_siginfo& info);
  void handle_ending_signal(const signalfd_siginfo& info);
  void receive(InitReport report);
  void ready(UniqueFd master);
  void exec_failed(const InitReport& report);
  void conversation_ended(Error error);
  void lost(Error error);
  void drain();
  void look_whether_drained();

  EventLoop& loop_;
  StandardStreams streams_;
  Job job_;
  std::string command_;
  std::vector<std::string> writable_;
  ConsoleEvents events_;
  PageRequests pages_{[this](const std::string& line) {
    if (events_.on_message) events_.on_message(line);
  }};
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<InputRelay> input_;
  std::vector<std::unique_ptr<OutputRelay>> outputs_;
  Watch signals_;
  Watch drained_timer_;
  Phase phase_ = Phase::kStarting;
  bool ready_ = false;
  bool go_ = false;
  bool job_finished_ = false;
  bool drawn_on_ = false;  // the agent had the user's terminal
};

Result<void> Console::Implementation::attach(UniqueFd control, ConsoleEvents events) {
  events_ = std::move(events);
  for (StandardStream& stream : streams_.streams) stream.child.reset();
  // Writing to a pipe or terminal nobody reads is an error to handle, not a reason to die.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  if (auto taken = take_signals(); !taken) return std::move(taken).error();
  control_ = std::make_unique<ControlSocket>(
      loop_, std::move(control), [this](InitReport report) { receive(std::move(report)); },
      [this](Error error) { conversation_ended(std::move(error)); });
  job_.connect(*control_, events_.on_message);
  start_relays();
  return {};
}

void Console::Implementation::start_relays() {
  if (streams_.streams[0].ours) {
    input_ = std::make_unique<InputRelay>(loop_, 0, std::move(streams_.streams[0].ours));
    input_->start();
  }
  for (int fd = 1; fd < 3; ++fd) {
    StandardStream& stream = streams_.streams[static_cast<std::size_t>(fd)];
    if (!stream.ours) continue;
    auto failed = [this](const Error& error) {
      if (events_.on_message) events_.on_message(error.what());
    };
    outputs_.push_back(std::make_unique<OutputRelay>(loop_, fd, std::move(stream.ours), failed,
                                                     [this] { look_whether_drained(); }));
    outputs_.back()->start();
  }
}

Result<void> Console::Implementation::take_signals() {
  std::vector<int> wanted = {SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
                             SIGTSTP, SIGCONT, SIGTTIN, SIGTTOU};
  // nohup, and a shell's `&` without job control, start programs with these ignored.
  for (const int number : {SIGHUP, SIGINT, SIGQUIT}) {
    if (!is_ignored(number)) wanted.push_back(number);
  }
  auto watch = loop_.on_signals(wanted, [this](const signalfd_siginfo& info) { handle(info); });
  if (!watch) return std::move(watch).error();
  signals_ = std::move(*watch);
  return {};
}

void Console::Implementation::handle(const signalfd_siginfo& info) {
  switch (const int number = static_cast<int>(info.ssi_signo)) {
    case SIGINT:
    case SIGQUIT:
    case SIGTERM:
    case SIGHUP:
      handle_ending_signal(info);
      return;
    case SIGUSR1:
    case SIGUSR2:
      control_->send(Order::kSignal, number, static_cast<int>(Target::kAgent));
      return;
    case SIGWINCH:
      job_.resized();
      return;
    case SIGTSTP:
      job_.asked_to_stop();
      return;
    case SIGCONT:
      if (phase_ == Phase::kRunning) job_.settle();
      return;
    default:
      // SIGTTIN and SIGTTOU are only blocked: reading then fails instead of stopping us.
      return;
  }
}

void Console::Implementation::handle_ending_signal(const signalfd_siginfo& info) {
  const int number = static_cast<int>(info.ssi_signo);
  if (phase_ == Phase::kStarting) {
    if (events_.on_interrupted) {
      events_.on_interrupted(number);
      drain();
    } else {
      lost(Error(Errc::kSystemCall,
                 std::string("interrupted by SIG") + ::sigabbrev_np(number) + " while starting"));
    }
    return;
  }
  if (phase_ == Phase::kDraining) {
    // Whoever waits for a stuck reader may stop waiting.
    for (auto& output : outputs_) output->abandon();
    job_.restore();
    job_finished_ = true;
    look_whether_drained();
    return;
  }
  if (number == SIGHUP && job_.terminal_is_gone()) {
    job_.hung_up();
    return;
  }
  const bool typed = info.ssi_code == SI_KERNEL && number != SIGHUP;
  control_->send(Order::kSignal, number,
                 static_cast<int>(typed ? Target::kForegroundGroup : Target::kAgentGroup));
  job_.wake();
}

void Console::Implementation::signal_box(int number) {
  if (!control_) return;
  const bool typed = number == SIGINT || number == SIGQUIT;
  control_->send(Order::kSignal, number,
                 static_cast<int>(typed ? Target::kForegroundGroup : Target::kAgentGroup));
  job_.wake();
}

void Console::Implementation::go() {
  go_ = true;
  if (!ready_ || phase_ != Phase::kStarting) return;
  control_->send(Order::kGo);
  phase_ = Phase::kRunning;
  job_.settle();
}

void Console::Implementation::ready(UniqueFd master) {
  if (ready_) {
    lost(Error(Errc::kPeerProtocol, "redoubtful-init was ready twice"));
    return;
  }
  ready_ = true;
  job_.adopt(std::move(master));
  if (go_) go();
}

void Console::Implementation::receive(InitReport report) {
  if (phase_ == Phase::kDraining || phase_ == Phase::kDrained) return;
  switch (report.type) {
    case Report::kReady:
      ready(std::move(report.descriptor));
      return;
    case Report::kFailed:
      lost(init_failure(report.value, static_cast<protocol::Stage>(report.detail)));
      return;
    case Report::kNotice:
      if (events_.on_message) {
        events_.on_message(notice_text(report.value, report.detail, writable_));
      }
      return;
    case Report::kPageSocket:
      if (phase_ == Phase::kStarting) pages_.listen(loop_, std::move(report.descriptor));
      return;
    case Report::kStarted:
      if (phase_ == Phase::kRunning && events_.on_started) events_.on_started();
      return;
    case Report::kExecFailed:
      exec_failed(report);
      return;
    case Report::kStopped:
      if (phase_ == Phase::kRunning) job_.agent_stopped(report.value);
      return;
    case Report::kWantsTerminal:
      if (phase_ == Phase::kRunning) job_.agent_wants_terminal(report.value);
      return;
    case Report::kFrozen:
      job_.box_frozen();
      return;
    case Report::kExited:
      if (events_.on_exit) events_.on_exit(report.value);
      drain();
      return;
  }
}

void Console::Implementation::exec_failed(const InitReport& report) {
  const auto step = static_cast<protocol::Step>(report.detail);
  Error error = start_failure(report.value, step, command_);
  if (step != protocol::Step::kExec) {
    lost(std::move(error));
    return;
  }
  const int status =
      report.value == ENOENT ? protocol::kExitNotFound : protocol::kExitNotExecutable;
  if (events_.on_exec_failed) events_.on_exec_failed(std::move(error), status);
  drain();
}

void Console::Implementation::conversation_ended(Error error) {
  if (phase_ == Phase::kDraining || phase_ == Phase::kDrained) return;
  if (error.code() == Errc::kNone) {
    error = phase_ == Phase::kRunning
                ? Error(Errc::kPeerProtocol, "the box ended before the agent did")
                : Error(Errc::kPeerProtocol, "the box ended before the agent was started");
  }
  lost(std::move(error));
}

void Console::Implementation::lost(Error error) {
  if (events_.on_lost) events_.on_lost(std::move(error));
  drain();
}

void Console::Implementation::drain() {
  if (phase_ == Phase::kDraining || phase_ == Phase::kDrained) return;
  phase_ = Phase::kDraining;
  drawn_on_ = raw();
  job_.finish([this] {
    job_finished_ = true;
    look_whether_drained();
  });
}

void Console::Implementation::look_whether_drained() {
  if (phase_ != Phase::kDraining || !job_finished_ || drained_timer_.active()) return;
  for (const auto& output : outputs_) {
    if (!output->finished()) return;
  }
  // From the loop: the caller may destroy everything in on_drained(), and this may be a relay's
  // call.
  drained_timer_ = loop_.after(std::chrono::milliseconds(0), [this] {
    phase_ = Phase::kDrained;
    if (input_) input_->stop();
    pages_.stop();
    job_.restore();
    if (drawn_on_) pages_.repeat();
    if (events_.on_drained) events_.on_drained();
  });
}

Result<Console> Console::create(EventLoop& loop, ClipboardWrites clipboard) {
  auto streams = vet_standard_streams();
  if (!streams) return std::move(streams).error();
  return Console(std::make_unique<Implementation>(loop, std::move(*streams), clipboard));
}

Console::Console(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Console::Console(Console&&) noexcept = default;
Console& Console::operator=(Console&&) noexcept = default;
Console::~Console() = default;

std::array<int, 3> Console::child_descriptors() const {
  return implementation_->child_descriptors();
}
void Console::fill(InitSpec& spec) const { implementation_->fill(spec); }
Result<void> Console::attach(UniqueFd control, ConsoleEvents events) {
  return implementation_->attach(std::move(control), std::move(events));
}
void Console::go() { implementation_->go(); }
void Console::signal_box(int number) { implementation_->signal_box(number); }
bool Console::terminal_is_raw() const { return implementation_->raw(); }
void Console::restore() noexcept { implementation_->restore(); }

}  // namespace redoubtful::cli
