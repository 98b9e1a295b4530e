#pragma once

// Follows the frames that one side of a WebSocket sends, so that the payload of its messages can be
// rewritten as it passes. RFC 6455. [trusted core]
//
// Frames pass as they came, with their lengths, their fragments and their masks: bytes are replaced
// in place. Where payload is held back at the end of a fragment, what follows it on the wire waits
// with it; otherwise nothing waits.
//
// What is no WebSocket is a fault, and so is a frame that needs an extension (a compressed one
// would hide everything; none was let through, response_scrubber.hpp), a mask of a server's and
// none of a client's. Nothing behind a fault passes.
//
// Not checked: whether text is UTF-8, what a Close says, whether a length is written as short as
// can be. None of it hides a byte.

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

class WebSocketFrames : public FrameFilter {
 public:
  void feed(std::string_view in, std::string& out) override;
  void finish(std::string& out) override;
  bool keeps_length() const noexcept override { return true; }
  std::string_view fault() const noexcept override { return fault_; }
  bool whole_frames() const noexcept override;
  std::uint16_t close_code() const noexcept override { return close_code_; }

 protected:
  enum class Kind { kText, kBinary };

  explicit WebSocketFrames(FramesFrom sender) : sender_(sender) {}

  // Nothing of what the call under way rewrote passes, and nothing behind it.
  void fail(std::uint16_t close_code, std::string_view what);

 private:
  // Bytes that are no payload of the message, and where they stand: behind so many of its bytes.
  struct Between {
    std::uint64_t at = 0;
    std::string bytes;
    bool heads_payload = false;  // the head of a fragment: its mask is that of what follows
  };
  using Mask = std::array<char, 4>;

  // Of a message: appends what is decided. As many bytes in all as were fed, when it has ended.
  virtual void begin_message(Kind kind) = 0;
  virtual void feed_message(std::string_view in, std::string& out) = 0;
  virtual void end_message(std::string& out) = 0;
  // The payload of a ping, pong or close, in place; its length stays.
  virtual void rewrite_control(std::string& payload) = 0;

  bool take_head(std::string_view& in);
  void judge_head();
  void begin_frame(std::string& out);
  void take_payload(std::string_view& in, std::string& out);
  void end_frame(std::string& out);
  void put_between(Between what, std::string& out);
  void append_between(const Between& what, std::string& out);
  void put_payload(std::string_view bytes, std::string& out);

  FramesFrom sender_;
  std::string head_;           // of a frame, so far
  std::size_t head_size_ = 2;  // known once its second byte is
  bool in_payload_ = false;
  bool is_control_ = false;
  bool is_last_ = false;  // FIN
  bool within_message_ = false;
  std::uint64_t left_ = 0;     // of the frame's payload
  std::uint64_t read_ = 0;     // of the frame's payload
  Mask mask_{};                // of the frame that is read
  std::string plain_;          // what was read of it, without its mask
  std::string control_;        // a control frame's payload so far
  std::uint64_t taken_ = 0;    // bytes of the message's payload that came in
  std::uint64_t given_ = 0;    // and that went out
  Mask given_mask_{};          // of the frame that is written
  std::uint64_t written_ = 0;  // of that frame's payload
  std::deque<Between> between_;
  std::size_t between_bytes_ = 0;
  std::string rewritten_;
  std::string fault_;
  std::uint16_t close_code_ = 0;
};

// A Close frame as a server sends it. `reason`: at most 123 bytes of UTF-8.
std::string server_close_frame(std::uint16_t code, std::string_view reason);

// Source: RFC 6455, section 7.4.1.
inline constexpr std::uint16_t kCloseProtocolError = 1002;
inline constexpr std::uint16_t kClosePolicyViolation = 1008;

}  // namespace redoubtful::proxy
