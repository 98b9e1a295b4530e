#include "proxy/websocket_frames.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

unsigned byte_of(char c) { return static_cast<unsigned char>(c); }

constexpr unsigned kFin = 0x80;
constexpr unsigned kReserved = 0x70;
constexpr unsigned kOpcode = 0x0F;
constexpr unsigned kControl = 0x08;  // the bit that makes an opcode one of a control frame
constexpr unsigned kText = 0x01;
constexpr unsigned kClose = 0x08;
constexpr unsigned kMasked = 0x80;
constexpr unsigned kLength = 0x7F;
constexpr std::size_t kMaskBytes = 4;
constexpr std::size_t kMaxControlBytes = 125;

// Puts a mask on bytes, or takes it off; `at`: how many of the frame's bytes stand before them.
void mask_bytes(char* bytes, std::size_t size, const std::array<char, kMaskBytes>& mask,
                std::uint64_t at) {
  std::array<char, 8> two;
  for (std::size_t i = 0; i < two.size(); ++i) two[i] = mask[(at + i) % kMaskBytes];
  std::uint64_t wide = 0;
  std::memcpy(&wide, two.data(), sizeof wide);
  std::size_t i = 0;
  for (; i + sizeof wide <= size; i += sizeof wide) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, sizeof word);
    word ^= wide;
    std::memcpy(bytes + i, &word, sizeof word);
  }
  for (; i < size; ++i) {
    bytes[i] = static_cast<char>(byte_of(bytes[i]) ^ byte_of(two[i % two.size()]));
  }
}

}  // namespace

void WebSocketFrames::fail(std::uint16_t close_code, std::string_view what) {
  if (!fault_.empty()) return;
  fault_ = sender_ == FramesFrom::kClient ? "the client " : "the origin ";
  fault_ += what;
  close_code_ = close_code;
}

bool WebSocketFrames::whole_frames() const noexcept {
  const bool within_payload = in_payload_ && !is_control_;
  return given_ == taken_ && between_.empty() && !within_payload;
}

// Puts bytes that are no payload behind the payload that came before them.
void WebSocketFrames::put_between(Between what, std::string& out) {
  if (given_ == taken_) {
    append_between(what, out);
    return;
  }
  between_bytes_ += what.bytes.size();
  // Somebody sends nothing but empty frames while a beginning waits for its end.
  if (between_bytes_ > limits::kRelayBytes) {
    fail(kClosePolicyViolation, "floods a WebSocket message");
  }
  what.at = taken_;
  between_.push_back(std::move(what));
}

void WebSocketFrames::append_between(const Between& what, std::string& out) {
  out.append(what.bytes);
  if (!what.heads_payload) return;
  written_ = 0;
  if (sender_ == FramesFrom::kClient) {
    std::copy_n(what.bytes.end() - kMaskBytes, kMaskBytes, given_mask_.begin());
  }
}

// Payload that was decided, with what stands between its bytes.
void WebSocketFrames::put_payload(std::string_view bytes, std::string& out) {
  for (;;) {
    const bool before_next = between_.empty() || between_.front().at > given_ + bytes.size();
    const std::size_t count =
        before_next ? bytes.size() : static_cast<std::size_t>(between_.front().at - given_);
    out.append(bytes.substr(0, count));
    if (sender_ == FramesFrom::kClient) {
      mask_bytes(out.data() + out.size() - count, count, given_mask_, written_);
    }
    bytes.remove_prefix(count);
    given_ += count;
    written_ += count;
    if (before_next) return;
    append_between(between_.front(), out);
    between_bytes_ -= between_.front().bytes.size();
    between_.pop_front();
  }
}

// False: more bytes are needed, or it is a fault.
bool WebSocketFrames::take_head(std::string_view& in) {
  while (head_.size() < head_size_ && !in.empty()) {
    const std::size_t count = std::min(head_size_ - head_.size(), in.size());
    head_.append(in.substr(0, count));
    in.remove_prefix(count);
    if (head_.size() != 2) continue;
    const unsigned length = byte_of(head_[1]) & kLength;
    head_size_ = length == 126 ? 4 : length == 127 ? 10 : 2;
    if ((byte_of(head_[1]) & kMasked) != 0) head_size_ += kMaskBytes;
  }
  if (head_.size() < head_size_) return false;
  judge_head();
  return fault_.empty();
}

void WebSocketFrames::judge_head() {
  const unsigned first = byte_of(head_[0]);
  const unsigned second = byte_of(head_[1]);
  const bool masked = (second & kMasked) != 0;
  std::string_view length = std::string_view(head_).substr(2);
  if (masked) {
    std::copy_n(head_.end() - kMaskBytes, kMaskBytes, mask_.begin());
    length.remove_suffix(kMaskBytes);
  }
  left_ = second & kLength;
  if (!length.empty()) {
    left_ = 0;
    for (const char c : length) left_ = left_ << 8U | byte_of(c);
  }
  read_ = 0;
  is_last_ = (first & kFin) != 0;
  is_control_ = (first & kControl) != 0;
  const unsigned opcode = first & kOpcode;
  if ((first & kReserved) != 0) fail(kCloseProtocolError, "sent a WebSocket frame of an extension");
  if (masked && sender_ == FramesFrom::kOrigin) {
    fail(kCloseProtocolError, "sent a masked WebSocket frame");
  }
  if (!masked && sender_ == FramesFrom::kClient) {
    fail(kCloseProtocolError, "sent a WebSocket frame without a mask");
  }
  const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  const bool whole = !is_control_ || (is_last_ && left_ <= kMaxControlBytes);
  const bool in_order = is_control_ || within_message_ == (opcode == 0);
  if (!known || !whole || !in_order || (left_ >> 63U) != 0) {
    fail(kCloseProtocolError, "broke the WebSocket protocol");
  }
}

void WebSocketFrames::begin_frame(std::string& out) {
  in_payload_ = true;
  if (is_control_) return;  // passes when it is whole
  if (!within_message_) {
    begin_message((byte_of(head_[0]) & kOpcode) == kText ? Kind::kText : Kind::kBinary);
  }
  put_between({0, head_, true}, out);
}

void WebSocketFrames::take_payload(std::string_view& in, std::string& out) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
  std::string_view piece = in.substr(0, count);
  in.remove_prefix(count);
  left_ -= count;
  if (sender_ == FramesFrom::kClient) {
    plain_.assign(piece);
    mask_bytes(plain_.data(), count, mask_, read_);
    piece = plain_;
  }
  read_ += count;
  if (is_control_) {
    control_.append(piece);
    return;
  }
  taken_ += count;
  rewritten_.clear();
  feed_message(piece, rewritten_);
  if (fault_.empty()) put_payload(rewritten_, out);
}

void WebSocketFrames::end_frame(std::string& out) {
  in_payload_ = false;
  std::string head = std::exchange(head_, {});
  head_size_ = 2;
  if (is_control_) {
    std::string payload = std::exchange(control_, {});
    rewrite_control(payload);
    if (!fault_.empty()) return;
    if (sender_ == FramesFrom::kClient) mask_bytes(payload.data(), payload.size(), mask_, 0);
    put_between({0, head + payload, false}, out);
    return;
  }
  within_message_ = !is_last_;
  if (is_last_) finish(out);
}

void WebSocketFrames::feed(std::string_view in, std::string& out) {
  while (fault_.empty()) {
    if (!in_payload_) {
      if (!take_head(in)) return;
      begin_frame(out);
      if (!fault_.empty()) return;
    }
    take_payload(in, out);
    if (left_ > 0 || !fault_.empty()) return;
    end_frame(out);
  }
}

// Of a message, or of the stream in the middle of one.
void WebSocketFrames::finish(std::string& out) {
  if (!fault_.empty()) return;
  rewritten_.clear();
  end_message(rewritten_);
  if (!fault_.empty()) return;
  put_payload(rewritten_, out);
  taken_ = given_ = 0;
}

std::string server_close_frame(std::uint16_t code, std::string_view reason) {
  reason = reason.substr(0, kMaxControlBytes - sizeof code);
  std::string out;
  out += static_cast<char>(kFin | kClose);
  out += static_cast<char>(sizeof code + reason.size());
  out += static_cast<char>(code >> 8U);
  out += static_cast<char>(code & 0xFFU);
  return out.append(reason);
}

}  // namespace redoubtful::proxy
