// The origin behind every proxy of bench/proxy: TLS, HTTP/1.1, one thread a connection.
//
// usage: web_origin CERTIFICATE KEY SECRET      prints "listening on PORT", serves until stdin ends
//
// GET /small             128 bytes
// GET /down?bytes=N      N bytes
// POST /up               what comes is thrown away
// GET /events?count=N&microseconds=T    N server-sent events, T apart, each with the time it left
// Whoever does not send `x-api-key: SECRET` gets 401: so a proxy that injects is seen to have done
// it.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <thread>

#include "bench/tls_socket.hpp"

namespace redoubtful::bench {
namespace {

std::string answer(std::string_view status, std::string_view body) {
  std::string out = "HTTP/1.1 ";
  out += status;
  out +=
      "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
  return out;
}

void send_events(Connection& client, const std::string& head) {
  client.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::uint64_t count = number_of(head, "count=", 1);
  const std::chrono::microseconds apart(number_of(head, "microseconds=", 1000));
  auto next = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    next += apart;
    std::this_thread::sleep_until(next);
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    // About as long as a model's event with a word in it.
    std::string event =
        "event: content_block_delta\ndata: {\"left\":" + std::to_string(left) +
        ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"sandbox \"}}\n\n";
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", event.size());
    client.write(size + event + "\r\n");
  }
  client.write("0\r\n\r\n");
}

void send_bytes(Connection& client, std::uint64_t bytes) {
  client.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
  const std::string piece(kPieceBytes, 'x');
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, piece.size()));
    client.write(std::string_view(piece).substr(0, part));
    bytes -= part;
  }
}

void serve(SSL_CTX* context, int socket, const std::string& secret) {
  try {
    Connection client(context, socket);
    if (SSL_accept(client.ssl()) != 1) return;
    const std::string small(128, 's');
    for (std::string head = client.head(); !head.empty(); head = client.head()) {
      client.discard(number_of(head, "content-length:", 0));
      if (head.find("api-key: " + secret + "\r\n") == std::string::npos) {
        client.write(answer("401 Unauthorized", "wrong key"));
      } else if (head.starts_with("GET /events")) {
        send_events(client, head);
      } else if (head.starts_with("GET /down")) {
        send_bytes(client, number_of(head, "bytes=", 0));
      } else {
        client.write(answer("200 OK", small));
      }
    }
  } catch (const std::exception& error) {
    std::cerr << "web_origin: " << error.what() << '\n';
  }
}

int listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, generic, length) != 0 || ::listen(listener, 1024) != 0 ||
      ::getsockname(listener, generic, &length) != 0) {
    fail("listening");
  }
  std::cout << "listening on " << ntohs(address.sin_port) << std::endl;
  return listener;
}

int run(const char* certificate, const char* key, const std::string& secret) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key, SSL_FILETYPE_PEM) != 1) {
    fail("the certificate");
  }
  const int listener = listen_on_loopback();
  std::thread([] {
    char byte = 0;
    while (::read(0, &byte, 1) > 0) {
    }
    std::_Exit(0);
  }).detach();
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(serve, context.get(), socket, secret).detach();
  }
}

}  // namespace
}  // namespace redoubtful::bench

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return redoubtful::bench::run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::cerr << "web_origin: " << error.what() << '\n';
    return 1;
  }
}
