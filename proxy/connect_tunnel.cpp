#include "proxy/connect_tunnel.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "common/text.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kEndOfHead = "\r\n\r\n";

// Closes the socket when its time is up. (Watchdog is for streams; this is before there is one.)
class Deadline {
 public:
  Deadline(Tcp::socket& socket, std::chrono::steady_clock::time_point time)
      : state_(std::make_shared<State>(State{&socket, asio::steady_timer(socket.get_executor())})) {
    state_->timer.expires_at(time);
    auto handler = [state = state_](const error_code& error) {
      if (error || state->socket == nullptr) return;
      state->expired = true;
      error_code ignored;
      state->socket->close(ignored);
    };
    state_->timer.async_wait(std::move(handler));
  }
  ~Deadline() {
    state_->socket = nullptr;
    state_->timer.cancel();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  bool expired() const { return state_->expired; }

 private:
  struct State {
    Tcp::socket* socket;
    asio::steady_timer timer;
    bool expired = false;
  };
  std::shared_ptr<State> state_;
};

// Reads up to the end of the answer's head and not a byte more: in a tunnel the server may speak
// first. What was only looked at stays in the socket.
Awaitable<error_code> read_head(Tcp::socket& socket, std::string& head) {
  std::array<char, 4096> buffer;
  while (head.size() <= limits::kHeadBytes) {
    auto [failed, seen] = co_await socket.async_receive(asio::buffer(buffer),
                                                        asio::socket_base::message_peek, kTuple);
    if (failed) co_return failed;
    const std::size_t before = head.size();
    head.append(buffer.data(), seen);
    const std::size_t end = head.find(kEndOfHead, before < 3 ? 0 : before - 3);
    if (end != std::string::npos) head.resize(end + kEndOfHead.size());
    auto [error, taken] = co_await asio::async_read(
        socket, asio::buffer(buffer.data(), head.size() - before), kTuple);
    if (error) co_return error;
    if (end != std::string::npos) co_return error_code();
  }
  co_return asio::error::message_size;
}

struct StatusLine {
  unsigned status;
  std::string_view reason;
};

// "HTTP/1.1 200 Connection established"
std::optional<StatusLine> parse_status(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const bool ours = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  if (!ours || line.size() < 12 || (line.size() > 12 && line[12] != ' ')) return std::nullopt;
  unsigned status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return std::nullopt;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  return StatusLine{status, line.size() > 13 ? line.substr(13) : std::string_view()};
}

DialFailure refused(const StatusLine& answer, const std::string& proxy,
                    const std::string& authority, const bool authorised) {
  DialFailure failure;
  if (answer.status == 407) {
    failure.error = "proxy_configuration_error";
    failure.text = "the outer proxy " + proxy +
                   (authorised ? " does not accept its user and password (407)"
                               : " wants a user and password (407): HTTPS_PROXY or network.proxy "
                                 "can name them");
    return failure;
  }
  const bool busy = answer.status >= 500;
  failure.error = busy ? "destination_unavailable" : "http_request_denied";
  failure.status = answer.status == 504 ? 504 : 502;
  failure.text = "the outer proxy " + proxy + " opens no tunnel to " + authority + ": " +
                 std::to_string(answer.status);
  if (!answer.reason.empty()) failure.text += " " + shown(answer.reason.substr(0, 100));
  return failure;
}

}  // namespace

Awaitable<std::variant<Tcp::socket, DialFailure>> connect_tunnel(
    Tcp::socket socket, const UpstreamProxy& proxy, std::string authority,
    std::chrono::steady_clock::time_point deadline) {
  using Outcome = std::variant<Tcp::socket, DialFailure>;
  const std::string name = proxy.text();
  const bool authorised = !proxy.authorization().empty();
  std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (authorised) request += "Proxy-Authorization: " + proxy.authorization() + "\r\n";
  request += "\r\n";

  std::string head;
  error_code error;
  bool expired = false;
  {
    const Deadline watch(socket, deadline);
    auto [failed, written] = co_await asio::async_write(socket, asio::buffer(request), kTuple);
    error = failed;
    if (!error) error = co_await read_head(socket, head);
    expired = watch.expired();
  }
  if (expired) {
    co_return Outcome(
        DialFailure{504, "connection_timeout", "the outer proxy " + name + " does not answer"});
  }
  if (error == asio::error::message_size) {
    co_return Outcome(DialFailure{502, "http_protocol_error",
                                  "the outer proxy " + name + " answers without end"});
  }
  if (error) {
    co_return Outcome(DialFailure{502, "connection_terminated",
                                  "the outer proxy " + name + " broke off: " + error.message()});
  }
  const auto answer = parse_status(head);
  if (!answer) {
    co_return Outcome(DialFailure{502, "http_protocol_error",
                                  "the outer proxy " + name + " does not answer in HTTP"});
  }
  if (answer->status < 200 || answer->status > 299) {
    co_return Outcome(refused(*answer, name, authority, authorised));
  }
  co_return Outcome(std::move(socket));
}

}  // namespace redoubtful::proxy
