#include "proxy/http1_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Http1Client::Http1Client(Stream& stream)
    : stream_(stream),
      buffer_(&stream),
      clock_(stream.executor()),
      change_(stream.executor(), asio::steady_timer::time_point::max()) {}

Awaitable<error_code> Http1Client::fill() {
  if (reading_) {
    while (reading_) co_await changed();
    if (look_error_ || !buffer_.empty()) co_return look_error_;
  }
  co_return co_await buffer_.fill();
}

Awaitable<error_code> Http1Client::write(std::vector<asio::const_buffer> buffers) {
  while (asking_) co_await changed();
  co_return (co_await stream_.write(std::move(buffers))).error;
}

void Http1Client::watch(Stream& origin, HttpVersion version) {
  origin_ = &origin;
  may_ask_ = version == HttpVersion::k11;
  arm();
}

// One timer runs on from request to request, so that most requests set none.
void Http1Client::arm() {
  if (armed_) return;
  armed_ = true;
  clock_.expires_after(limits::kClientLook);
  clock_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const error_code& error) {
    if (error || alive.expired()) return;
    armed_ = false;
    tick();
  });
}

void Http1Client::tick() {
  if (origin_ == nullptr) return;
  arm();
  // With the next request in the buffer already, its end says nothing about this one.
  if (looking_ || ended_ || !buffer_.empty() || !stream_.readable()) return;
  looking_ = reading_ = true;
  asio::co_spawn(stream_.executor(), look(), [this](const std::exception_ptr& failure) {
    looking_ = reading_ = asking_ = false;
    change_.cancel();
    if (failure) lost();
  });
}

Awaitable<void> Http1Client::look() {
  look_error_ = co_await buffer_.fill();
  reading_ = false;
  change_.cancel();
  if (!look_error_) co_return;
  ended_ = true;
  if (look_error_ != asio::error::eof) {
    lost();
  } else if (origin_ != nullptr && may_ask_) {
    asking_ = true;
    co_await ask();
  }
}

Awaitable<void> Http1Client::ask() {
  for (int time = 0; time < 2; ++time) {
    std::vector<asio::const_buffer> question = {asio::buffer(kContinue)};
    const IoResult written = co_await stream_.write(std::move(question));
    if (written.error) {
      lost();
      break;
    }
  }
}

void Http1Client::lost() noexcept {
  gone_ = true;
  if (origin_ != nullptr) origin_->close();
}

Awaitable<void> Http1Client::changed() {
  co_await change_.async_wait(asio::as_tuple(asio::use_awaitable));
}

Awaitable<void> Http1Client::release() {
  while (asking_) co_await changed();
  if (!std::exchange(released_, true)) co_await stream_.shutdown_write();
}

Awaitable<void> Http1Client::stop() {
  origin_ = nullptr;
  if (!looking_) co_return;
  co_await release();
  stream_.close();
  while (looking_) co_await changed();
}

}  // namespace redoubtful::proxy
