#pragma once

// Certificates of every kind, and an origin to show them, for the tests of TLS.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"
#include "proxy/openssl.hpp"
#include "proxy/stream.hpp"
#include "proxy/tls.hpp"
#include "proxy/tls_stream.hpp"

namespace redoubtful::proxy::test {

struct Identity {
  CertificatePtr certificate;
  KeyPtr key;
  std::string pem() const;
};

struct CertificateSpec {
  std::string common_name = "test";
  std::string alternative_names = {};  // as openssl.cnf writes them: "DNS:a.example,IP:127.0.0.1"
  long begins = -3600;                 // seconds from now
  long ends = 3600;
  std::string basic_constraints = {};  // "critical,CA:TRUE"
  std::string extended_key_usage = "serverAuth";
};
// Signed by the issuer; by itself when that is null.
Identity make_identity(const CertificateSpec& spec, const Identity* issuer);
Identity make_root(const std::string& common_name);

// A file that is gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A server's context that shows the identity; `protocols`: ALPN it speaks, by preference.
SslContextPtr origin_context(const Identity& identity, std::vector<std::string> protocols = {});

// The origin's end of a handshake: null when it failed.
Awaitable<std::unique_ptr<TlsStream>> serve(boost::asio::ip::tcp::socket socket, SSL_CTX* context);

// Both ends of a TLS connection to an origin; what could not be is null.
struct Connection {
  std::unique_ptr<TlsStream> origin;  // the origin's own end
  std::unique_ptr<Stream> stream;     // ours
  TlsFailure failure;                 // when `stream` is null
};
Connection connect(boost::asio::io_context& context, OriginTls& tls, SSL_CTX* origin,
                   const std::string& name, std::vector<std::string> protocols = {});

// Both ends of a connection that accept_tls served, with OpenSSL's own client.
struct Accepted {
  std::unique_ptr<TlsStream> client;
  std::unique_ptr<Stream> stream;
  TlsFailure failure;
};
Accepted accept(boost::asio::io_context& context, CertificateAuthority& authority, SslPtr client,
                const std::string& name, std::string protocol = {});

// To the end, and the name of the error if that was not a proper one: "bytes|Stream truncated".
Awaitable<std::string> read_all(Stream& stream);
Awaitable<int> write_all(Stream& stream, std::string text);

// Two connected sockets.
struct SocketPair {
  boost::asio::ip::tcp::socket client;
  boost::asio::ip::tcp::socket server;
};
SocketPair connected_pair(boost::asio::io_context& context);

// Runs the coroutine to its end; throws what it throws.
template <class T>
T run(boost::asio::io_context& context, Awaitable<T> task) {
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown, T value) {
    failure = thrown;
    if (!thrown) result.emplace(std::move(value));
  });
  context.restart();
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(result.value());
}

}  // namespace redoubtful::proxy::test
