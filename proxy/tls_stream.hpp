#pragma once

// TLS over a TCP socket, either end: OpenSSL's state machine with system calls of our own.
//
// Why not asio::ssl::stream: it copies every record through a pair of memory BIOs of 17 KiB and
// makes a system call for each. Here OpenSSL reads 64 KiB at a time straight into its own buffer,
// several records leave in one write, and only a socket that would block is waited for.
//
// One reader and one writer may be under way together: every step inside OpenSSL is synchronous, on
// the one thread, and what one of them leaves to be sent the other may send.

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/openssl.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

class TlsStream final : public Stream {
 public:
  // `ssl`: set up as client or server, not yet connected. `early`: bytes that the peer sent and
  // that were read before.
  TlsStream(boost::asio::ip::tcp::socket socket, SslPtr ssl, std::string_view early);
  ~TlsStream() override;

  // Why a handshake, or a later operation, failed. Only one member is set.
  struct Failure {
    boost::system::error_code transport;  // eof: the peer hung up; operation_aborted: close()
    unsigned long openssl = 0;            // the packed code of OpenSSL's error queue
    bool failed() const noexcept { return transport || openssl != 0; }
  };

  // To the end of the handshake. The caller's Watchdog keeps the time.
  Awaitable<Failure> handshake();

  SSL* ssl() noexcept { return ssl_.get(); }

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) override;
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override;
  Awaitable<void> shutdown_write() override;
  void close() noexcept override;
  boost::asio::any_io_executor executor() override;
  std::string_view protocol() const noexcept override;
  bool readable() noexcept override;

 private:
  friend struct TlsStreamBio;

  enum class Step { kDone, kWouldBlock, kAgain, kFailed };
  Step judge(int result);

  int bio_read(char* data, int length) noexcept;
  int bio_write(const char* data, int length) noexcept;

  Awaitable<boost::system::error_code> wait_for_bytes();
  Awaitable<boost::system::error_code> flush();
  void send_now() noexcept;
  Awaitable<void> give_way(std::size_t bytes);
  boost::system::error_code encrypt(const char* data, std::size_t length);
  boost::system::error_code error_of(const Failure& failure) const noexcept;

  boost::asio::ip::tcp::socket socket_;
  SslPtr ssl_;

  // Received and not yet seen by OpenSSL: the early bytes, then what a wait ended with.
  std::vector<char> received_;
  std::size_t received_begin_ = 0;
  std::size_t received_end_ = 0;
  bool drained_ = true;  // the socket had no more the last time that it was asked
  bool ended_ = false;   // FIN
  bool waiting_ = false;

  // Encrypted and not yet sent.
  std::vector<char> pending_;
  std::size_t sent_ = 0;
  bool sending_ = false;

  std::size_t without_pause_ = 0;
  Failure failure_;
  std::string protocol_;
};

}  // namespace redoubtful::proxy
