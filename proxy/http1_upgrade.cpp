// After 101: bytes both ways, with what either side sent early, through the filters of the
// exchange.

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cstring>
#include <optional>

#include "proxy/http1_format.hpp"
#include "proxy/http1_transfer.hpp"
#include "proxy/limits.hpp"
#include "proxy/websocket_frames.hpp"

namespace redoubtful::proxy {
namespace {

// The client as a stream that begins with what was already read from it.
class BufferedClient final : public Stream {
 public:
  explicit BufferedClient(Http1Client& client) : client_(client) {}

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) override {
    ReadBuffer& held = client_.buffer();
    if (held.empty() && client_.looking()) {
      const auto error = co_await client_.fill();
      if (error) co_return IoResult{error, 0};
    }
    if (held.empty() && held.end_of_stream()) co_return IoResult{held.end_of_stream(), 0};
    if (held.empty()) co_return co_await client_.stream().read_some(buffer);
    const std::size_t bytes = std::min(buffer.size(), held.bytes().size());
    std::memcpy(buffer.data(), held.bytes().data(), bytes);
    held.consume(bytes);
    co_return IoResult{{}, bytes};
  }
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override {
    return client_.stream().write(std::move(buffers));
  }
  Awaitable<void> shutdown_write() override { return client_.stream().shutdown_write(); }
  void close() noexcept override { client_.stream().close(); }
  boost::asio::any_io_executor executor() override { return client_.stream().executor(); }
  std::string_view protocol() const noexcept override { return client_.stream().protocol(); }
  bool readable() noexcept override {
    return !client_.buffer().empty() || client_.stream().readable();
  }

 private:
  Http1Client& client_;
};

// How a WebSocket ends whose bytes cannot go on: the origin is cut, as if the client had gone; the
// client is told with a Close, if what it was given ends with a whole frame, and has some time to
// take it.
class Ending {
 public:
  Ending(Stream& client, Stream& origin) : client_(client), origin_(origin) {}

  bool begun() const noexcept { return fault_ != nullptr; }
  void begin(const FrameFilter& fault) {
    if (begun()) return;
    fault_ = &fault;
    origin_.close();
    watchdog_.emplace(client_).expires_after(limits::kRefusalWrite);
  }
  std::string close_frame() const {
    return server_close_frame(fault_->close_code(), "redoubtful: " + std::string(fault_->fault()));
  }
  std::string_view why() const noexcept { return begun() ? fault_->fault() : std::string_view(); }

 private:
  Stream& client_;
  Stream& origin_;
  const FrameFilter* fault_ = nullptr;
  std::optional<Watchdog> watchdog_;
};

// One side as a stream that gives what its filter makes of what it sends. For bytes of both sides
// the Ending is one.
class FilteredSide : public Stream {
 public:
  // `filter` null: its bytes pass as they are.
  FilteredSide(Stream& side, FrameFilter* filter, Ending& ending)
      : side_(side), filter_(filter), ending_(ending) {}

  // For bytes that are there already.
  void feed(std::string_view bytes) {
    if (filter_ == nullptr) {
      out_.append(bytes);
      return;
    }
    filter_->feed(bytes, out_);
    if (!filter_->fault().empty()) ending_.begin(*filter_);
  }

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) override {
    while (given_ == out_.size() && !ended_ && !ending_.begun()) {
      if (filter_ == nullptr) {
        const IoResult got = co_await side_.read_some(buffer);
        side_ended_ = static_cast<bool>(got.error);
        if (!ending_.begun()) co_return got;
        break;
      }
      out_.clear();
      given_ = 0;
      in_.resize(limits::kRelayBytes);
      const IoResult got = co_await side_.read_some(boost::asio::buffer(in_));
      side_ended_ = static_cast<bool>(got.error);
      if (ending_.begun()) break;
      if (got.bytes > 0) feed({in_.data(), got.bytes});
      if (!got.error || ending_.begun()) continue;
      ended_ = got.error;
      if (ended_ == boost::asio::error::eof) filter_->finish(out_);
    }
    if (ending_.begun()) co_return co_await read_ending(buffer);
    co_return take(buffer);
  }
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override {
    return side_.write(std::move(buffers));
  }
  Awaitable<void> shutdown_write() override { return side_.shutdown_write(); }
  void close() noexcept override { side_.close(); }
  boost::asio::any_io_executor executor() override { return side_.executor(); }
  std::string_view protocol() const noexcept override { return side_.protocol(); }
  bool readable() noexcept override { return given_ < out_.size() || side_.readable(); }

 protected:
  // What this side still gives once the end has begun.
  virtual Awaitable<IoResult> read_ending(boost::asio::mutable_buffer buffer) = 0;

  IoResult take(boost::asio::mutable_buffer buffer) {
    if (given_ == out_.size()) return IoResult{ended_, 0};
    const std::size_t bytes = std::min(buffer.size(), out_.size() - given_);
    std::memcpy(buffer.data(), out_.data() + given_, bytes);
    given_ += bytes;
    return IoResult{{}, bytes};
  }

  Stream& side_;
  FrameFilter* filter_;
  Ending& ending_;
  std::string in_;
  std::string out_;
  std::size_t given_ = 0;  // of out_
  boost::system::error_code ended_;
  // Asio waits for ever on a socket that has said its end.
  bool side_ended_ = false;
};

class OriginSide final : public FilteredSide {
 public:
  using FilteredSide::FilteredSide;

  // What the client still sends goes nowhere, which is no failure.
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override {
    const std::size_t bytes = boost::asio::buffer_size(buffers);
    const IoResult put = co_await side_.write(std::move(buffers));
    if (ending_.begun()) co_return IoResult{{}, bytes};
    co_return put;
  }

 private:
  // What was decided before, then the Close, where there is room for one.
  Awaitable<IoResult> read_ending(boost::asio::mutable_buffer buffer) override {
    if (!std::exchange(told_, true)) {
      ended_ = boost::asio::error::eof;
      if (filter_ != nullptr && filter_->whole_frames()) {
        out_.append(ending_.close_frame());
      } else {
        ended_ = make_error_code(boost::system::errc::bad_message);
      }
    }
    co_return take(buffer);
  }

  bool told_ = false;
};

class ClientSide final : public FilteredSide {
 public:
  using FilteredSide::FilteredSide;

 private:
  // A socket that is closed with bytes unread is reset, and the Close might never be seen.
  Awaitable<IoResult> read_ending(boost::asio::mutable_buffer buffer) override {
    for (std::size_t read = 0; !side_ended_ && read < limits::kDrainBytes;) {
      const IoResult got = co_await side_.read_some(buffer);
      side_ended_ = static_cast<bool>(got.error);
      read += got.bytes;
    }
    co_return IoResult{boost::asio::error::eof, 0};
  }
};

}  // namespace

Awaitable<Http1Transfer::Outcome> Http1Transfer::upgrade(ParsedResponse response) {
  client_.answering();
  client_.unwatch();
  const auto judged = exchange_.respond(response.head);
  if (const auto* refusal = std::get_if<Refusal>(&judged))
    co_return co_await pass_refusal(*refusal);
  status_ = response.head.status;
  head_.clear();
  format_upgraded(response.head, head_);
  Buffers out = {boost::asio::buffer(head_)};
  if (co_await client_.write(std::move(out))) co_return gone();
  BufferedClient buffered(client_);
  Ending ending(client_.stream(), origin_.stream());
  ClientSide client(buffered, exchange_.frames(FramesFrom::kClient), ending);
  OriginSide origin(origin_.stream(), exchange_.frames(FramesFrom::kOrigin), ending);
  if (!origin_.empty()) origin.feed(origin_.bytes());
  origin_.clear();
  Relayed relayed = co_await relay(client, origin);
  up_ += relayed.up;
  down_ += relayed.down;
  failure_ = ending.begun() ? std::string(ending.why()) : std::move(relayed.failure);
  co_return Outcome::kUpgraded;
}

}  // namespace redoubtful::proxy
