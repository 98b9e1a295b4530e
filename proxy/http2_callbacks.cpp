#include "proxy/http2_callbacks.hpp"

#include "proxy/http2_session.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

Http2Session& of(void* user) { return *static_cast<Http2Session*>(user); }

std::string_view text(const std::uint8_t* data, std::size_t length) {
  return {reinterpret_cast<const char*>(data), length};
}

// Runs one callback's body: what it throws ends the session, and comes out of run().
template <class Body>
int guarded(std::exception_ptr& thrown, Body body) noexcept {
  if (thrown) return NGHTTP2_ERR_CALLBACK_FAILURE;
  try {
    body();
    return 0;
  } catch (...) {
    thrown = std::current_exception();
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

Http2Callbacks::Pointer Http2Callbacks::make() {
  nghttp2_session_callbacks* raw = nullptr;
  if (nghttp2_session_callbacks_new(&raw) != 0) throw std::bad_alloc();
  Pointer callbacks(raw);
  nghttp2_session_callbacks_set_on_begin_frame_callback(raw, on_begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(raw, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(raw, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(raw, on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(raw, on_frame_recv);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(raw, on_invalid_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw, on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(raw, on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(raw, on_frame_send);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(raw, on_frame_not_send);
  nghttp2_session_callbacks_set_send_data_callback(raw, send_data);
  return callbacks;
}

int Http2Callbacks::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] { self.count_frame(*header); });
}

int Http2Callbacks::on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] {
    self.block_ = HeaderBlock();
    self.read_dog_.expires_after(limits::kHead);
  });
}

int Http2Callbacks::on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                              std::size_t name_length, const std::uint8_t* value,
                              std::size_t value_length, std::uint8_t flags, void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] {
    const auto indexing =
        (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0 ? Indexing::kNever : Indexing::kAllowed;
    self.block_.add(text(name, name_length), text(value, value_length), indexing);
  });
}

// nghttp2 would leave the field out and go on.
int Http2Callbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                                      std::size_t, const std::uint8_t*, std::size_t, std::uint8_t,
                                      void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] {
    self.block_.reject({400, "a header field has bytes that must not be there"});
  });
}

int Http2Callbacks::on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame,
                                  void* user) {
  auto& self = of(user);
  const std::int32_t stream = frame->hd.stream_id;
  return guarded(self.thrown_, [&] {
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS: {
        self.read_dog_.disarm();
        const auto end = ends_stream(*frame) ? EndStream::kYes : EndStream::kNo;
        self.events_.on_head(self, stream, std::exchange(self.block_, HeaderBlock()), end);
        break;
      }
      case NGHTTP2_DATA:
        if (ends_stream(*frame)) self.events_.on_end(self, stream);
        break;
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
        self.read_dog_.disarm();
        self.events_.on_settings(self);
        break;
      case NGHTTP2_RST_STREAM:
        // One whose answer has left costs nobody anything: gRPC ends bidirectional calls so.
        if (nghttp2_session_get_stream_local_close(session, stream) == 0) self.count_reset();
        break;
      case NGHTTP2_GOAWAY:
        self.events_.on_goaway(self, frame->goaway.error_code);
        break;
      default:
        break;
    }
  });
}

int Http2Callbacks::on_invalid_frame_recv(nghttp2_session*, const nghttp2_frame* frame, int error,
                                          void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] {
    self.count_reset();
    if (frame->hd.type != NGHTTP2_HEADERS || frame->hd.stream_id == 0) return;
    self.read_dog_.disarm();
    self.events_.on_malformed(self, frame->hd.stream_id,
                              error == NGHTTP2_ERR_REFUSED_STREAM
                                  ? "more streams at once than were allowed"
                                  : "the header fields break RFC 9113, section 8");
  });
}

int Http2Callbacks::on_data_chunk(nghttp2_session*, std::uint8_t, std::int32_t stream,
                                  const std::uint8_t* data, std::size_t length, void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] {
    self.received(stream, length);
    self.events_.on_data(self, stream, text(data, length));
  });
}

int Http2Callbacks::on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t code,
                                    void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] { self.closed(stream, code); });
}

int Http2Callbacks::on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  auto& self = of(user);
  return guarded(self.thrown_, [&] {
    switch (frame->hd.type) {
      case NGHTTP2_RST_STREAM:
        self.reset_here_ = frame->hd.stream_id;
        break;
      case NGHTTP2_DATA:
        self.idle_frames_.earn();
        [[fallthrough]];
      case NGHTTP2_HEADERS:
        if (ends_stream(*frame)) self.sent_end(frame->hd.stream_id);
        break;
      case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !self.ending_) {
          self.reason_ = std::string("it broke the protocol: ") +
                         nghttp2_http2_strerror(frame->goaway.error_code);
          self.ending_ = true;
        }
        break;
      default:
        break;
    }
  });
}

int Http2Callbacks::on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int,
                                      void* user) {
  auto& self = of(user);
  // A request that could not be sent: nghttp2 closes its stream next.
  if (frame->hd.type == NGHTTP2_HEADERS) self.reset_here_ = frame->hd.stream_id;
  return 0;
}

// Says how much of a body the next DATA frame takes; send_data() copies it.
ssize_t Http2Callbacks::read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t*,
                                  std::size_t length, std::uint32_t* flags, nghttp2_data_source*,
                                  void* user) {
  auto& self = of(user);
  ssize_t bytes = NGHTTP2_ERR_DEFERRED;
  const int failed = guarded(self.thrown_, [&] {
    const auto found = self.bodies_.find(stream);
    if (found == self.bodies_.end()) return;
    auto& body = found->second;
    const std::size_t now = std::min(length, body.size);
    const bool last = body.ended && now == body.size;
    if (now == 0 && !last) return;
    if (now > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (last) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!body.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto values = values_of(body.trailers, body.never_indexed);
        self.check(nghttp2_submit_trailer(session, stream, values.data(), values.size()));
      }
    }
    bytes = static_cast<ssize_t>(now);
  });
  return failed != 0 ? failed : bytes;
}

int Http2Callbacks::send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header,
                              std::size_t length, nghttp2_data_source*, void* user) {
  constexpr std::size_t kFrameHeader = 9;
  auto& self = of(user);
  if (self.out_.size() >= limits::kRelayBytes) return NGHTTP2_ERR_WOULDBLOCK;
  const auto found = self.bodies_.find(frame->hd.stream_id);
  if (found == self.bodies_.end() || found->second.size < length) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // dropped since; its reset is under way
  }
  return guarded(self.thrown_, [&] {
    self.out_.append(reinterpret_cast<const char*>(header), kFrameHeader);
    self.take(found->second, length);
  });
}

}  // namespace redoubtful::proxy
