#pragma once

// Between the proxy and a helper process (renewal_helper.hpp, login_helper.hpp): a question, and
// its answer, one at a time. A question is a number; an answer is what was asked for, or an error.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

// The proxy's end.
class HelperLink {
 public:
  // `socket`: SOCK_SEQPACKET. `answer_bytes`: the longest answer.
  HelperLink(boost::asio::io_context& context, UniqueFd socket, std::size_t answer_bytes,
             std::chrono::seconds patience);

  // Empty: the helper is gone, or too slow. While another question is open it waits for its turn. A
  // helper that does not answer in time is of no more use: a later answer could be taken for that
  // to another question.
  Awaitable<std::string> ask(std::uint32_t number);

  bool gone() const noexcept { return !socket_.is_open(); }

 private:
  Awaitable<std::string> answer_to(const std::string& question);

  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer turn_;  // cancelled when a question is answered
  std::size_t answer_bytes_;
  std::chrono::seconds patience_;
  bool asking_ = false;
};

// The packet that asks for a source by its number.
std::string helper_question(std::uint32_t number);

// Both ends, SOCK_SEQPACKET. Errors: kSystemCall, naming the helper ("the login helper").
struct HelperSockets {
  UniqueFd ours;
  UniqueFd theirs;
};
Result<HelperSockets> helper_sockets(std::string_view helper);

// In the helper: keeps this descriptor, as kHelperSocket, and 0 to 2. False: it cannot be.
inline constexpr int kHelperSocket = 3;
bool keep_alone(int socket);

// In the helper: `answer` is called with each number below `count`, and what it gives is sent and
// erased, until the other end is gone or asks for what there is not.
void answer_questions(std::uint32_t count, const std::function<std::string(std::uint32_t)>& answer);

// The packets of answers. An error's text is cut at kMaxErrorBytes.
std::string answer_packet(std::string_view content);
std::string error_packet(const Error& error);
// What an answer holds, pointing into the packet. Errors: the helper's, as text; kPeerProtocol
// where it is gone.
Result<std::string_view> content_of(std::string_view packet, std::string_view helper);

inline constexpr std::size_t kMaxErrorBytes = 2000;

}  // namespace redoubtful::proxy
