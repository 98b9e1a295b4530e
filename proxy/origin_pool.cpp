#include "proxy/origin_pool.hpp"

#include <algorithm>
#include <utility>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {

using Clock = std::chrono::steady_clock;

std::string OriginPool::key_of(const Admission& admission,
                               const std::vector<std::string>& offered) {
  std::string key = admission.host().text() + ' ' + std::to_string(admission.port().number());
  for (const auto& protocol : offered) key += ' ' + protocol;
  return key;
}

void OriginPool::keep(const std::string& key, std::unique_ptr<Stream> stream) {
  if (!stream || stream->readable()) return;
  if (!timer_) timer_ = std::make_unique<boost::asio::steady_timer>(stream->executor());
  if (idle_.size() == limits::kPooledOrigins) idle_.pop_back();
  idle_.push_front({key, std::move(stream), Clock::now() + limits::kPooledIdle});
  arm();
}

// One timer for all, so that most of what is kept and taken sets none.
void OriginPool::arm() {
  if (armed_ || idle_.empty()) return;
  armed_ = true;
  timer_->expires_at(idle_.back().until);
  timer_->async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // it is gone
    armed_ = false;
    const auto now = Clock::now();
    while (!idle_.empty() && idle_.back().until <= now) idle_.pop_back();
    arm();
  });
}

std::optional<OriginPool::Place> OriginPool::find(const std::string& key) {
  const auto now = Clock::now();
  for (auto at = idle_.begin(); at != idle_.end();) {
    if (at->key != key) {
      ++at;
    } else if (at->until > now && !at->stream->readable()) {
      return at;
    } else {
      at = idle_.erase(at);  // something to read has closed it, or was never in step
    }
  }
  return std::nullopt;
}

std::unique_ptr<Stream> OriginPool::take(const std::string& key) {
  const auto found = find(key);
  if (!found) return nullptr;
  auto stream = std::move((*found)->stream);
  idle_.erase(*found);
  return stream;
}

std::optional<std::string> OriginPool::protocol(const std::string& key) {
  const auto found = find(key);
  if (!found) return std::nullopt;
  return std::string((*found)->stream->protocol());
}

}  // namespace redoubtful::proxy
