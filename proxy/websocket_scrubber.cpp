#include "proxy/websocket_scrubber.hpp"

#include <algorithm>
#include <utility>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

unsigned byte_of(char c) { return static_cast<unsigned char>(c); }

constexpr unsigned kFin = 0x80;
constexpr unsigned kReserved = 0x70;
constexpr unsigned kOpcode = 0x0F;
constexpr unsigned kControl = 0x08;  // the bit that makes an opcode one of a control frame
constexpr unsigned kMasked = 0x80;
constexpr unsigned kLength = 0x7F;

}  // namespace

// Puts bytes that are no payload behind the payload that came before them.
void WebSocketScrubber::put_between(std::string bytes, std::string& out) {
  if (given_ == taken_) {
    out.append(bytes);
    return;
  }
  between_bytes_ += bytes.size();
  // Somebody sends nothing but empty frames while a beginning waits for its end.
  if (between_bytes_ > limits::kRelayBytes) fault_ = "the origin floods a WebSocket message";
  between_.push_back({taken_, std::move(bytes)});
}

// Payload that was decided, with what stands between its bytes.
void WebSocketScrubber::put_payload(std::string_view bytes, std::string& out) {
  for (;;) {
    const bool before_next = between_.empty() || between_.front().at > given_ + bytes.size();
    const std::size_t count =
        before_next ? bytes.size() : static_cast<std::size_t>(between_.front().at - given_);
    out.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    given_ += count;
    if (before_next) return;
    out.append(between_.front().bytes);
    between_bytes_ -= between_.front().bytes.size();
    between_.pop_front();
  }
}

// False: more bytes are needed. Sets fault_ for what no server may send.
bool WebSocketScrubber::take_head(std::string_view& in) {
  while (head_.size() < head_size_ && !in.empty()) {
    const std::size_t count = std::min(head_size_ - head_.size(), in.size());
    head_.append(in.substr(0, count));
    in.remove_prefix(count);
    if (head_.size() != 2) continue;
    const unsigned length = byte_of(head_[1]) & kLength;
    head_size_ = length == 126 ? 4 : length == 127 ? 10 : 2;
  }
  if (head_.size() < head_size_) return false;
  const unsigned first = byte_of(head_[0]);
  const unsigned second = byte_of(head_[1]);
  left_ = second & kLength;
  if (head_size_ > 2) {
    left_ = 0;
    for (const char c : std::string_view(head_).substr(2)) left_ = left_ << 8U | byte_of(c);
  }
  is_last_ = (first & kFin) != 0;
  is_control_ = (first & kControl) != 0;
  const unsigned opcode = first & kOpcode;
  if ((first & kReserved) != 0) fault_ = "the origin sent a WebSocket frame of an extension";
  if ((second & kMasked) != 0) fault_ = "the origin sent a masked WebSocket frame";
  const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  const bool whole = !is_control_ || (is_last_ && left_ <= 125);
  const bool in_order = is_control_ || within_message_ == (opcode == 0);
  if (!known || !whole || !in_order || (left_ >> 63U) != 0) {
    fault_ = "the origin broke the WebSocket protocol";
  }
  return true;
}

void WebSocketScrubber::take_payload(std::string_view& in, std::string& out) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
  const std::string_view piece = in.substr(0, count);
  in.remove_prefix(count);
  left_ -= count;
  if (is_control_) {
    control_payload_.append(piece);
  } else {
    taken_ += count;
    scrubbed_.clear();
    message_.feed(piece, scrubbed_);
    put_payload(scrubbed_, out);
  }
}

void WebSocketScrubber::end_frame(std::string& out) {
  in_payload_ = false;
  head_.clear();
  head_size_ = 2;
  if (is_control_) {
    control_.scrub(control_payload_);
    put_between(std::exchange(control_payload_, {}), out);
    return;
  }
  within_message_ = !is_last_;
  if (!is_last_) return;
  scrubbed_.clear();
  message_.finish(scrubbed_);
  put_payload(scrubbed_, out);
  taken_ = given_ = 0;
}

void WebSocketScrubber::feed(std::string_view in, std::string& out) {
  while (fault_.empty()) {
    if (!in_payload_) {
      if (!take_head(in) || !fault_.empty()) return;
      in_payload_ = true;
      put_between(head_, out);
    }
    take_payload(in, out);
    if (left_ > 0) return;
    end_frame(out);
  }
}

void WebSocketScrubber::finish(std::string& out) {
  if (!fault_.empty()) return;
  scrubbed_.clear();
  message_.finish(scrubbed_);
  put_payload(scrubbed_, out);
}

}  // namespace redoubtful::proxy
