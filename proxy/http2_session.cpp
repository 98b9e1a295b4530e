#include "proxy/http2_session.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "proxy/http2_callbacks.hpp"
#include "proxy/limits.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 64 * 1024;
// Twice what the streams may hold at once, for nghttp2 opens a window again when half of it was
// consumed: so the connection's never stops a stream.
constexpr std::size_t kConnectionWindow =
    2 * (limits::kStreams * limits::kStreamWindow + limits::kWindowPool);
// One that pays no heed to SETTINGS_MAX_HEADER_LIST_SIZE blows up its block by HPACK.
constexpr std::size_t kHeadBytesEndured = 4 * limits::kHeadBytes;

struct OptionDelete {
  void operator()(nghttp2_option* option) const noexcept { nghttp2_option_del(option); }
};

}  // namespace

Http2Session::Http2Session(Http2Role role, Stream& stream, Http2Events& events)
    : role_(role),
      stream_(stream),
      events_(events),
      wakeup_(stream.executor()),
      read_dog_(stream),
      write_dog_(stream),
      window_pool_(limits::kWindowPool),
      idle_frames_(limits::kIdleFrames, limits::kIdleFramesPerSecond, Allowance::Clock::now()),
      resets_(limits::kResets, limits::kResetsPerSecond, Allowance::Clock::now()) {
  open();
}

Http2Session::~Http2Session() { held_by_all_ -= held_; }

void Http2Session::check(int nghttp2_result) {
  if (nghttp2_result != 0) throw std::runtime_error(nghttp2_strerror(nghttp2_result));
}

void Http2Session::open() {
  nghttp2_option* raw = nullptr;
  check(nghttp2_option_new(&raw));
  const std::unique_ptr<nghttp2_option, OptionDelete> option(raw);
  nghttp2_option_set_no_auto_window_update(option.get(), 1);
  nghttp2_option_set_no_closed_streams(option.get(), 1);
  nghttp2_option_set_max_reserved_remote_streams(option.get(), 0);
  nghttp2_option_set_max_send_header_block_length(option.get(), 2 * limits::kHeadBytes);
  // Its own count takes a client that ends each of its streams with RST_STREAM for an attacker;
  // count_reset() knows which of them had their answer.
  constexpr std::uint64_t kNever = 1U << 30U;
  nghttp2_option_set_stream_reset_rate_limit(option.get(), kNever, kNever);
  nghttp2_session* session = nullptr;
  const auto callbacks = Http2Callbacks::make();
  check(role_ == Http2Role::kServer
            ? nghttp2_session_server_new2(&session, callbacks.get(), this, option.get())
            : nghttp2_session_client_new2(&session, callbacks.get(), this, option.get()));
  session_.reset(session);
  std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::kStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kHeadBytes}};
  if (role_ == Http2Role::kClient) settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  check(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
  check(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                              static_cast<std::int32_t>(kConnectionWindow)));
}

Awaitable<void> Http2Session::run() {
  read_dog_.expires_after(limits::kFirstBytes);
  auto reading = read_loop();
  auto writing = write_loop();
  co_await both(std::move(reading), std::move(writing));
  stream_.close();
  if (thrown_) std::rethrow_exception(thrown_);
}

Awaitable<int> Http2Session::read_loop() {
  std::vector<char> buffer(kReadBytes);
  std::size_t drained = 0;
  asio::steady_timer pause(stream_.executor());
  for (;;) {
    while (!over_ && over_its_share()) {
      pause.expires_after(limits::kHeldLook);
      co_await pause.async_wait(kTuple);
    }
    const IoResult got = co_await stream_.read_some(asio::buffer(buffer));
    if (over_) {
      // What is still on its way must be read, or the kernel's reset overtakes our last frames.
      drained += got.bytes;
      if (got.error || drained > limits::kDrainBytes) break;
      continue;
    }
    if (got.bytes > 0) receive({buffer.data(), got.bytes});
    if (got.error) {
      const bool late = read_dog_.expired() || write_dog_.expired();
      disconnect(late                            ? "it took too long"
                 : got.error == asio::error::eof ? "it hung up"
                                                 : got.error.message());
      break;
    }
  }
  stream_.close();  // what is being written reaches nobody any more
  wake();
  co_return 0;
}

Awaitable<int> Http2Session::write_loop() {
  while (!over_) {
    woken_ = false;
    fill();
    if (over_) break;
    if (out_.empty()) {
      if (ending_ || (nghttp2_session_want_read(session_.get()) == 0 &&
                      nghttp2_session_want_write(session_.get()) == 0)) {
        break;
      }
      if (woken_) continue;
      wakeup_.expires_at(asio::steady_timer::time_point::max());
      co_await wakeup_.async_wait(kTuple);
      continue;
    }
    if (ending_ || !events_.busy()) write_dog_.expires_after(limits::kRefusalWrite);
    std::vector<asio::const_buffer> pieces = {asio::buffer(out_)};
    const IoResult put = co_await stream_.write(std::move(pieces));
    if (!ending_) write_dog_.disarm();
    out_.clear();
    for (const Credit& credit : credits_) give_back(credit);
    credits_.clear();
    if (put.error) {
      disconnect(put.error.message());
      stream_.close();
    } else if (!over_) {
      events_.on_sent(*this);
    }
  }
  for (const Credit& credit : credits_) give_back(credit);
  const bool flushed = !over_;
  disconnect(reason_);
  if (flushed && role_ == Http2Role::kServer) {
    read_dog_.expires_after(limits::kRefusalWrite);
    co_await stream_.shutdown_write();
  } else {
    stream_.close();
  }
  co_return 0;
}

void Http2Session::receive(std::string_view bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const ssize_t taken = nghttp2_session_mem_recv(session_.get(), data, bytes.size());
  if (thrown_) {
    end_with(NGHTTP2_INTERNAL_ERROR, "an error of ours");
  } else if (taken < 0) {
    const auto error = static_cast<int>(taken);
    end_with(error == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR,
             nghttp2_strerror(error));
  } else if (block_.bytes() > kHeadBytesEndured) {
    end_with(NGHTTP2_ENHANCE_YOUR_CALM, "a header block without end");
  } else if (nghttp2_session_get_outbound_queue_size(session_.get()) > limits::kFramesWaiting) {
    end_with(NGHTTP2_ENHANCE_YOUR_CALM, "it asks for answers and does not read them");
  }
  wake();
}

// Leaves in out_ what may be sent now, at most about kRelayBytes of it.
void Http2Session::fill() {
  while (out_.size() < limits::kRelayBytes) {
    const std::uint8_t* data = nullptr;
    const ssize_t length = nghttp2_session_mem_send(session_.get(), &data);
    if (length < 0 || thrown_) {
      disconnect(thrown_ ? std::string_view("an error of ours")
                         : nghttp2_strerror(static_cast<int>(length)));
      return;
    }
    if (length == 0) return;  // nothing, or DATA filled it
    out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(length));
  }
}

void Http2Session::disconnect(std::string_view reason) {
  if (over_) return;
  over_ = true;
  // Those bytes go nowhere: the other side's windows get them back.
  for (auto& [stream, body] : bodies_) {
    for (const Piece& piece : body.pieces) give_back({body.source_stream, piece.credit});
  }
  bodies_.clear();
  waiting_bytes_ = 0;
  try {
    events_.on_disconnected(*this, reason.empty() ? "it ended" : reason);
  } catch (...) {
    if (!thrown_) thrown_ = std::current_exception();
  }
  wake();
}

void Http2Session::wake() noexcept {
  if (woken_) return;
  woken_ = true;
  wakeup_.cancel();
}

void Http2Session::end_with(std::uint32_t code, std::string_view reason) {
  if (over_ || ending_) return;
  reason_ = reason;
  ending_ = true;
  // What cannot be said because the peer does not read is not waited for.
  write_dog_.expires_after(limits::kRefusalWrite);
  nghttp2_session_terminate_session(session_.get(), code);
  wake();
}

void Http2Session::close() {
  // Not nghttp2's "terminate", which leaves out the RST_STREAM frames that wait.
  goaway(NGHTTP2_NO_ERROR);
  if (over_ || ending_) return;
  reason_ = "we ended it";
  ending_ = true;
  write_dog_.expires_after(limits::kRefusalWrite);
}

void Http2Session::goaway(std::uint32_t code) {
  if (over_ || ending_) return;
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_.get()), code, nullptr, 0);
  wake();
}

std::int32_t Http2Session::request(const NameValues& values, EndStream end,
                                   std::int32_t source_stream) {
  if (over_ || ending_) return NGHTTP2_ERR_SESSION_CLOSING;
  auto body = provider();
  const std::int32_t stream =
      nghttp2_submit_request(session_.get(), nullptr, values.data(), values.size(),
                             end == EndStream::kYes ? nullptr : &body, nullptr);
  if (stream <= 0) return stream;
  requests_.insert(stream);
  if (end == EndStream::kNo) bodies_[stream].source_stream = source_stream;
  wake();
  return stream;
}

void Http2Session::informational(std::int32_t stream, const NameValues& values) {
  if (over_ || ending_) return;
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream, nullptr, values.data(),
                         values.size(), nullptr);
  wake();
}

void Http2Session::respond(std::int32_t stream, const NameValues& values, EndStream end,
                           std::int32_t source_stream) {
  if (over_ || ending_) return;
  auto body = provider();
  const int result = nghttp2_submit_response(session_.get(), stream, values.data(), values.size(),
                                             end == EndStream::kYes ? nullptr : &body);
  if (result == 0 && end == EndStream::kNo) bodies_[stream].source_stream = source_stream;
  wake();
}

void Http2Session::push(std::int32_t stream, std::string bytes, std::size_t credit) {
  const auto found = bodies_.find(stream);
  if (found == bodies_.end() || bytes.empty()) {
    // The stream is gone, or a filter keeps the bytes, which it bounds by itself.
    if (source_ != nullptr && found != bodies_.end()) {
      give_back({found->second.source_stream, credit});
    }
    return;
  }
  Body& body = found->second;
  body.size += bytes.size();
  waiting_bytes_ += bytes.size();
  body.pieces.push_back({std::move(bytes), credit});
  nghttp2_session_resume_data(session_.get(), stream);
  wake();
}

void Http2Session::finish(std::int32_t stream) { finish(stream, {}, {}); }

void Http2Session::finish(std::int32_t stream, Fields trailers,
                          std::vector<std::string> never_indexed) {
  const auto found = bodies_.find(stream);
  if (found == bodies_.end()) return;
  found->second.ended = true;
  found->second.trailers = std::move(trailers);
  found->second.never_indexed = std::move(never_indexed);
  nghttp2_session_resume_data(session_.get(), stream);
  wake();
}

void Http2Session::reset(std::int32_t stream, std::uint32_t code) {
  if (over_ || ending_) return;
  drop_body(stream);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, code);
  wake();
}

void Http2Session::reset_when_sent(std::int32_t stream, std::uint32_t code) {
  if (over_ || ending_) return;
  if (nghttp2_session_get_stream_local_close(session_.get(), stream) == 1) {
    reset(stream, code);
  } else {
    resets_when_sent_[stream] = code;
  }
}

std::size_t Http2Session::peer_max_streams() const noexcept {
  return nghttp2_session_get_remote_settings(session_.get(),
                                             NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

}  // namespace redoubtful::proxy
