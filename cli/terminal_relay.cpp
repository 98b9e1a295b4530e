#include "cli/terminal_relay.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "cli/answer_fence.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kChunk = 65536;
// A terminal answers at once; the rest is the distance to it.
constexpr auto kAnswerMemory = std::chrono::seconds(5);

bool again(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

TerminalRelay::TerminalRelay(EventLoop& loop, OuterTerminal& outer, UniqueFd master,
                             OutputFilter::Clipboard clipboard, Events events)
    : loop_(loop),
      outer_(outer),
      master_(std::move(master)),
      filter_(clipboard),
      events_(std::move(events)) {
  filter_.set_queries(OutputFilter::Queries::kDrop);
  master_in_ = loop_.watch(master_.get(), POLLIN, [this](short) {
    read_master();
    write_outer();
    wait();
  });
  master_out_ = loop_.watch(master_.get(), 0, [this](short) {
    write_master();
    wait();
  });
  outer_out_ = loop_.watch(outer_.descriptor(), 0, [this](short) {
    write_outer();
    wait();
  });
  outer_in_ = loop_.watch(outer_.descriptor(), 0, [this](short) {
    read_outer();
    wait();
  });
}

void TerminalRelay::activate(Keys keys) {
  if (!connected_ || ended_) return;
  if (keys == Keys::kRaw) {
    outer_.enter_raw();
  } else {
    outer_.enter_keyboard();
  }
  active_ = true;
  filter_.set_queries(OutputFilter::Queries::kPass);
  resize();
  wait();
}

void TerminalRelay::deactivate() {
  if (active_) {
    absorb_answers();
    outer_.leave();
  }
  let_go();
}

void TerminalRelay::let_go() {
  outer_.forget();
  active_ = false;
  filter_.set_queries(OutputFilter::Queries::kDrop);
  wait();
}

void TerminalRelay::resize() {
  const winsize size = outer_.size();
  if (!ended_) ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

void TerminalRelay::disconnect() {
  connected_ = false;
  active_ = false;
  to_outer_.clear();
  to_master_.clear();
  outer_written_ = master_written_ = 0;
  wait();
}

bool TerminalRelay::read_master() {
  if (ended_ || !to_outer_.empty()) return false;
  char buffer[kChunk];
  const ssize_t got = ::read(master_.get(), buffer, sizeof buffer);
  if (got < 0 && again(errno)) return false;
  if (got <= 0) {
    // EIO: the last slave was closed.
    end_output();
    return false;
  }
  if (!connected_) return true;
  filter_.filter({buffer, static_cast<std::size_t>(got)}, to_outer_);
  if (filter_.queries_passed() != queries_seen_) {
    queries_seen_ = filter_.queries_passed();
    last_query_ = EventLoop::Clock::now();
  }
  return true;
}

void TerminalRelay::end_output() {
  if (ended_) return;
  ended_ = true;
  if (connected_) filter_.finish(to_outer_);
  wait();
}

void TerminalRelay::write_outer() {
  while (outer_written_ < to_outer_.size()) {
    const std::size_t size = std::min(to_outer_.size() - outer_written_, outer_.write_limit());
    const ssize_t put = ::write(outer_.descriptor(), to_outer_.data() + outer_written_, size);
    if (put < 0) {
      if (again(errno)) return;
      disconnect();
      if (events_.hung_up) events_.hung_up();
      break;
    }
    outer_written_ += static_cast<std::size_t>(put);
    if (static_cast<std::size_t>(put) < size || size == outer_.write_limit()) break;
  }
  if (outer_written_ < to_outer_.size()) return;
  to_outer_.clear();
  outer_written_ = 0;
  if (ended_ && events_.output_ended) std::exchange(events_.output_ended, nullptr)();
}

void TerminalRelay::read_outer() {
  if (!active_ || !to_master_.empty()) return;
  char buffer[4096];
  const ssize_t got = ::read(outer_.descriptor(), buffer, sizeof buffer);
  if (got > 0) {
    to_master_.assign(buffer, static_cast<std::size_t>(got));
    write_master();
    return;
  }
  if (got < 0 && again(errno)) return;
  if (!outer_.gone() && !outer_.in_foreground()) {
    // EIO with SIGTTIN blocked.
    let_go();
    if (events_.lost_foreground) events_.lost_foreground();
    return;
  }
  disconnect();
  if (events_.hung_up) events_.hung_up();
}

void TerminalRelay::write_master() {
  while (master_written_ < to_master_.size()) {
    const ssize_t put = ::write(master_.get(), to_master_.data() + master_written_,
                                to_master_.size() - master_written_);
    if (put < 0 && again(errno)) return;
    // EIO: nobody has the private terminal open any more.
    if (put <= 0) break;
    master_written_ += static_cast<std::size_t>(put);
  }
  to_master_.clear();
  master_written_ = 0;
}

void TerminalRelay::wait() {
  master_in_.set_events(!ended_ && to_outer_.empty() ? POLLIN : 0);
  master_out_.set_events(!ended_ && !to_master_.empty() ? POLLOUT : 0);
  outer_out_.set_events(connected_ && !to_outer_.empty() ? POLLOUT : 0);
  outer_in_.set_events(connected_ && active_ && !ended_ && to_master_.empty() ? POLLIN : 0);
  if (ended_ && !connected_ && events_.output_ended) {
    std::exchange(events_.output_ended, nullptr)();
  }
}

void TerminalRelay::flush_output(std::chrono::milliseconds patience) {
  const auto deadline = EventLoop::Clock::now() + patience;
  for (;;) {
    const bool more = read_master();
    if (!connected_ || (!more && to_outer_.empty())) break;
    if (to_outer_.empty()) continue;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - EventLoop::Clock::now());
    pollfd room{outer_.descriptor(), POLLOUT, 0};
    if (left.count() <= 0 || ::poll(&room, 1, static_cast<int>(left.count())) <= 0) break;
    write_outer();
  }
  if (connected_ && to_outer_.empty()) {
    filter_.finish(to_outer_);
    write_outer();
  }
  wait();
}

void TerminalRelay::absorb_answers() {
  if (!connected_ || !outer_.in_foreground()) return;
  if (queries_seen_ == 0 || EventLoop::Clock::now() - last_query_ > kAnswerMemory) return;
  absorb_pending_answers(outer_.descriptor());
}

}  // namespace redoubtful::cli
