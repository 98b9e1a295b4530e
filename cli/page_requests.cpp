#include "cli/page_requests.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "cli/init/protocol.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMostPages = 20;   // said in one run
constexpr std::size_t kMostAtOnce = 32;  // read before others of the loop have their turn

}  // namespace

std::string printable_address(std::string_view address) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : address) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
    }
  }
  return out;
}

void PageRequests::listen(EventLoop& loop, UniqueFd socket) {
  socket_ = std::move(socket);
  watch_ = loop.watch(socket_.get(), POLLIN, [this](short) { receive(); });
}

void PageRequests::receive() {
  std::array<char, protocol::kMaxPageBytes> buffer{};
  for (std::size_t i = 0; i < kMostAtOnce; ++i) {
    const ssize_t got =
        ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) stop();
    if (got < 0) return;
    if (static_cast<std::size_t>(got) > buffer.size()) continue;  // no page has such an address
    ask({buffer.data(), static_cast<std::size_t>(got)});
  }
}

void PageRequests::ask(std::string_view address) {
  if (address.empty() || lines_.size() > kMostPages) return;
  std::string text = printable_address(address);
  if (!known_.insert(text).second) return;
  lines_.push_back(lines_.size() < kMostPages
                       ? "a program in the box asks for a page, which is yours to open: " + text
                       : "programs in the box ask for more pages; they are not shown any more");
  say_(lines_.back());
}

void PageRequests::repeat() const {
  for (const auto& line : lines_) say_(line);
}

}  // namespace redoubtful::cli
