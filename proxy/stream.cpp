#include "proxy/stream.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "proxy/limits.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class PlainStream final : public Stream {
 public:
  PlainStream(asio::ip::tcp::socket socket, std::string early)
      : socket_(std::move(socket)), early_(std::move(early)) {}

  Awaitable<IoResult> read_some(asio::mutable_buffer buffer) override {
    if (taken_ < early_.size()) {
      const std::size_t bytes = std::min(buffer.size(), early_.size() - taken_);
      std::memcpy(buffer.data(), early_.data() + taken_, bytes);
      taken_ += bytes;
      if (taken_ == early_.size()) {
        early_.clear();
        taken_ = 0;
      }
      co_return IoResult{{}, bytes};
    }
    auto [error, bytes] = co_await socket_.async_read_some(buffer, kTuple);
    co_return IoResult{error, bytes};
  }

  Awaitable<IoResult> write(std::vector<asio::const_buffer> buffers) override {
    auto [error, bytes] = co_await asio::async_write(socket_, buffers, kTuple);
    co_return IoResult{error, bytes};
  }

  Awaitable<void> shutdown_write() override {
    error_code ignored;  // the peer may be gone, which its next read says
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    co_return;
  }

  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }

  void abort() noexcept override {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }

  asio::any_io_executor executor() override { return socket_.get_executor(); }
  std::string_view protocol() const noexcept override { return {}; }

  bool readable() noexcept override {
    if (taken_ < early_.size()) return true;
    char byte = 0;
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }

  asio::ip::tcp::socket take() { return std::move(socket_); }

 private:
  static constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

  asio::ip::tcp::socket socket_;
  std::string early_;
  std::size_t taken_ = 0;
};

struct Direction {
  std::uint64_t bytes = 0;
  error_code error;
};

Awaitable<Direction> copy(Stream& from, Stream& to) {
  std::vector<char> buffer(limits::kRelayBytes);
  Direction direction;
  for (;;) {
    const IoResult got = co_await from.read_some(asio::buffer(buffer));
    if (got.bytes > 0) {
      std::vector<asio::const_buffer> piece = {asio::buffer(buffer.data(), got.bytes)};
      const IoResult put = co_await to.write(std::move(piece));
      direction.bytes += put.bytes;
      if (put.error) {
        direction.error = put.error;
        break;
      }
    }
    if (got.error == asio::error::eof) {
      co_await to.shutdown_write();
      co_return direction;
    }
    if (got.error) {
      direction.error = got.error;
      break;
    }
  }
  // A cut on one side is a cut on the other, or the peer would take what it has for all.
  from.close();
  to.close();
  co_return direction;
}

}  // namespace

std::unique_ptr<Stream> plain_stream(asio::ip::tcp::socket socket, std::string early) {
  return std::make_unique<PlainStream>(std::move(socket), std::move(early));
}

asio::ip::tcp::socket take_socket(std::unique_ptr<Stream> plain) {
  return dynamic_cast<PlainStream&>(*plain).take();
}

// The timer's own wait is the only one under way: setting a later deadline only moves a number.
struct Watchdog::State : std::enable_shared_from_this<Watchdog::State> {
  State(Stream& watched, asio::any_io_executor executor)
      : stream(&watched), timer(std::move(executor)) {}

  using Clock = std::chrono::steady_clock;

  void arm(Clock::time_point wanted) {
    deadline = wanted;
    // A wait that ends earlier looks at the deadline again.
    if (waiting && timer.expiry() <= wanted) return;
    timer.expires_at(wanted);
    wait();
  }

  void wait() {
    waiting = true;
    ++generation;
    timer.async_wait([self = shared_from_this(), mine = generation](const error_code& error) {
      if (mine != self->generation) return;
      self->waiting = false;
      if (error || self->stream == nullptr || self->deadline == Clock::time_point::max()) return;
      if (Clock::now() < self->deadline) {
        self->arm(self->deadline);
        return;
      }
      self->expired = true;
      self->stream->close();
    });
  }

  Stream* stream;
  asio::steady_timer timer;
  Clock::time_point deadline = Clock::time_point::max();
  std::uint64_t generation = 0;
  bool waiting = false;
  bool expired = false;
};

Watchdog::Watchdog(Stream& stream) : state_(std::make_shared<State>(stream, stream.executor())) {}

Watchdog::~Watchdog() {
  state_->stream = nullptr;
  state_->timer.cancel();
}

void Watchdog::expires_after(std::chrono::milliseconds time) {
  state_->arm(State::Clock::now() + time);
}

void Watchdog::disarm() noexcept { state_->deadline = State::Clock::time_point::max(); }

bool Watchdog::expired() const noexcept { return state_->expired; }

Awaitable<Relayed> relay(Stream& client, Stream& origin) {
  auto up = copy(client, origin);
  auto down = copy(origin, client);
  auto [sent, received] = co_await both(std::move(up), std::move(down));
  Relayed relayed{.up = sent.bytes, .down = received.bytes, .failure = {}};
  for (const auto& error : {received.error, sent.error}) {
    if (error && relayed.failure.empty() && error != asio::error::operation_aborted) {
      relayed.failure = error.message();
    }
  }
  co_return relayed;
}

}  // namespace redoubtful::proxy
