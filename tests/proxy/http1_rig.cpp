#include "tests/proxy/http1_rig.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <charconv>

namespace redoubtful::proxy::test {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

std::pair<UniqueFd, std::uint16_t> listen_on_loopback() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), generic, size) != 0 || ::listen(fd.get(), 64) != 0 ||
      ::getsockname(fd.get(), generic, &size) != 0) {
    ADD_FAILURE() << "no loopback";
  }
  return {std::move(fd), ntohs(address.sin_port)};
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ADD_FAILURE() << "cannot connect";
  }
  return fd;
}

bool readable_within(int fd, int milliseconds) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, milliseconds) == 1;
}

constexpr int kPatience = 10'000;

}  // namespace

Peer::Peer(UniqueFd socket) : socket_(std::move(socket)) {
  timeval time{.tv_sec = kPatience / 1000, .tv_usec = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

bool Peer::try_send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Peer::send(std::string_view bytes) { EXPECT_TRUE(try_send(bytes)) << "it does not take it"; }

std::size_t Peer::send_some(std::string_view bytes) {
  pollfd poll{socket_.get(), POLLOUT, 0};
  if (::poll(&poll, 1, 200) != 1) return 0;
  const ssize_t sent =
      ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

bool Peer::more() {
  if (!readable_within(socket_.get(), kPatience)) {
    ADD_FAILURE() << "nothing came for 10 s; held: " << held_;
    return false;
  }
  char piece[65536];
  const ssize_t got = ::recv(socket_.get(), piece, sizeof piece, 0);
  if (got < 0) reset_ = true;
  if (got <= 0) return false;
  held_.append(piece, static_cast<std::size_t>(got));
  return true;
}

std::string Peer::read(std::size_t bytes) {
  while (held_.size() < bytes && more()) {
  }
  std::string taken = held_.substr(0, bytes);
  held_.erase(0, bytes);
  return taken;
}

std::string Peer::read_until(std::string_view mark) {
  std::size_t found = 0;
  while ((found = held_.find(mark)) == std::string::npos) {
    if (!more()) return std::exchange(held_, {});
  }
  return read(found + mark.size());
}

std::string Peer::read_message() {
  std::string head = read_until("\r\n\r\n");
  const std::size_t at = head.find("Content-Length: ");
  std::size_t length = 0;
  if (at != std::string::npos) {
    std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
  }
  return head + read(length);
}

std::string Peer::read_to_end() {
  while (more()) {
  }
  return std::exchange(held_, {});
}

bool Peer::ended() { return held_.empty() && !more() && !::testing::Test::HasFailure(); }
bool Peer::quiet() { return held_.empty() && !readable_within(socket_.get(), 0); }
void Peer::half_close() { ::shutdown(socket_.get(), SHUT_WR); }

void Peer::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

struct Rig::State {
  std::mutex mutex;
  std::condition_variable changed;
  Rules rules;
  std::vector<Seen> seen;
  std::vector<std::string> malformed;
  std::optional<ConnectRequest> connect;
  std::size_t finished = 0;
  std::size_t open = 0;
};

namespace {

Refusal plain(unsigned status, std::string body) {
  return {.status = status,
          .fields = {{"content-type", "text/plain"}},
          .body = std::move(body),
          .grpc_message = {}};
}

template <class State>
class TestExchange final : public Exchange {
 public:
  TestExchange(std::shared_ptr<State> state, RequestHead head, std::size_t index)
      : state_(std::move(state)), head_(std::move(head)), index_(index) {
    if (state_->rules.change) state_->rules.change(head_);
    if (state_->rules.request_body) request_body_ = state_->rules.request_body();
  }
  bool holds_body() const override { return state_->rules.hold && head_.has_body; }
  std::optional<Refusal> hold(std::string_view piece) override {
    if (piece.empty()) return std::nullopt;
    return state_->rules.hold(piece, head_);
  }
  std::optional<Refusal> held() override { return state_->rules.hold({}, head_); }
  const RequestHead& request() const override { return head_; }
  bool keep(std::size_t bytes) override {
    kept_ += bytes;
    return state_->rules.keeps > 0 && kept_ <= state_->rules.keeps;
  }
  Awaitable<bool> again(unsigned status) override {
    co_return state_->rules.again && state_->rules.again(status, head_);
  }
  BodyFilter* request_body() override { return request_body_.get(); }
  void interim(Fields& fields) override { remove_fields(fields, "x-secret"); }
  std::variant<std::monostate, Refusal> respond(ResponseHead& head) override {
    if (state_->rules.respond) {
      if (auto refusal = state_->rules.respond(head)) return *std::move(refusal);
    }
    if (state_->rules.response_body) response_body_ = state_->rules.response_body();
    return std::monostate{};
  }
  BodyFilter* response_body() override { return response_body_.get(); }
  FrameFilter* frames(FramesFrom side) override {
    if (!state_->rules.frames) return nullptr;
    auto& filter = side == FramesFrom::kClient ? clients_frames_ : origins_frames_;
    filter = state_->rules.frames(side);
    return filter.get();
  }
  void request_trailers(Fields& trailers) override { remove_fields(trailers, "x-secret"); }
  void response_trailers(Fields& trailers) override { remove_fields(trailers, "x-secret"); }
  void finished(unsigned status, std::uint64_t up, std::uint64_t down,
                std::string_view failure) override {
    const std::lock_guard lock(state_->mutex);
    Seen& seen = state_->seen.at(index_);
    EXPECT_FALSE(seen.status.has_value()) << "finished twice";
    seen.status = status;
    seen.up = up;
    seen.down = down;
    seen.failure = failure;
    ++state_->finished;
    state_->changed.notify_all();
  }

 private:
  std::shared_ptr<State> state_;
  RequestHead head_;
  std::size_t index_;
  std::size_t kept_ = 0;
  std::unique_ptr<BodyFilter> request_body_;
  std::unique_ptr<BodyFilter> response_body_;
  std::unique_ptr<FrameFilter> clients_frames_;
  std::unique_ptr<FrameFilter> origins_frames_;
};

template <class State>
class TestGate final : public Gate {
 public:
  explicit TestGate(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override {
    const std::lock_guard lock(state_->mutex);
    if (state_->rules.judge) {
      if (auto refusal = state_->rules.judge(head)) return *std::move(refusal);
    }
    state_->seen.push_back({.head = head, .status = {}, .up = 0, .down = 0, .failure = {}});
    return std::make_unique<TestExchange<State>>(state_, std::move(head), state_->seen.size() - 1);
  }
  Refusal malformed(unsigned status, std::string_view reason) override {
    const std::lock_guard lock(state_->mutex);
    state_->malformed.emplace_back(reason);
    return plain(status, std::string(reason));
  }
  Refusal origin_failed(Exchange&, std::string_view reason) override {
    return plain(502, std::string(reason));
  }

 private:
  std::shared_ptr<State> state_;
};

class TestOrigins final : public OriginSource {
 public:
  TestOrigins(std::uint16_t port, std::optional<Refusal> refusal)
      : port_(port), refusal_(std::move(refusal)) {}
  Awaitable<std::variant<Stream*, Refusal>> stream_for(Exchange&) override {
    if (refusal_) co_return *refusal_;
    if (!stream_) {
      Tcp::socket socket(co_await asio::this_coro::executor);
      const Tcp::endpoint origin(asio::ip::address_v4::loopback(), port_);
      co_await socket.async_connect(origin, asio::use_awaitable);
      socket.set_option(Tcp::no_delay(true));
      stream_ = plain_stream(std::move(socket));
    }
    co_return stream_.get();
  }
  void discard() noexcept override { stream_.reset(); }

 private:
  std::uint16_t port_;
  std::optional<Refusal> refusal_;
  std::unique_ptr<Stream> stream_;
};

template <class State>
Awaitable<void> serve_one(std::shared_ptr<State> state, UniqueFd fd, Http1Entry entry,
                          std::uint16_t origin_port) {
  Tcp::socket socket(co_await asio::this_coro::executor);
  socket.assign(Tcp::v4(), fd.release());
  socket.set_option(Tcp::no_delay(true));
  auto client = plain_stream(std::move(socket));
  TestGate<State> gate(state);
  TestOrigins origins(origin_port, state->rules.no_origin);
  auto connect = co_await serve_http1(*client, entry, gate, origins);
  if (connect) {
    const std::lock_guard lock(state->mutex);
    state->connect = std::move(connect);
  }
}

}  // namespace

Rig::Rig(Http1Entry entry, Rules rules) : state_(std::make_shared<State>()), entry_(entry) {
  state_->rules = std::move(rules);
  std::tie(client_listener_, client_port_) = listen_on_loopback();
  std::tie(origin_listener_, origin_port_) = listen_on_loopback();
  work_.emplace(io_.get_executor());
  thread_ = std::thread([this] { io_.run(); });
}

Rig::~Rig() {
  all_ended();
  work_.reset();
  io_.stop();
  thread_.join();
}

void Rig::all_ended() {
  std::unique_lock lock(state_->mutex);
  EXPECT_TRUE(state_->changed.wait_for(lock, std::chrono::seconds(15), [&] {
    return state_->open == 0;
  })) << "a connection did not end";
}

Peer Rig::client() {
  Peer peer(connect_to(client_port_));
  UniqueFd accepted(::accept4(client_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  {
    const std::lock_guard lock(state_->mutex);
    ++state_->open;
  }
  auto served = serve_one(state_, std::move(accepted), entry_, origin_port_);
  asio::co_spawn(io_, std::move(served), [state = state_](const std::exception_ptr& failure) {
    EXPECT_FALSE(failure) << "serve_http1 threw";
    const std::lock_guard lock(state->mutex);
    --state->open;
    state->changed.notify_all();
  });
  return peer;
}

Peer Rig::origin() {
  EXPECT_TRUE(readable_within(origin_listener_.get(), kPatience)) << "the proxy does not connect";
  return Peer(UniqueFd(::accept4(origin_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

bool Rig::origin_waiting() { return readable_within(origin_listener_.get(), 0); }

std::vector<Seen> Rig::seen() {
  const std::lock_guard lock(state_->mutex);
  return state_->seen;
}

std::vector<std::string> Rig::malformed() {
  const std::lock_guard lock(state_->mutex);
  return state_->malformed;
}

std::optional<ConnectRequest> Rig::connect() {
  const std::lock_guard lock(state_->mutex);
  return state_->connect;
}

std::vector<Seen> Rig::finished(std::size_t count) {
  std::unique_lock lock(state_->mutex);
  EXPECT_TRUE(state_->changed.wait_for(lock, std::chrono::seconds(15),
                                       [&] { return state_->finished >= count; }));
  return state_->seen;
}

std::string get(std::string_view target, std::string_view fields) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) +
         "\r\n";
}

std::string answer(std::string_view body, std::string_view fields) {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace redoubtful::proxy::test
