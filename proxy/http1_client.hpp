#pragma once

// The client's side of an HTTP/1 connection: its bytes, the writes to it, and whether it is there.
//
// While an answer is awaited nobody reads from the client, so that a small request costs one read
// and one write. Once a second it is looked at instead: what it sent meanwhile (the next request,
// at most a buffer of it) is read, and when it has gone, the origin's connection is closed, so that
// nobody works for nobody.
//
// A client that has ended its side may still be waiting for the answer (half-close is legal), or it
// may have closed: TCP shows the same. Two interim answers `100 Continue` tell: a closed socket
// answers the first with a reset. HTTP/1.0 knows no interim answers; there the answer itself tells.

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "proxy/http1_buffer.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

class Http1Client {
 public:
  explicit Http1Client(Stream& stream);
  Http1Client(const Http1Client&) = delete;
  Http1Client& operator=(const Http1Client&) = delete;

  ReadBuffer& buffer() noexcept { return buffer_; }
  Stream& stream() noexcept { return stream_; }

  // As ReadBuffer::fill. Not during a watch().
  Awaitable<boost::system::error_code> fill();
  Awaitable<boost::system::error_code> write(std::vector<boost::asio::const_buffer> buffers);

  // A whole request was read, and `origin` is working on it, until unwatch().
  void watch(Stream& origin, HttpVersion version);
  // Nothing is asked with interim answers any more: the answer has begun.
  void answering() noexcept { may_ask_ = false; }
  void unwatch() noexcept { origin_ = nullptr; }
  // It went away during a watch, and its origin was closed.
  bool gone() const noexcept { return gone_; }

  // A read of a look is still under way; fill() waits for it.
  bool looking() const noexcept { return reading_; }
  // Ends our side once; there is nothing more to say.
  Awaitable<void> release();

  // Ends a look that is under way, by closing the stream. To be awaited before destruction.
  Awaitable<void> stop();

 private:
  void arm();
  void tick();
  Awaitable<void> look();
  Awaitable<void> ask();
  Awaitable<void> changed();
  void lost() noexcept;

  Stream& stream_;
  ReadBuffer buffer_;
  Stream* origin_ = nullptr;
  bool may_ask_ = false;
  bool armed_ = false;
  bool reading_ = false;
  bool asking_ = false;
  bool looking_ = false;
  bool ended_ = false;
  bool gone_ = false;
  bool released_ = false;
  boost::system::error_code look_error_;
  boost::asio::steady_timer clock_;
  boost::asio::steady_timer change_;  // cancelled whenever one of the above changes
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace redoubtful::proxy
