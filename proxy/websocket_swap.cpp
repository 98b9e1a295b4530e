#include "proxy/websocket_swap.hpp"

#include <algorithm>
#include <utility>

#include "proxy/injector.hpp"
#include "proxy/placing.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kText = "a text message of a WebSocket";

}  // namespace

WebSocketSwap::WebSocketSwap(std::shared_ptr<const ScrubPatterns> patterns,
                             std::vector<Value> values)
    : WebSocketFrames(FramesFrom::kClient),
      patterns_(std::move(patterns)),
      values_(std::move(values)),
      text_(*patterns_),
      binary_(*patterns_),
      control_(*patterns_),
      reported_(values_.size(), false) {}

void WebSocketSwap::feed_message(std::string_view in, std::string& out) {
  message_->feed(in, out);
  if (message_ == &text_) {
    judge_text();
  } else {
    judge(binary_, "a binary message of a WebSocket");
  }
}

void WebSocketSwap::rewrite_control(std::string& payload) {
  control_.scrub(payload);
  judge(control_, "a control frame of a WebSocket");
}

void WebSocketSwap::judge_text() {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (text_.counts()[i] == 0 || reported_[i]) continue;
    if (!values_[i].here) return refuse(values_[i], kText);
    reported_[i] = true;
    if (observer_ != nullptr) observer_->put_in(values_[i].credential, kText);
  }
}

void WebSocketSwap::judge(const Scrubber& found, std::string_view where) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (found.counts()[i] > 0) return refuse(values_[i], where);
  }
}

// The connection ends with the fault, so nothing is found after it.
void WebSocketSwap::refuse(const Value& value, std::string_view where) {
  if (observer_ != nullptr) {
    observer_->refused(value.credential, "its surrogate stands in " + std::string(where) +
                                             ", and the connection was ended");
  }
  fail(kClosePolicyViolation, "sent a surrogate where it does not belong");
}

std::unique_ptr<WebSocketSwap> websocket_swap(const std::deque<LiveCredential>& all,
                                              const std::vector<const LiveCredential*>& here) {
  if (here.empty()) return nullptr;
  std::vector<StreamValue> placed;
  std::vector<WebSocketSwap::Value> values;
  for (const LiveCredential& credential : all) {
    const bool is_here = std::find(here.begin(), here.end(), &credential) != here.end();
    placed.push_back({credential.surrogate, is_here ? &credential.secret : nullptr});
    values.push_back({credential.name, is_here});
  }
  return std::make_unique<WebSocketSwap>(placing_patterns(placed), std::move(values));
}

}  // namespace redoubtful::proxy
