// The scripted endpoint of http2_support.hpp.

#include <algorithm>
#include <cstring>

#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy::http2_test {
namespace {

// `fields` must stay: without a copy nghttp2 leaves upper case as it is.
std::vector<nghttp2_nv> values(const Fields& fields) {
  std::vector<nghttp2_nv> out;
  for (const auto& field : fields) {
    nghttp2_nv pair{};
    pair.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.name.data()));
    pair.namelen = field.name.size();
    pair.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(field.value.data()));
    pair.valuelen = field.value.size();
    pair.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
    out.push_back(pair);
  }
  return out;
}

Peer& of(void* user) { return *static_cast<Peer*>(user); }

}  // namespace

struct PeerCallbacks {
  static int begin(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Peer& peer = of(user);
    auto& seen = peer.seen[frame->hd.stream_id];
    if (seen.heads.empty()) peer.order.push_back(frame->hd.stream_id);
    seen.heads.emplace_back();
    seen.never_indexed.emplace_back(0);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_length, const std::uint8_t* value, std::size_t value_length,
                    std::uint8_t flags, void* user) {
    auto& seen = of(user).seen[frame->hd.stream_id];
    seen.heads.back().push_back({std::string(reinterpret_cast<const char*>(name), name_length),
                                 std::string(reinterpret_cast<const char*>(value), value_length)});
    if ((flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0) ++seen.never_indexed.back();
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Peer& peer = of(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          peer.seen[frame->hd.stream_id].ended = true;
        }
        break;
      case NGHTTP2_RST_STREAM:
        peer.seen[frame->hd.stream_id].reset = frame->rst_stream.error_code;
        break;
      case NGHTTP2_GOAWAY:
        peer.goaway_code = frame->goaway.error_code;
        peer.goaway_last = frame->goaway.last_stream_id;
        break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++peer.pongs;
        break;
      default:
        break;
    }
    return 0;
  }
  static int data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                  const std::uint8_t* bytes, std::size_t length, void* user) {
    Peer& peer = of(user);
    peer.seen[stream].body.append(reinterpret_cast<const char*>(bytes), length);
    if (peer.held_.count(stream) > 0) {
      peer.unread_[stream] += length;
    } else {
      nghttp2_session_consume(session, stream, length);
    }
    return 0;
  }
  static ssize_t read(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer,
                      std::size_t length, std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Peer& peer = of(user);
    auto& out = peer.outgoing_[stream];
    const std::size_t now = std::min(length, out.bytes.size() - out.taken);
    std::memcpy(buffer, out.bytes.data() + out.taken, now);
    out.taken += now;
    peer.sent_body_bytes += now;
    if (out.taken == out.bytes.size() && out.ended) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (out.trailers) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto fields = values(peer.kept_.emplace_back(*out.trailers));
        nghttp2_submit_trailer(session, stream, fields.data(), fields.size());
      }
    } else if (now == 0) {
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(now);
  }
};

namespace {

nghttp2_data_provider provider() {
  nghttp2_data_provider out{};
  out.read_callback = PeerCallbacks::read;
  return out;
}

}  // namespace

Peer::Peer(Role role, MemoryStream& stream, Settings settings) : stream_(stream) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, PeerCallbacks::begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, PeerCallbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, PeerCallbacks::frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, PeerCallbacks::data);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, 100000);
  nghttp2_option_set_max_send_header_block_length(option, 1U << 24U);
  nghttp2_option_set_stream_reset_rate_limit(option, 1U << 30U, 1U << 30U);
  if (role == Role::kClient) {
    nghttp2_session_client_new2(&session_, callbacks, this, option);
  } else {
    nghttp2_session_server_new2(&session_, callbacks, this, option);
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.window},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.max_streams}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, 2);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, (1U << 31U) - 1);
}

Peer::~Peer() { nghttp2_session_del(session_); }

const std::string* Peer::Seen::field(std::string_view name) const {
  return heads.empty() ? nullptr : find_field(heads.back(), name);
}

std::int32_t Peer::request(Fields head, EndStream end) {
  const auto fields = values(kept_.emplace_back(std::move(head)));
  auto body = provider();
  return nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                end == EndStream::kYes ? nullptr : &body, nullptr);
}

void Peer::respond(std::int32_t stream, Fields head, EndStream end) {
  const auto fields = values(kept_.emplace_back(std::move(head)));
  auto body = provider();
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(),
                          end == EndStream::kYes ? nullptr : &body);
}

void Peer::informational(std::int32_t stream, Fields head) {
  const auto fields = values(kept_.emplace_back(std::move(head)));
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, fields.data(), fields.size(),
                         nullptr);
}

void Peer::send(std::int32_t stream, std::string_view bytes) {
  outgoing_[stream].bytes.append(bytes);
  nghttp2_session_resume_data(session_, stream);
}

void Peer::end(std::int32_t stream) {
  outgoing_[stream].ended = true;
  nghttp2_session_resume_data(session_, stream);
}

void Peer::trailers(std::int32_t stream, Fields fields) {
  outgoing_[stream].trailers = std::move(fields);
  end(stream);
}

void Peer::reset(std::int32_t stream, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, code);
}

void Peer::goaway(std::uint32_t code, std::int32_t last) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, code, nullptr, 0);
}

void Peer::ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void Peer::release(std::int32_t stream) {
  held_.erase(stream);
  nghttp2_session_consume(session_, stream, std::exchange(unread_[stream], 0));
}

bool Peer::pump() {
  if (mute_) return !stream_.take().empty();
  bool moved = false;
  if (!deaf_) {
    const std::string bytes = stream_.take();
    if (!bytes.empty()) {
      moved = true;
      const auto taken = nghttp2_session_mem_recv(
          session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      if (taken < 0) error = nghttp2_strerror(static_cast<int>(taken));
    }
    // An orderly peer hangs up when the other side has.
    if (stream_.shut() && !stream_.closed()) {
      stream_.hang_up();
    }
  }
  for (;;) {
    const std::uint8_t* data = nullptr;
    const auto length = nghttp2_session_mem_send(session_, &data);
    if (length <= 0) break;
    moved = true;
    stream_.give({reinterpret_cast<const char*>(data), static_cast<std::size_t>(length)});
  }
  return moved;
}

}  // namespace redoubtful::proxy::http2_test
