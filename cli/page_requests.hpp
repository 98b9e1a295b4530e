#pragma once

// Addresses of pages that programs in the box want opened: said to the person, never opened.
//
// What arrives is the agent's to write: any bytes, as many as it likes. So an address is said once,
// so many of them a run, and with every byte that is not plain ASCII percent-encoded: that leaves a
// good address as it is, and nothing a terminal obeys. That it is a good page is not promised.

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/event_loop.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// Safe for a terminal, and the same address. RFC 3986, section 2.1.
std::string printable_address(std::string_view address);

class PageRequests {
 public:
  using Say = std::function<void(const std::string&)>;  // a line, without newline

  explicit PageRequests(Say say) : say_(std::move(say)) {}

  // Takes what programs send from here on. `socket` is init's (Report::kPageSocket).
  void listen(EventLoop& loop, UniqueFd socket);

  // What one program asked for; empty ones count as none.
  void ask(std::string_view address);

  // Says them all again: for when a program that drew over the screen has left it.
  void repeat() const;

  // No more.
  void stop() noexcept { watch_.reset(); }

 private:
  void receive();

  Say say_;
  std::set<std::string> known_;
  std::vector<std::string> lines_;
  UniqueFd socket_;
  Watch watch_;
};

}  // namespace redoubtful::cli
