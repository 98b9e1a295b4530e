#include "cli/event_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace redoubtful::cli {

Watch::Watch(Watch&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), id_(std::exchange(other.id_, 0)) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

void Watch::reset() noexcept {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->remove(id_);
}

void Watch::set_events(short events) noexcept {
  if (loop_ == nullptr) return;
  const auto found = loop_->descriptors_.find(id_);
  if (found != loop_->descriptors_.end()) found->second->events = events;
}

EventLoop::EventLoop() {
  ::sigemptyset(&watched_);
  ::sigprocmask(SIG_SETMASK, nullptr, &original_mask_);
}

EventLoop::~EventLoop() { ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr); }

Watch EventLoop::watch(int fd, short events, DescriptorCallback callback) {
  const std::uint64_t id = next_id_++;
  descriptors_.emplace(id,
                       std::make_shared<Descriptor>(Descriptor{fd, events, std::move(callback)}));
  return Watch(this, id);
}

Watch EventLoop::after(std::chrono::milliseconds delay, std::function<void()> callback) {
  const std::uint64_t id = next_id_++;
  timers_.emplace(id, std::make_shared<Timer>(Timer{Clock::now() + delay, std::move(callback)}));
  return Watch(this, id);
}

Result<Watch> EventLoop::on_signals(const std::vector<int>& signals, SignalCallback callback) {
  auto entry = std::make_shared<SignalWatch>();
  ::sigemptyset(&entry->signals);
  sigset_t all = watched_;
  for (const int number : signals) {
    ::sigaddset(&entry->signals, number);
    ::sigaddset(&all, number);
  }
  if (::sigprocmask(SIG_BLOCK, &all, nullptr) != 0) {
    return Error::system_call("cannot block signals", errno);
  }
  const int fd =
      ::signalfd(signal_fd_.valid() ? signal_fd_.get() : -1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return Error::system_call("cannot receive signals", errno);
  if (!signal_fd_) signal_fd_.reset(fd);
  watched_ = all;
  entry->callback = std::move(callback);
  const std::uint64_t id = next_id_++;
  signal_watches_.emplace(id, std::move(entry));
  return Watch(this, id);
}

void EventLoop::remove(std::uint64_t id) noexcept {
  if (descriptors_.erase(id) == 0 && timers_.erase(id) == 0) signal_watches_.erase(id);
}

Result<void> EventLoop::run() {
  running_ = true;
  while (running_) {
    if (auto round = run_once(std::chrono::hours(24)); !round) return std::move(round).error();
  }
  return {};
}

Result<void> EventLoop::run_once(std::chrono::milliseconds patience) {
  std::vector<pollfd> polled;
  std::vector<std::uint64_t> ids;
  if (signal_fd_) {
    polled.push_back({signal_fd_.get(), POLLIN, 0});
    ids.push_back(0);
  }
  for (const auto& [id, descriptor] : descriptors_) {
    if (descriptor->events == 0) continue;
    polled.push_back({descriptor->fd, descriptor->events, 0});
    ids.push_back(id);
  }
  auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(patience);
  const auto now = Clock::now();
  for (const auto& [id, timer] : timers_) {
    wait = std::min(wait, std::max(std::chrono::nanoseconds(timer->deadline - now),
                                   std::chrono::nanoseconds(0)));
  }
  const timespec limit{static_cast<time_t>(wait.count() / 1'000'000'000),
                       static_cast<long>(wait.count() % 1'000'000'000)};
  if (::ppoll(polled.data(), polled.size(), &limit, nullptr) < 0 && errno != EINTR) {
    return Error::system_call("cannot wait for events", errno);
  }
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents == 0) continue;
    if (ids[i] == 0) {
      dispatch_signals();
      continue;
    }
    // An earlier callback of this round may have removed it.
    const auto found = descriptors_.find(ids[i]);
    if (found == descriptors_.end() || found->second->events == 0) continue;
    const std::shared_ptr<Descriptor> descriptor = found->second;
    descriptor->callback(polled[i].revents);
  }
  dispatch_timers();
  return {};
}

void EventLoop::dispatch_signals() {
  signalfd_siginfo info;
  while (::read(signal_fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    std::vector<std::uint64_t> interested;
    for (const auto& [id, entry] : signal_watches_) {
      if (::sigismember(&entry->signals, static_cast<int>(info.ssi_signo)) == 1) {
        interested.push_back(id);
      }
    }
    for (const std::uint64_t id : interested) {
      const auto found = signal_watches_.find(id);
      if (found == signal_watches_.end()) continue;
      const std::shared_ptr<SignalWatch> entry = found->second;
      entry->callback(info);
    }
  }
}

void EventLoop::dispatch_timers() {
  const auto now = Clock::now();
  std::vector<std::uint64_t> due;
  for (const auto& [id, timer] : timers_) {
    if (timer->deadline <= now) due.push_back(id);
  }
  for (const std::uint64_t id : due) {
    const auto found = timers_.find(id);
    if (found == timers_.end()) continue;
    const std::shared_ptr<Timer> timer = found->second;
    timers_.erase(found);
    timer->callback();
  }
}

}  // namespace redoubtful::cli
