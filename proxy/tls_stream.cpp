#include "proxy/tls_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

namespace redoubtful::proxy {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kRecordBytes = 16 * 1024;         // TLS allows no more
constexpr std::size_t kReadAheadBytes = 64 * 1024;      // OpenSSL's own buffer
constexpr std::size_t kWaitBytes = 16 * 1024;           // one record: what a wait ends with
constexpr std::size_t kGatherBytes = 4 * kRecordBytes;  // encrypted before one system call
constexpr std::size_t kRecordOverhead = 64;             // header, tag, type: 22 with TLS 1.3
constexpr std::size_t kMaxPendingBytes = 256 * 1024;    // of answers to a peer who reads nothing
constexpr std::size_t kKeptPendingBytes = 4 * 1024;     // of an idle connection
constexpr std::size_t kBytesWithoutPause = 512 * 1024;  // then others have their turn
constexpr std::size_t kStepCost = 2 * 1024;             // and a step counts as so many
constexpr int kRecordsOfARound = 16;

error_code system_error(int value) { return {value, boost::system::system_category()}; }

}  // namespace

// OpenSSL's view of the socket. It never blocks.
struct TlsStreamBio {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, int length) {
    BIO_clear_retry_flags(bio);
    const int got = stream(bio).bio_read(data, length);
    if (got < 0 && !stream(bio).failure_.failed()) BIO_set_retry_read(bio);
    return got;
  }
  static int write(BIO* bio, const char* data, int length) {
    BIO_clear_retry_flags(bio);
    return stream(bio).bio_write(data, length);
  }
  static long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return stream(bio).ended_ ? 1 : 0;
    return 0;
  }

  static BioMethodPtr make_method() {
    BioMethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "redoubtful"));
    if (!method || BIO_meth_set_read(method.get(), read) != 1 ||
        BIO_meth_set_write(method.get(), write) != 1 ||
        BIO_meth_set_ctrl(method.get(), control) != 1) {
      throw std::bad_alloc();
    }
    return method;
  }
  static BIO* make(TlsStream& stream) {
    static const BioMethodPtr method = make_method();
    BIO* bio = BIO_new(method.get());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }
};

TlsStream::TlsStream(asio::ip::tcp::socket socket, SslPtr ssl, std::string_view early)
    : socket_(std::move(socket)),
      ssl_(std::move(ssl)),
      received_(early.begin(), early.end()),
      received_end_(early.size()),
      // What came behind the early bytes has made its edge already, or will make one.
      drained_(early.empty()) {
  // We gather ourselves; Nagle and a delayed acknowledgement together cost 40 ms.
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  SSL_set_read_ahead(ssl_.get(), 1);
  SSL_set_default_read_buffer_len(ssl_.get(), kReadAheadBytes);
  BIO* bio = TlsStreamBio::make(*this);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsStream::~TlsStream() {
  // Else OpenSSL takes a connection that was cut for a sign that its session must not be resumed.
  // RFC 5246, section 7.2.1, no longer asks for that.
  if (failure_.openssl == 0)
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

int TlsStream::bio_read(char* data, int length) noexcept {
  const auto wanted = static_cast<std::size_t>(length);
  if (received_begin_ < received_end_) {
    const std::size_t bytes = std::min(wanted, received_end_ - received_begin_);
    std::memcpy(data, received_.data() + received_begin_, bytes);
    received_begin_ += bytes;
    return static_cast<int>(bytes);
  }
  if (ended_) return 0;
  if (drained_) return -1;
  const ssize_t got = ::recv(socket_.native_handle(), data, wanted, MSG_DONTWAIT);
  if (got > 0) {
    drained_ = static_cast<std::size_t>(got) < wanted;
    return static_cast<int>(got);
  }
  if (got == 0) {
    ended_ = true;
    return 0;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    drained_ = true;
  } else {
    failure_.transport = system_error(errno);
  }
  return -1;
}

int TlsStream::bio_write(const char* data, int length) noexcept {
  // A writer sends what it encrypts before it encrypts more. Beyond that there are only answers to
  // a peer that asks (KeyUpdate) without reading.
  if (pending_.size() - sent_ > kMaxPendingBytes) {
    failure_.transport = asio::error::no_buffer_space;
    return -1;
  }
  try {
    pending_.insert(pending_.end(), data, data + length);
  } catch (const std::bad_alloc&) {
    failure_.transport = asio::error::no_memory;
    return -1;
  }
  return length;
}

// What an OpenSSL call that returned `result` means.
TlsStream::Step TlsStream::judge(int result) {
  if (result > 0) return Step::kDone;
  const int error = SSL_get_error(ssl_.get(), result);
  if (failure_.transport) return Step::kFailed;
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return drained_ && received_begin_ == received_end_ ? Step::kWouldBlock : Step::kAgain;
    case SSL_ERROR_WANT_WRITE:
      return Step::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      failure_.transport = asio::error::eof;
      return Step::kFailed;
    default:
      failure_.openssl = ERR_get_error();
      ERR_clear_error();
      if (ended_ && (failure_.openssl == 0 ||
                     ERR_GET_REASON(failure_.openssl) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        failure_ = {.transport = asio::ssl::error::stream_truncated};
      } else if (failure_.openssl == 0) {
        failure_.transport = asio::error::connection_aborted;
      }
      return Step::kFailed;
  }
}

error_code TlsStream::error_of(const Failure& failure) const noexcept {
  if (failure.transport) return failure.transport;
  return {static_cast<int>(failure.openssl), asio::error::get_ssl_category()};
}

// Waits with a read, not for readiness: Asio then needs no epoll_ctl, and no second system call
// when a short message comes.
Awaitable<error_code> TlsStream::wait_for_bytes() {
  if (received_.size() < kWaitBytes) received_.resize(kWaitBytes);
  received_begin_ = received_end_ = 0;
  waiting_ = true;
  auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(received_), kTuple);
  waiting_ = false;
  without_pause_ = 0;
  received_end_ = bytes;
  drained_ = bytes < received_.size();
  if (error == asio::error::eof) {
    ended_ = true;
    co_return error_code();
  }
  if (error) failure_.transport = error;
  co_return error;
}

// As much as the socket takes without waiting.
void TlsStream::send_now() noexcept {
  while (sent_ < pending_.size()) {
    const ssize_t put = ::send(socket_.native_handle(), pending_.data() + sent_,
                               pending_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0) {
      if (errno == EINTR) continue;
      // EAGAIN: later. Others: whoever waits for the socket is told.
      return;
    }
    sent_ += static_cast<std::size_t>(put);
  }
  sent_ = 0;
  if (pending_.capacity() > kKeptPendingBytes) {
    pending_ = std::vector<char>();
  } else {
    pending_.clear();
  }
}

Awaitable<error_code> TlsStream::flush() {
  if (sending_) co_return error_code();  // the other of reader and writer is at it
  while (sent_ < pending_.size()) {
    if (!socket_.is_open()) co_return asio::error::operation_aborted;
    send_now();
    if (sent_ == pending_.size()) break;
    // Its own memory: the reader may add to `pending_` meanwhile.
    std::vector<char> piece;
    piece.swap(pending_);
    sending_ = true;
    const std::size_t begin = sent_;
    sent_ = 0;
    auto rest = asio::buffer(piece) + begin;
    auto [error, bytes] = co_await asio::async_write(socket_, rest, kTuple);
    sending_ = false;
    without_pause_ = 0;
    if (error) co_return error;
  }
  co_return error_code();
}

// Everything here is tried without waiting first, so a busy stream would keep the thread to itself.
Awaitable<void> TlsStream::give_way(std::size_t bytes) {
  without_pause_ += bytes + kStepCost;
  if (without_pause_ < kBytesWithoutPause) co_return;
  without_pause_ = 0;
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
}

Awaitable<TlsStream::Failure> TlsStream::handshake() {
  for (;;) {
    ERR_clear_error();
    const Step step = judge(SSL_do_handshake(ssl_.get()));
    if (step == Step::kFailed) {
      send_now();  // the alert, so that the peer knows as well
      co_return failure_;
    }
    if (step == Step::kDone) break;
    if (const error_code error = co_await flush()) {
      co_return Failure{.transport = error};
    }
    if (step == Step::kWouldBlock) {
      if (const error_code error = co_await wait_for_bytes()) {
        co_return Failure{.transport = error};
      }
    }
  }
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  protocol_.assign(name, name + length);
  // After TLS 1.3 a server has only its ticket left to send, which goes with its first answer.
  const bool nothing_awaited =
      SSL_is_server(ssl_.get()) == 1 && SSL_version(ssl_.get()) == TLS1_3_VERSION;
  if (!nothing_awaited) {
    if (const error_code error = co_await flush()) co_return Failure{.transport = error};
  }
  co_return Failure{};
}

Awaitable<IoResult> TlsStream::read_some(asio::mutable_buffer buffer) {
  if (buffer.size() == 0) co_return IoResult{};
  for (;;) {
    if (failure_.failed()) co_return IoResult{error_of(failure_), 0};
    if (!socket_.is_open()) co_return IoResult{asio::error::operation_aborted, 0};
    ERR_clear_error();
    std::size_t bytes = 0;
    // Until the buffer is full or OpenSSL has nothing: several records cost one round.
    Step step = Step::kDone;
    for (int records = 0; records < kRecordsOfARound && bytes < buffer.size(); ++records) {
      std::size_t got = 0;
      step = judge(SSL_read_ex(ssl_.get(), static_cast<char*>(buffer.data()) + bytes,
                               buffer.size() - bytes, &got));
      bytes += got;
      if (step != Step::kDone) break;
    }
    // What is to be sent waits for a writer who may be near: a server's ticket leaves together with
    // its first answer. A KeyUpdate need not be answered sooner (RFC 8446, section 4.6.3).
    if (!sending_ && (bytes == 0 || pending_.size() > kKeptPendingBytes)) send_now();
    if (bytes > 0) {
      co_await give_way(bytes);
      co_return IoResult{error_code(), bytes};  // a failure is told by the next call
    }
    if (step == Step::kFailed) continue;
    if (step == Step::kWouldBlock) {
      co_await wait_for_bytes();
    } else {
      // Only records without data, of which 64 KiB can take 20 ms of CPU (KeyUpdate): rare, or an
      // attack.
      co_await give_way(kBytesWithoutPause);
    }
  }
}

error_code TlsStream::encrypt(const char* data, std::size_t length) {
  pending_.reserve(pending_.size() + length + (length / kRecordBytes + 1) * kRecordOverhead);
  while (length > 0) {
    ERR_clear_error();
    std::size_t taken = 0;
    const Step step = judge(SSL_write_ex(ssl_.get(), data, length, &taken));
    if (step == Step::kFailed) return error_of(failure_);
    // A write waits for nothing once the handshake is over: renegotiation is off.
    if (step != Step::kDone) return asio::error::connection_aborted;
    data += taken;
    length -= taken;
  }
  return {};
}

Awaitable<IoResult> TlsStream::write(std::vector<asio::const_buffer> buffers) {
  std::size_t written = 0;
  std::vector<char> gathered;
  std::size_t next = 0;
  asio::const_buffer rest;
  for (;;) {
    while (rest.size() == 0 && next < buffers.size()) rest = buffers[next++];
    if (rest.size() == 0) break;
    if (!socket_.is_open()) co_return IoResult{asio::error::operation_aborted, written};
    // Small pieces (a head, the beginning of a body) share a record.
    error_code error;
    std::size_t bytes = 0;
    if (rest.size() < kRecordBytes && next < buffers.size()) {
      gathered.clear();
      while (gathered.size() < kRecordBytes && (rest.size() > 0 || next < buffers.size())) {
        if (rest.size() == 0) {
          rest = buffers[next++];
          continue;
        }
        const std::size_t part = std::min(rest.size(), kRecordBytes - gathered.size());
        const char* begin = static_cast<const char*>(rest.data());
        gathered.insert(gathered.end(), begin, begin + part);
        rest += part;
      }
      bytes = gathered.size();
      error = encrypt(gathered.data(), bytes);
    } else {
      bytes = std::min(rest.size(), kGatherBytes);
      error = encrypt(static_cast<const char*>(rest.data()), bytes);
      rest += bytes;
    }
    if (error) co_return IoResult{error, written};
    error = co_await flush();
    if (error) co_return IoResult{error, written};
    written += bytes;
    co_await give_way(bytes);
  }
  co_return IoResult{error_code(), written};
}

Awaitable<void> TlsStream::shutdown_write() {
  if (!socket_.is_open()) co_return;
  ERR_clear_error();
  if (failure_.openssl == 0) SSL_shutdown(ssl_.get());
  co_await flush();
  error_code ignored;  // the peer may be gone, which the next read says
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void TlsStream::close() noexcept {
  error_code ignored;
  socket_.close(ignored);
}

asio::any_io_executor TlsStream::executor() { return socket_.get_executor(); }

std::string_view TlsStream::protocol() const noexcept { return protocol_; }

bool TlsStream::readable() noexcept {
  if (failure_.failed() || ended_ || !socket_.is_open()) return true;
  if (waiting_) return false;  // the reader is told first
  // Not only a look at the socket: a ticket that came late is nothing to read.
  drained_ = false;
  ERR_clear_error();
  char byte = 0;
  std::size_t got = 0;
  Step step = Step::kAgain;
  constexpr int kTries = 8;  // of records without data; a peer that sends more is not idle
  for (int i = 0; i < kTries && step == Step::kAgain; ++i) {
    step = judge(SSL_peek_ex(ssl_.get(), &byte, 1, &got));
  }
  return step != Step::kWouldBlock;
}

}  // namespace redoubtful::proxy
