#pragma once

// The supervisor's one loop: descriptors, process descriptors, signals and timers, one thread.
//
// poll(2) and not epoll: there are about ten descriptors, some of them inherited and shared with
// the caller's shell, and an epoll set outlives a closed descriptor whose file lives on elsewhere.
// Callbacks run one after the other, may add and remove any watch (their own too), and do not
// throw.
//
// Lifetime: whoever adds a watch removes it, by destroying the Watch. The loop outlives its
// watches.

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

class EventLoop;

// A registration. Ends when destroyed; empty after a move.
class Watch {
 public:
  Watch() noexcept = default;
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { reset(); }

  void reset() noexcept;
  bool active() const noexcept { return loop_ != nullptr; }

  // POLLIN, POLLOUT, both, or 0. With 0 the descriptor is not looked at at all, POLLHUP included:
  // that is how back-pressure is applied. Only for watches of descriptors.
  void set_events(short events) noexcept;

 private:
  friend class EventLoop;
  Watch(EventLoop* loop, std::uint64_t id) noexcept : loop_(loop), id_(id) {}
  EventLoop* loop_ = nullptr;
  std::uint64_t id_ = 0;
};

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using DescriptorCallback = std::function<void(short revents)>;
  using SignalCallback = std::function<void(const signalfd_siginfo& info)>;

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  // Gives the signal mask back that the process had at construction.
  ~EventLoop();

  // `fd` stays the caller's and must stay open while the watch lives. A pidfd becomes readable
  // (POLLIN) when its process has ended.
  [[nodiscard]] Watch watch(int fd, short events, DescriptorCallback callback);

  // Once, after `delay`. The Watch is spent afterwards.
  [[nodiscard]] Watch after(std::chrono::milliseconds delay, std::function<void()> callback);

  // Blocks `signals` for the whole process and hands each one that arrives to `callback`. A signal
  // that is watched twice goes to all of its watchers. It stays blocked until the loop is
  // destroyed. Errors: kSystemCall.
  [[nodiscard]] Result<Watch> on_signals(const std::vector<int>& signals, SignalCallback callback);

  // What a child process should set before exec: the mask from before the first on_signals().
  const sigset_t& original_mask() const noexcept { return original_mask_; }

  // Until stop(). Errors: kSystemCall when poll(2) itself fails.
  Result<void> run();
  void stop() noexcept { running_ = false; }

  // One round, at most `patience` long; for tests and for loops with an end of their own.
  Result<void> run_once(std::chrono::milliseconds patience);

 private:
  friend class Watch;
  struct Descriptor {
    int fd;
    short events;
    DescriptorCallback callback;
  };
  struct Timer {
    Clock::time_point deadline;
    std::function<void()> callback;
  };
  struct SignalWatch {
    sigset_t signals;
    SignalCallback callback;
  };

  void remove(std::uint64_t id) noexcept;
  void dispatch_signals();
  void dispatch_timers();

  std::map<std::uint64_t, std::shared_ptr<Descriptor>> descriptors_;
  std::map<std::uint64_t, std::shared_ptr<Timer>> timers_;
  std::map<std::uint64_t, std::shared_ptr<SignalWatch>> signal_watches_;
  std::uint64_t next_id_ = 1;
  sigset_t original_mask_{};
  sigset_t watched_{};
  UniqueFd signal_fd_;
  bool running_ = false;
};

}  // namespace redoubtful::cli
