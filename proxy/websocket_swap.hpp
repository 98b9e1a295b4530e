#pragma once

// Puts real values in the place of surrogates in the text messages that a client sends over a
// WebSocket. [trusted core]
//
// For credentials that name the surface `websocket`, and only on a connection to one of their
// hosts. A surrogate is found as it is and as JSON escapes it, across fragments; the real value is
// as long and is spelled alike, so it cannot end the string that it stands in. Any other surrogate,
// and any at all in a binary message, a ping, a pong or a close, ends the connection before its
// last byte has left, and is alarmed: what is sent over a WebSocket is often shown to others.
//
// Where no credential has that surface for the host, nothing is looked for: what leaves is worth
// nothing.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proxy/scrubber.hpp"
#include "proxy/swap_observer.hpp"
#include "proxy/websocket_frames.hpp"

namespace redoubtful::proxy {

struct LiveCredential;

class WebSocketSwap final : public WebSocketFrames {
 public:
  // A surrogate that is looked for.
  struct Value {
    std::string credential;
    bool here = false;  // it is replaced, in text
  };
  // `values`: by index of those that the patterns were made of (placing.hpp).
  WebSocketSwap(std::shared_ptr<const ScrubPatterns> patterns, std::vector<Value> values);

  // Must outlive it, and be there before the first byte.
  void report_to(SwapObserver& observer) noexcept { observer_ = &observer; }

 private:
  void begin_message(Kind kind) override { message_ = kind == Kind::kText ? &text_ : &binary_; }
  void feed_message(std::string_view in, std::string& out) override;
  void end_message(std::string& out) override { message_->finish(out); }
  void rewrite_control(std::string& payload) override;

  // At what was found: in text, and elsewhere.
  void judge_text();
  void judge(const Scrubber& found, std::string_view where);
  void refuse(const Value& value, std::string_view where);

  std::shared_ptr<const ScrubPatterns> patterns_;
  std::vector<Value> values_;
  Scrubber text_;
  Scrubber binary_;
  Scrubber control_;
  Scrubber* message_ = &text_;  // of the message under way
  std::vector<bool> reported_;  // by index of values_: was put in before
  SwapObserver* observer_ = nullptr;
};

// Looks for the surrogates of `all`, and replaces those of `here`, which are of `all`. Null where
// `here` is empty.
std::unique_ptr<WebSocketSwap> websocket_swap(const std::deque<LiveCredential>& all,
                                              const std::vector<const LiveCredential*>& here);

}  // namespace redoubtful::proxy
