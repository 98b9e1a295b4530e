#pragma once

// A byte stream to a client or an origin: TCP as it is, or TLS over it. One reader and one writer
// at a time; both may be under way together.
//
// Deadlines are the caller's: a Watchdog closes the stream when its time is up, and the operation
// under way completes with operation_aborted.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

struct IoResult {
  boost::system::error_code error;
  std::size_t bytes = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // At least one byte, or an error. boost::asio::error::eof: the peer ended its side properly;
  // boost::asio::ssl::error::stream_truncated: TLS without close_notify, an attacker may have cut
  // it.
  virtual Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) = 0;

  // All of it. The memory must stay until completion.
  virtual Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) = 0;

  // Ends our side: close_notify and FIN. The other direction goes on.
  virtual Awaitable<void> shutdown_write() = 0;

  // Ends both sides at once, also while an operation is under way.
  virtual void close() noexcept = 0;

  // As close(), but so that the peer cannot take it for a proper end: TCP is reset. What was not
  // sent yet is lost.
  virtual void abort() noexcept { close(); }

  virtual boost::asio::any_io_executor executor() = 0;

  // The protocol chosen by ALPN: "h2", "http/1.1"; empty for none and for plain TCP.
  virtual std::string_view protocol() const noexcept = 0;

  // Is there something to read, or has the peer hung up? For a connection that should be idle.
  // Never waits.
  virtual bool readable() noexcept = 0;
};

// TCP as it is. `early`: bytes that were read before, delivered first.
std::unique_ptr<Stream> plain_stream(boost::asio::ip::tcp::socket socket, std::string early = {});

// The socket of a stream that plain_stream() made; what of `early` was not read is lost, so read it
// first.
boost::asio::ip::tcp::socket take_socket(std::unique_ptr<Stream> plain);

// Closes a stream when its time is up. Cheap to set again: one timer runs, whatever is set.
// Lifetime: the stream must outlive it. Source: Boost 1.81 has no cancel_after.
class Watchdog {
 public:
  explicit Watchdog(Stream& stream);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void expires_after(std::chrono::milliseconds time);
  void disarm() noexcept;
  bool expired() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Copies both ways until both sides have ended, with half-close. Returns the bytes of each way.
struct Relayed {
  std::uint64_t up = 0;    // client to origin
  std::uint64_t down = 0;  // origin to client
  std::string failure;     // empty: both ended properly
};
Awaitable<Relayed> relay(Stream& client, Stream& origin);

}  // namespace redoubtful::proxy
