#pragma once

// Servers on the loopback for tests: on ports that the kernel chooses, ended with their owner.

#include <atomic>
#include <cstdint>
#include <string>

#include "common/child_process.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::test {

struct Listener {
  UniqueFd fd;
  std::uint16_t port = 0;
};

// `type`: SOCK_STREAM or SOCK_DGRAM. Fails the test where it cannot.
Listener listen_on(const char* address, int type, std::uint16_t port = 0);

// A port that was free a moment ago.
std::uint16_t free_port();

// Answers every connection with "hello" until the child it runs in is killed.
ChildProcess serve_hello(const Listener& listener);

// A plain web server on 127.0.0.1 that answers every request with "200" and the same body, and
// counts the connections it got.
class WebOrigin {
 public:
  explicit WebOrigin(std::string body);
  WebOrigin(const WebOrigin&) = delete;
  WebOrigin& operator=(const WebOrigin&) = delete;
  ~WebOrigin();

  std::uint16_t port() const noexcept { return listener_.port; }
  std::string address() const { return "127.0.0.1:" + std::to_string(listener_.port); }
  int connections() const noexcept { return *connections_; }

 private:
  Listener listener_;
  std::atomic<int>* connections_;  // shared with the child
  ChildProcess child_;
};

}  // namespace redoubtful::test
