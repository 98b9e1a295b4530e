#pragma once

// Counts what a peer may do only so often: a bucket of tokens that fills with time. Pure.

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace redoubtful::proxy {

class Allowance {
 public:
  using Clock = std::chrono::steady_clock;

  Allowance(std::size_t burst, std::size_t per_second, Clock::time_point now)
      : burst_(static_cast<double>(burst)),
        per_second_(static_cast<double>(per_second)),
        left_(burst_),
        at_(now) {}

  // Takes one; false: there was none.
  [[nodiscard]] bool take(Clock::time_point now) {
    const std::chrono::duration<double> passed = now - at_;
    at_ = now;
    left_ = std::min(burst_, left_ + passed.count() * per_second_);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

  // The peer did something of use.
  void earn() noexcept { left_ = std::min(burst_, left_ + 1); }

 private:
  double burst_;
  double per_second_;
  double left_;
  Clock::time_point at_;
};

}  // namespace redoubtful::proxy
