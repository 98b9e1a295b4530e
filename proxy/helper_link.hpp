#pragma once

// The proxy's end of a helper process (renewal_helper.hpp, login_helper.hpp): a question, and its
// answer, one at a time.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>

#include "common/unique_fd.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

class HelperLink {
 public:
  // `socket`: SOCK_SEQPACKET. `answer_bytes`: the longest answer.
  HelperLink(boost::asio::io_context& context, UniqueFd socket, std::size_t answer_bytes,
             std::chrono::seconds patience);

  // Empty: the helper is gone, or too slow. Not while another question is open. A helper that does
  // not answer in time is of no more use: a later answer could be taken for that to another
  // question.
  Awaitable<std::string> ask(std::uint32_t number);

  bool asking() const noexcept { return asking_; }
  bool gone() const noexcept { return !socket_.is_open(); }

 private:
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer deadline_;
  std::size_t answer_bytes_;
  std::chrono::seconds patience_;
  bool asking_ = false;
};

// The packet that asks for a source by its number.
std::string helper_question(std::uint32_t number);

}  // namespace redoubtful::proxy
