#include "proxy/helper_link.hpp"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

constexpr char kContent = 'k';
constexpr char kError = 'e';

}  // namespace

HelperLink::HelperLink(asio::io_context& context, UniqueFd socket, std::size_t answer_bytes,
                       std::chrono::seconds patience)
    : socket_(context, socket.release()),
      deadline_(context),
      turn_(context, asio::steady_timer::time_point::max()),
      answer_bytes_(answer_bytes),
      patience_(patience) {}

Awaitable<std::string> HelperLink::ask(std::uint32_t number) {
  while (asking_) co_await turn_.async_wait(kTuple);
  asking_ = true;
  std::string packet = co_await answer_to(helper_question(number));
  asking_ = false;
  turn_.cancel();
  co_return packet;
}

Awaitable<std::string> HelperLink::answer_to(const std::string& question) {
  std::string packet;
  if (!socket_.is_open()) co_return packet;
  const auto [unsent, sent] = co_await socket_.async_write_some(asio::buffer(question), kTuple);
  if (unsent) {
    socket_.close();
    co_return packet;
  }
  deadline_.expires_after(patience_);
  deadline_.async_wait([this](const boost::system::error_code& error) {
    if (!error) socket_.close();
  });
  packet.resize(answer_bytes_);
  const auto [failed, got] = co_await socket_.async_read_some(asio::buffer(packet), kTuple);
  deadline_.cancel();
  packet.resize(failed ? 0 : got);
  if (failed && socket_.is_open()) socket_.close();
  co_return packet;
}

std::string helper_question(std::uint32_t number) {
  std::string out(sizeof number, '\0');
  std::memcpy(out.data(), &number, sizeof number);
  return out;
}

Result<HelperSockets> helper_sockets(std::string_view helper) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::system_call("cannot make a socket for " + std::string(helper), errno);
  }
  return HelperSockets{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

bool keep_alone(int socket) {
  if (socket != kHelperSocket && ::dup2(socket, kHelperSocket) < 0) return false;
  return ::close_range(kHelperSocket + 1, ~0U, 0) == 0;
}

void answer_questions(std::uint32_t count,
                      const std::function<std::string(std::uint32_t)>& answer) {
  for (;;) {
    std::uint32_t number = 0;
    const ssize_t got = ::recv(kHelperSocket, &number, sizeof number, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof number || number >= count) return;
    std::string packet = answer(number);
    const ssize_t sent = ::send(kHelperSocket, packet.data(), packet.size(), MSG_NOSIGNAL);
    ::explicit_bzero(packet.data(), packet.size());
    if (sent < 0) return;
  }
}

std::string answer_packet(std::string_view content) {
  std::string out;
  out.reserve(1 + content.size());  // or growing would leave a copy behind
  return out.append(1, kContent).append(content);
}

std::string error_packet(const Error& error) {
  std::string text = error.what();
  if (!error.hint().empty()) text += "; " + error.hint();
  return kError + text.substr(0, kMaxErrorBytes);
}

Result<std::string_view> content_of(std::string_view packet, std::string_view helper) {
  if (packet.starts_with(kContent)) return packet.substr(1);
  if (packet.starts_with(kError)) {
    return Error(Errc::kInvalidProfile, std::string(packet.substr(1, kMaxErrorBytes)));
  }
  return Error(Errc::kPeerProtocol, std::string(helper) + " is gone");
}

}  // namespace redoubtful::proxy
