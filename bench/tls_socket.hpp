#pragma once

// A blocking TLS connection and as much HTTP/1.1 as the benchmark's own two programs need.
//
// One thread per connection keeps them simple, and what they cost is not measured. Not for anything
// but bench/: certificates are not verified, and whatever is wrong is an exception.

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace redoubtful::bench {

struct OpenSslDeleter {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Ssl = std::unique_ptr<SSL, OpenSslDeleter>;
using SslContext = std::unique_ptr<SSL_CTX, OpenSslDeleter>;

inline constexpr std::size_t kPieceBytes = 64 * 1024;

[[noreturn]] inline void fail(const std::string& doing) {
  const unsigned long code = ERR_get_error();
  throw std::runtime_error(doing + (code == 0 ? std::string(": ") + std::strerror(errno)
                                              : std::string(": ") + ERR_reason_error_string(code)));
}

// Owns the socket that it is given.
class Connection {
 public:
  Connection(SSL_CTX* context, int socket) : ssl_(SSL_new(context)) {
    BIO* bio = BIO_new_socket(socket, BIO_CLOSE);
    if (!ssl_ || bio == nullptr) fail("SSL_new");
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_read_ahead(ssl_.get(), 1);
    SSL_set_default_read_buffer_len(ssl_.get(), kPieceBytes);
  }

  SSL* ssl() noexcept { return ssl_.get(); }

  void write(std::string_view data) {
    std::size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(ssl_.get(), data.data(), data.size(), &written) != 1) fail("writing");
  }

  // Up to and with the blank line; empty when the peer has ended before it began one.
  std::string head() {
    std::size_t end = 0;
    while ((end = early_.find("\r\n\r\n")) == std::string::npos) {
      const std::size_t had = early_.size();
      early_.resize(had + 4096);
      const std::size_t got = from_peer(early_.data() + had, 4096);
      early_.resize(had + got);
      if (got == 0) {
        if (had != 0) throw std::runtime_error("the peer ended in a head");
        return {};
      }
    }
    std::string out = early_.substr(0, end + 4);
    early_.erase(0, end + 4);
    return out;
  }

  // At least one byte; 0: the end.
  std::size_t read(char* data, std::size_t size) {
    if (early_.empty()) return from_peer(data, size);
    const std::size_t bytes = std::min(size, early_.size());
    std::memcpy(data, early_.data(), bytes);
    early_.erase(0, bytes);
    return bytes;
  }

  void discard(std::uint64_t bytes) {
    if (buffer_.empty()) buffer_.resize(kPieceBytes);
    while (bytes > 0) {
      const std::size_t wanted =
          bytes < kPieceBytes ? static_cast<std::size_t>(bytes) : kPieceBytes;
      const std::size_t got = read(buffer_.data(), wanted);
      if (got == 0) throw std::runtime_error("the peer ended in a body");
      bytes -= got;
    }
  }

 private:
  std::size_t from_peer(char* data, std::size_t size) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), data, size, &got);
    if (result == 1) return got;
    const int error = SSL_get_error(ssl_.get(), result);
    const auto reason = ERR_GET_REASON(ERR_peek_error());
    if (error == SSL_ERROR_ZERO_RETURN || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return 0;
    if (error == SSL_ERROR_SYSCALL && errno == ECONNRESET) return 0;
    fail("reading");
  }

  Ssl ssl_;
  std::string early_;
  std::vector<char> buffer_;
};

// The number behind `name` in a head, with `name` in lower case; `otherwise` where there is none.
inline std::uint64_t number_of(std::string head, std::string_view name, std::uint64_t otherwise) {
  for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::size_t at = head.find(name);
  if (at == std::string::npos) return otherwise;
  at += name.size();
  while (at < head.size() && head[at] == ' ') ++at;
  std::uint64_t value = otherwise;
  std::from_chars(head.data() + at, head.data() + head.size(), value);
  return value;
}

}  // namespace redoubtful::bench
