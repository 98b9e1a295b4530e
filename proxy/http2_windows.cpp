// Http2Session, what it counts: windows, the bodies that wait for them, floods.

#include "proxy/http2_callbacks.hpp"
#include "proxy/http2_session.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {

nghttp2_data_provider Http2Session::provider() noexcept {
  nghttp2_data_provider provider{};
  provider.read_callback = Http2Callbacks::read_body;
  return provider;
}

// A frame that asks for work and carries nothing.
void Http2Session::count_frame(const nghttp2_frame_hd& header) {
  switch (header.type) {
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_RST_STREAM:
      return;  // no answer to it is due; counted by itself
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      if (header.length > 0) return;
      break;
    case NGHTTP2_DATA:
      if (header.length > 0) {
        idle_frames_.earn();
        return;
      }
      if ((header.flags & NGHTTP2_FLAG_END_STREAM) != 0) return;
      break;
    default:  // SETTINGS, PING, PRIORITY, GOAWAY and what we do not know
      break;
  }
  if (!idle_frames_.take(Allowance::Clock::now())) {
    end_with(NGHTTP2_ENHANCE_YOUR_CALM, "a flood of frames that carry nothing");
  }
}

// An origin may end each of its streams so; what a client begins and takes back costs us and the
// origin work for nothing.
void Http2Session::count_reset() {
  if (role_ == Http2Role::kServer && !resets_.take(Allowance::Clock::now())) {
    end_with(NGHTTP2_ENHANCE_YOUR_CALM, "a flood of streams that are reset at once");
  }
}

void Http2Session::received(std::int32_t stream, std::size_t bytes) {
  auto [place, fresh] = windows_.try_emplace(stream);
  Window& window = place->second;
  if (fresh) window.size = limits::kStreamWindow;
  window.held += bytes;
  window.since += bytes;
  held_ += bytes;
  held_by_all_ += bytes;
}

bool Http2Session::over_its_share() const noexcept {
  return held_ > limits::kHeldShare && held_by_all_ > limits::kHeldBytes;
}

void Http2Session::consume(std::int32_t stream, std::size_t bytes) {
  if (bytes == 0) return;
  const auto found = windows_.find(stream);
  if (found == windows_.end()) return;
  Window& window = found->second;
  const std::size_t given_back = std::min(bytes, window.held);
  window.held -= given_back;
  held_ -= given_back;
  held_by_all_ -= given_back;
  if (window.closed && window.held == 0) {
    window_pool_ += window.size - limits::kStreamWindow;
    windows_.erase(found);
  } else if (!window.closed && window.since >= window.size && window.held <= window.size / 4 &&
             window.size < limits::kStreamWindowGrown && window_pool_ >= window.size) {
    // A whole window went through and its reader keeps up: the way is long, not slow.
    window_pool_ -= window.size;
    window.size *= 2;
    window.since = 0;
    if (!over_ && !ending_) {
      nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, stream,
                                            static_cast<std::int32_t>(window.size));
    }
  }
  if (over_ || ending_) return;
  nghttp2_session_consume(session_.get(), stream, bytes);
  if (nghttp2_session_want_write(session_.get()) != 0) wake();
}

void Http2Session::give_back(const Credit& credit) {
  if (source_ != nullptr && credit.bytes > 0) source_->consume(credit.stream, credit.bytes);
}

// Moves bytes from a body to out_; a piece's credit goes with its last byte.
void Http2Session::take(Body& body, std::size_t bytes) {
  body.size -= bytes;
  waiting_bytes_ -= bytes;
  while (bytes > 0) {
    Piece& piece = body.pieces.front();
    const std::size_t now = std::min(bytes, piece.bytes.size() - body.taken);
    out_.append(piece.bytes, body.taken, now);
    body.taken += now;
    bytes -= now;
    if (body.taken < piece.bytes.size()) break;
    credits_.push_back({body.source_stream, piece.credit});
    body.pieces.pop_front();
    body.taken = 0;
  }
}

void Http2Session::drop_body(std::int32_t stream) {
  const auto found = bodies_.find(stream);
  if (found == bodies_.end()) return;
  Body body = std::move(found->second);
  bodies_.erase(found);
  waiting_bytes_ -= body.size;
  for (const Piece& piece : body.pieces) give_back({body.source_stream, piece.credit});
}

void Http2Session::sent_end(std::int32_t stream) {
  const auto wanted = resets_when_sent_.find(stream);
  if (wanted == resets_when_sent_.end()) return;
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, wanted->second);
  resets_when_sent_.erase(wanted);
}

void Http2Session::closed(std::int32_t stream, std::uint32_t code) {
  const auto by = reset_here_ == stream ? ClosedBy::kHere : ClosedBy::kPeer;
  reset_here_ = 0;
  drop_body(stream);
  resets_when_sent_.erase(stream);
  requests_.erase(stream);
  const auto window = windows_.find(stream);
  if (window != windows_.end()) {
    window->second.closed = true;
    if (window->second.held == 0) {
      window_pool_ += window->second.size - limits::kStreamWindow;
      windows_.erase(window);
    }
  }
  if (!over_) events_.on_closed(*this, stream, code, by);
}

}  // namespace redoubtful::proxy
