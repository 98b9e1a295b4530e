#pragma once

// Scrubs what an origin sends over a WebSocket: the payload of text and binary messages, across
// fragments, and of control frames.
//
// Messages are scrubbed each by itself.

#include "proxy/scrubber.hpp"
#include "proxy/websocket_frames.hpp"

namespace redoubtful::proxy {

class WebSocketScrubber final : public WebSocketFrames {
 public:
  // Both must outlive it; they count.
  WebSocketScrubber(Scrubber& messages, Scrubber& control)
      : WebSocketFrames(FramesFrom::kOrigin), message_(messages), control_(control) {}

 private:
  void begin_message(Kind) override {}
  void feed_message(std::string_view in, std::string& out) override { message_.feed(in, out); }
  void end_message(std::string& out) override { message_.finish(out); }
  void rewrite_control(std::string& payload) override { control_.scrub(payload); }

  Scrubber& message_;
  Scrubber& control_;
};

}  // namespace redoubtful::proxy
