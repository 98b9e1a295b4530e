#include "tests/support/loopback.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <new>
#include <utility>

namespace redoubtful::test {
namespace {

// One request a connection; what a client sends behind its head is not read.
void answer(int client, const std::string& body) {
  std::string head;
  char buffer[4096];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    head.append(buffer, static_cast<std::size_t>(got));
  }
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                           "\r\nConnection: close\r\n\r\n" + body;
  static_cast<void>(::send(client, text.data(), text.size(), MSG_NOSIGNAL));
}

}  // namespace

Listener listen_on(const char* address, int type, std::uint16_t port) {
  Listener listener{.fd = UniqueFd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)), .port = 0};
  const int on = 1;
  ::setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &where.sin_addr);
  EXPECT_EQ(::bind(listener.fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(listener.fd.get(), 16), 0);
  }
  socklen_t length = sizeof where;
  ::getsockname(listener.fd.get(), reinterpret_cast<sockaddr*>(&where), &length);
  listener.port = ntohs(where.sin_port);
  return listener;
}

std::uint16_t free_port() { return listen_on("127.0.0.1", SOCK_STREAM).port; }

ChildProcess serve_hello(const Listener& listener) {
  auto child = ChildProcess::fork([&listener]() -> int {
    for (;;) {
      const UniqueFd peer(::accept(listener.fd.get(), nullptr, nullptr));
      if (peer && ::write(peer.get(), "hello\n", 6) != 6) return 1;
    }
  });
  EXPECT_TRUE(child);
  return std::move(*child);
}

WebOrigin::WebOrigin(std::string body) : listener_(listen_on("127.0.0.1", SOCK_STREAM)) {
  void* shared = ::mmap(nullptr, sizeof *connections_, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::bad_alloc();
  connections_ = new (shared) std::atomic<int>(0);
  auto child = ChildProcess::fork([this, body]() -> int {
    for (;;) {
      const UniqueFd client(::accept(listener_.fd.get(), nullptr, nullptr));
      if (!client) continue;
      ++*connections_;
      answer(client.get(), body);
    }
  });
  EXPECT_TRUE(child);
  child_ = std::move(*child);
}

WebOrigin::~WebOrigin() { ::munmap(connections_, sizeof *connections_); }

}  // namespace redoubtful::test
