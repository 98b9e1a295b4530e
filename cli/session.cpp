#include "cli/session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "cli/agent_seccomp.hpp"
#include "cli/box_process.hpp"
#include "cli/box_sockets.hpp"
#include "cli/console.hpp"
#include "cli/control_socket.hpp"
#include "cli/event_loop.hpp"
#include "cli/log.hpp"
#include "cli/passed_descriptors.hpp"
#include "cli/pasta_command.hpp"
#include "common/file.hpp"
#include "common/pipe.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr int kTimedOut = 124;
// How long an agent has to save its work after SIGTERM when its time is up.
constexpr std::chrono::seconds kGrace{5};

// The supervisor never waits for what a child says.
Result<Pipe> make_listening_pipe() {
  auto pipe = make_pipe();
  if (pipe && ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Error::system_call("cannot prepare a pipe", errno);
  }
  return pipe;
}

// What has been written to a pipe so far.
std::string available_text(const UniqueFd& pipe) {
  char buffer[4096];
  const ssize_t got = pipe ? ::read(pipe.get(), buffer, sizeof buffer) : 0;
  std::string text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<SocketPair> make_control() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::system_call("cannot make the control socket", errno);
  }
  return SocketPair{.ours = UniqueFd(ends[0]), .theirs = UniqueFd(ends[1])};
}

class Session {
 public:
  explicit Session(SessionRequest request) : request_(std::move(request)) {}

  Result<int> run() {
    auto console = Console::create(loop_);
    if (!console) return std::move(console).error();
    console_.emplace(std::move(*console));
    if (auto started = start_box(); !started) return std::move(started).error();
    if (needs_pasta(request_.profile->network)) {
      if (auto started = start_pasta(); !started) return fail(std::move(started).error());
    }
    if (auto done = complete(); !done) return fail(std::move(done).error());
    if (auto watched = watch_everything(); !watched) return fail(std::move(watched).error());
    if (!pasta_) let_go();
    if (auto ran = loop_.run(); !ran) return fail(std::move(ran).error());
    end_box();
    console_->restore();
    if (failure_) return std::move(*failure_);
    return timed_out_ ? kTimedOut : status_;
  }

 private:
  Result<int> fail(Error error) {
    end_box();
    console_->restore();
    return error;
  }

  void end_box() {
    if (!box_) return;
    for (Watch* watch : {&box_watch_, &guard_watch_, &time_watch_, &pasta_watch_,
                         &pasta_output_watch_, &proxy_watch_, &proxy_output_watch_}) {
      watch->reset();
    }
    box_->end();
    box_.reset();
    pasta_.reset();
    log::stage("every process of the box is gone");
  }

  Result<void> start_box() {
    console_->fill(request_.spec);
    auto control = make_control();
    if (!control) return std::move(control).error();
    auto seccomp =
        build_agent_seccomp(request_.profile->nested.value ? Nesting::kAllowed : Nesting::kRefused);
    if (!seccomp) return std::move(seccomp).error();
    auto standard = console_->child_descriptors();
    UniqueFd complaints;
    if (request_.spec.terminal && request_.spec.terminal->replaces[2]) {
      // init puts the private terminal there; until then only bwrap has something to say.
      auto pipe = make_listening_pipe();
      if (!pipe) return std::move(pipe).error();
      bwrap_output_ = std::move(pipe->read);
      complaints = std::move(pipe->write);
      standard[2] = complaints.get();
    }
    UniqueFd their_ways;
    if (request_.proxy != nullptr) {
      auto pair = make_control();
      if (!pair) return std::move(pair).error();
      ways_ = std::move(pair->ours);
      their_ways = std::move(pair->theirs);
    }
    auto box = BoxProcess::start({.plan = request_.plan,
                                  .overlays = request_.guards->overlays(),
                                  .bwrap = request_.bwrap,
                                  .init = request_.init,
                                  .uid = ::getuid(),
                                  .gid = ::getgid(),
                                  .nested = request_.profile->nested.value,
                                  .standard = standard,
                                  .control_fd = control->theirs.get(),
                                  .seccomp = &*seccomp,
                                  .limits = request_.limits,
                                  .ways_fd = their_ways.get(),
                                  .ways = ways_in(request_.profile->network)});
    if (!box) return std::move(box).error();
    box_.emplace(std::move(*box));
    // From here on somebody of the same user could attach to us; the child has its own setting.
    ::prctl(PR_SET_DUMPABLE, 0);
    log::stage("namespaces made");
    control_ = std::move(control->ours);
    return {};
  }

  // The box is being built, and the proxy gets ready; then init, the files and the proxy each get
  // what the other one made.
  Result<void> complete() {
    control::Listeners sockets;
    if (request_.proxy != nullptr) {
      auto taken = receive_ways_in(ways_.get());
      if (!taken) return std::move(taken).error();
      sockets = std::move(*taken);
    }
    auto completion = request_.complete();
    if (!completion) return std::move(completion).error();
    log::stage("the proxy is ready");
    if (auto built = box_->wait_until_built(); !built) return built;
    log::stage("the box is built");
    if (auto written = write_later(completion->files); !written) return written;
    if (request_.proxy != nullptr) {
      if (auto served = request_.proxy->serve(std::move(sockets)); !served) return served;
    }
    request_.spec.environment = std::move(completion->environment);
    if (auto sent = send_specification(control_.get(), request_.spec); !sent) return sent;
    return attach_console();
  }

  // Nobody has looked at them yet: init waits for its specification.
  Result<void> write_later(const std::vector<FileText>& files) {
    if (files.empty()) return {};
    auto writers = take_descriptors(ways_.get());
    if (!writers) return std::move(writers).error();
    ways_.reset();
    if (writers->descriptors.size() != files.size()) {
      return Error(Errc::kPeerProtocol, "the box's files did not arrive whole");
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      for (const std::string* part : {&files[i].first, &files[i].second}) {
        auto written = write_all(writers->descriptors[i].get(), *part);
        if (!written)
          return std::move(written).error().during(
              "writing the files that the proxy's answer is in");
      }
    }
    return {};
  }

  Result<void> attach_console() {
    ConsoleEvents events;
    events.on_started = [this] {
      agent_started_ = true;
      log::stage("the command runs");
    };
    events.on_exec_failed = [this](const Error& error, int status) {
      log::error(error);
      status_ = status;
      ended_ = true;
    };
    events.on_exit = [this](int wait_status) {
      status_ = shell_status(wait_status);
      ended_ = true;
      log::stage("the command ended");
      end_box();
    };
    events.on_interrupted = [this](int number) {
      status_ = 128 + number;
      ended_ = true;
      end_box();
    };
    events.on_lost = [this](Error error) { lost(std::move(error)); };
    events.on_message = [](const std::string& text) { log::note(text); };
    events.on_drained = [this] { loop_.stop(); };
    return console_->attach(std::move(control_), std::move(events));
  }

  // The box ended, and init did not say how.
  void lost(Error error) {
    if (ended_) return;
    ended_ = true;
    end_box();
    if (failure_) return;  // we ended it, for a reason that is known already
    if (!agent_started_) {
      const std::string complaint = available_text(bwrap_output_);
      failure_.emplace(std::move(error)
                           .during("starting the box")
                           .hint(complaint.empty()
                                     ? "`redoubtful doctor` tries each step and says what to change"
                                     : "bwrap said: " + quoted(complaint)));
      return;
    }
    status_ = 128 + SIGKILL;
    if (!timed_out_) log::error("the box ended without a word: it was killed");
  }

  Result<void> watch_everything() {
    // init's last word may still be in the socket: the console reads it and calls back.
    box_watch_ = loop_.watch(box_->pidfd(), POLLIN, [this](short) { end_box(); });
    if (!request_.guards->overlays().empty()) {
      if (auto watched = request_.guards->watch(); !watched) return watched;
      guard_watch_ = loop_.watch(request_.guards->watch_fd(), POLLIN, [this](short) { guard(); });
    }
    if (ProxyProcess* proxy = request_.proxy) {
      proxy_watch_ = loop_.watch(proxy->control_fd(), POLLIN, [this](short) { look_at_proxy(); });
      proxy_output_watch_ =
          loop_.watch(proxy->complaints_fd(), POLLIN, [this](short) { relay_complaints(); });
    }
    if (const auto& time = request_.profile->limits.time) {
      time_watch_ = loop_.after(time->value, [this] { time_is_up(); });
    }
    return {};
  }

  // The host replaced a file under a guard or a mask: the box would now see the new one.
  void guard() {
    if (!box_) return;
    const auto first = box_->first_process();
    auto laid = first ? request_.guards->lay_again(box_->pid(), *first)
                      : Result<void>(Error(Errc::kSystemCall, "the box is not up yet"));
    if (laid) return;
    failure_ = std::move(laid).error();
    end_box();
  }

  // Without the proxy nothing gets out, and nothing else takes its place: the run is over.
  void look_at_proxy() {
    auto alive = request_.proxy->look();
    if (alive || !box_) return;
    failure_ = std::move(alive).error();
    end_box();
  }

  void relay_complaints() {
    const auto said = request_.proxy->complaints();
    for (const auto& line : said.lines) log::note(line);
    if (said.ended) proxy_output_watch_.reset();
  }

  void time_is_up() {
    const auto& time = *request_.profile->limits.time;
    log::error("the time limit of " + std::to_string(time.value.count()) + " s is reached (" +
               time.origin.text() + "); ending the run");
    timed_out_ = true;
    console_->signal_box(SIGTERM);
    time_watch_ = loop_.after(kGrace, [this] { end_box(); });
  }

  Result<void> start_pasta() {
    auto output = make_listening_pipe();
    if (!output) return std::move(output).error();
    pasta_output_ = std::move(output->read);
    const UniqueFd theirs = std::move(output->write);
    const SpawnRequest program{
        .path = request_.pasta,
        .arguments = pasta_command({.program = request_.pasta,
                                    .box = box_->pid(),
                                    .network = &request_.profile->network,
                                    .as_root = ::geteuid() == 0,
                                    .has_loopback_switch = has_loopback_switch(
                                        request_.pasta, request_.profile->network)}),
        .environment = {"PATH=/usr/bin:/bin"}};
    auto pasta = ChildProcess::spawn(program, [&] {
      const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
      return null >= 0 && ::dup2(null, 0) >= 0 && ::dup2(null, 1) >= 0 &&
             ::dup2(theirs.get(), 2) >= 0;
    });
    if (!pasta) return std::move(pasta).error();
    pasta_.emplace(std::move(*pasta));
    pasta_output_watch_ = loop_.watch(pasta_output_.get(), POLLIN, [this](short) { read_pasta(); });
    pasta_watch_ = loop_.watch(pasta_->pidfd(), POLLIN, [this](short) { pasta_ended(); });
    return {};
  }

  void read_pasta() {
    char buffer[1024];
    ssize_t got = 0;
    while ((got = ::read(pasta_output_.get(), buffer, sizeof buffer)) > 0) {
      pasta_text_.append(buffer, static_cast<std::size_t>(got));
      if (pasta_text_.size() > 8192) pasta_text_.erase(0, pasta_text_.size() - 4096);
    }
    if (got == 0) pasta_output_watch_.reset();
    // Its pid on a line of its own: every port is there now.
    if (!gone_ahead_ && pasta_ &&
        pasta_text_.find(std::to_string(pasta_->pid()) + "\n") != std::string::npos) {
      pasta_text_.clear();
      log::stage("ports are forwarded");
      let_go();
    }
  }

  void pasta_ended() {
    pasta_watch_.reset();
    if (!box_ || ended_) return;
    read_pasta();
    pasta_.reset();
    if (gone_ahead_) {
      log::error("pasta ended: the forwarded and published ports are gone; the box goes on");
      return;
    }
    failure_ =
        Error(Errc::kSystemCall, "pasta could not forward the ports: " +
                                     quoted(pasta_text_.empty() ? "no message" : pasta_text_))
            .hint("`redoubtful doctor` tries pasta by itself and says what to change");
    end_box();
  }

  void let_go() {
    gone_ahead_ = true;
    console_->go();
  }

  SessionRequest request_;
  EventLoop loop_;
  std::optional<Console> console_;
  std::optional<BoxProcess> box_;
  std::optional<ChildProcess> pasta_;
  UniqueFd control_;  // until the console has it
  UniqueFd ways_;     // from the box's child: its sockets, then its later files
  UniqueFd bwrap_output_;
  UniqueFd pasta_output_;
  std::string pasta_text_;
  Watch box_watch_;
  Watch guard_watch_;
  Watch time_watch_;
  Watch pasta_watch_;
  Watch pasta_output_watch_;
  Watch proxy_watch_;
  Watch proxy_output_watch_;
  std::optional<Error> failure_;
  int status_ = 125;
  bool agent_started_ = false;
  bool gone_ahead_ = false;
  bool ended_ = false;
  bool timed_out_ = false;
};

}  // namespace

Result<int> run_session(SessionRequest request) { return Session(std::move(request)).run(); }

}  // namespace redoubtful::cli
