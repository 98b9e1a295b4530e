#pragma once

// Scrubs what an origin sends over a WebSocket: the payload of text and binary messages, across
// fragments, and of control frames. RFC 6455.
//
// Frames pass as they came, with their lengths: a server's are not masked, so bytes are replaced in
// place. Where the payload held back is at the end of a fragment, what follows it on the wire waits
// with it. Compressed frames would hide everything: extensions are not let through
// (response_scrubber.hpp), and a frame that needs one, or is masked, ends the connection, as does
// what is no WebSocket.
//
// Messages are scrubbed each by itself.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "proxy/message.hpp"
#include "proxy/scrubber.hpp"

namespace redoubtful::proxy {

class WebSocketScrubber final : public BodyFilter {
 public:
  // Both must outlive it; they count.
  WebSocketScrubber(Scrubber& messages, Scrubber& control)
      : message_(messages), control_(control) {}

  void feed(std::string_view in, std::string& out) override;
  void finish(std::string& out) override;
  bool keeps_length() const noexcept override { return true; }
  std::string_view fault() const noexcept override { return fault_; }

 private:
  // Bytes that are no payload of the message, and where they stand: behind so many of its bytes.
  struct Between {
    std::uint64_t at = 0;
    std::string bytes;
  };

  bool take_head(std::string_view& in);
  void take_payload(std::string_view& in, std::string& out);
  void end_frame(std::string& out);
  void put_between(std::string bytes, std::string& out);
  void put_payload(std::string_view bytes, std::string& out);

  Scrubber& message_;
  Scrubber& control_;
  std::string head_;           // of a frame, so far
  std::size_t head_size_ = 2;  // known once its second byte is
  bool in_payload_ = false;
  bool is_control_ = false;
  bool is_last_ = false;  // FIN
  bool within_message_ = false;
  std::uint64_t left_ = 0;  // of the frame's payload
  std::string control_payload_;
  std::uint64_t taken_ = 0;  // bytes of the message's payload that came in
  std::uint64_t given_ = 0;  // and that went out
  std::deque<Between> between_;
  std::size_t between_bytes_ = 0;
  std::string scrubbed_;
  std::string_view fault_;
};

}  // namespace redoubtful::proxy
