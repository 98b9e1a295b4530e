#include "proxy/helper_link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

HelperLink::HelperLink(asio::io_context& context, UniqueFd socket, std::size_t answer_bytes,
                       std::chrono::seconds patience)
    : socket_(context, socket.release()),
      deadline_(context),
      answer_bytes_(answer_bytes),
      patience_(patience) {}

Awaitable<std::string> HelperLink::ask(std::uint32_t number) {
  std::string packet;
  if (!socket_.is_open()) co_return packet;
  const std::string question = helper_question(number);
  const auto [unsent, sent] = co_await socket_.async_write_some(asio::buffer(question), kTuple);
  if (unsent) {
    socket_.close();
    co_return packet;
  }
  deadline_.expires_after(patience_);
  deadline_.async_wait([this](const boost::system::error_code& error) {
    if (!error) socket_.close();
  });
  asking_ = true;
  packet.resize(answer_bytes_);
  const auto [failed, got] = co_await socket_.async_read_some(asio::buffer(packet), kTuple);
  deadline_.cancel();
  asking_ = false;
  packet.resize(failed ? 0 : got);
  if (failed && socket_.is_open()) socket_.close();
  co_return packet;
}

std::string helper_question(std::uint32_t number) {
  std::string out(sizeof number, '\0');
  std::memcpy(out.data(), &number, sizeof number);
  return out;
}

}  // namespace redoubtful::proxy
