#pragma once

// A client, an origin and the bridge between them in memory and in one thread: settle() runs all of
// them until nothing moves any more, so no test waits for anything.

#include <nghttp2/nghttp2.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proxy/http2_bridge.hpp"
#include "proxy/message.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy::http2_test {

// A connection whose other end is plain memory.
class MemoryStream final : public Stream {
 public:
  // `capacity`: what the other end may leave unread, as a socket's buffer.
  MemoryStream(boost::asio::any_io_executor executor, std::size_t capacity);

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) override;
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override;
  Awaitable<void> shutdown_write() override;
  void close() noexcept override;
  boost::asio::any_io_executor executor() override { return executor_; }
  std::string_view protocol() const noexcept override { return "h2"; }
  bool readable() noexcept override { return !in_.empty() || ended_; }

  // The other end.
  void give(std::string_view bytes);
  std::string take();  // all that was written
  void hang_up();
  bool closed() const noexcept { return closed_; }
  bool shut() const noexcept { return shut_; }

 private:
  void wake();

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer readable_;
  boost::asio::steady_timer writable_;
  std::size_t capacity_;
  std::string in_;
  std::string out_;
  bool ended_ = false;
  bool shut_ = false;
  bool closed_ = false;
};

// A scripted HTTP/2 endpoint at the other end of a MemoryStream. It sends what it is told to,
// broken or not, and writes down what it gets.
class Peer {
 public:
  enum class Role { kClient, kOrigin };
  struct Settings {
    std::uint32_t window = 64 * 1024;
    std::uint32_t max_streams = 100;
  };
  Peer(Role role, MemoryStream& stream, Settings settings);
  ~Peer();

  struct Seen {
    std::vector<Fields> heads;
    std::vector<std::size_t> never_indexed;  // fields of each head that came so
    std::string body;
    bool ended = false;
    std::optional<std::uint32_t> reset;
    const std::string* field(std::string_view name) const;  // of the last head
  };

  std::int32_t request(Fields head, EndStream end);
  void respond(std::int32_t stream, Fields head, EndStream end);
  void informational(std::int32_t stream, Fields head);
  void send(std::int32_t stream, std::string_view bytes);
  void end(std::int32_t stream);
  void trailers(std::int32_t stream, Fields fields);
  void reset(std::int32_t stream, std::uint32_t code);
  void goaway(std::uint32_t code, std::int32_t last);
  void ping();
  void raw(std::string_view bytes) { stream_.give(bytes); }

  // Does not take from this stream what comes, as a reader that stands still.
  void hold(std::int32_t stream) { held_.insert(stream); }
  void release(std::int32_t stream);
  // Reads nothing at all.
  void set_deaf(std::optional<bool> deaf) { deaf_ = deaf.value_or(false); }

  // Says nothing by itself and understands nothing: for raw() alone.
  void mute() { mute_ = true; }

  bool pump();  // anything moved?

  std::map<std::int32_t, Seen> seen;
  std::vector<std::int32_t> order;  // streams as they came
  std::optional<std::uint32_t> goaway_code;
  std::int32_t goaway_last = -1;
  std::size_t pongs = 0;
  std::size_t sent_body_bytes = 0;
  std::string error;

 private:
  friend struct PeerCallbacks;
  struct Outgoing {
    std::string bytes;
    std::size_t taken = 0;
    bool ended = false;
    std::optional<Fields> trailers;
  };

  MemoryStream& stream_;
  nghttp2_session* session_ = nullptr;
  std::deque<Fields> kept_;  // as long as nghttp2 may look at them
  std::map<std::int32_t, Outgoing> outgoing_;
  std::map<std::int32_t, std::size_t> unread_;
  std::set<std::int32_t> held_;
  bool deaf_ = false;
  bool mute_ = false;
};

// What the Gate was asked, and what it answers.
struct Record {
  RequestHead head;
  unsigned status = 0;
  std::uint64_t up = 0;
  std::uint64_t down = 0;
  std::string failure;
  int finished = 0;
};

class TestGate final : public Gate {
 public:
  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override;
  Refusal malformed(unsigned status, std::string_view reason) override;
  Refusal origin_failed(Exchange& exchange, std::string_view reason) override;

  std::vector<std::shared_ptr<Record>> records;  // of what was admitted
  std::vector<RequestHead> refused;
  std::vector<std::string> complaints;  // malformed
  std::vector<std::string> failures;    // of the origin
  // Changes what an Exchange does.
  std::function<std::unique_ptr<BodyFilter>()> request_filter;
  std::function<std::unique_ptr<BodyFilter>()> response_filter;
  std::function<std::optional<Refusal>(ResponseHead&)> respond;
  bool throws = false;
};

// "api.example" is admitted, every other authority is refused with 421.
struct World {
  struct Options {
    bool with_origin = true;
    Peer::Settings client = {};
    Peer::Settings origin = {};
    std::size_t socket_bytes = 64 * 1024;
    std::chrono::milliseconds idle = std::chrono::minutes(5);
  };
  World() : World(Options()) {}
  explicit World(Options options);
  ~World();

  void settle();
  // GET / of api.example, and what is said of it otherwise.
  std::int32_t get(Fields more = {});
  std::int32_t post(Fields more = {});
  // The origin's number of what the client sent as its n-th admitted request.
  std::int32_t at_origin(std::size_t index) const { return origin.order.at(index); }

  boost::asio::io_context context;
  MemoryStream client_stream;
  MemoryStream origin_stream;
  Peer client;
  Peer origin;
  TestGate gate;
  Http2Bridge bridge;
  bool done = false;
  std::string thrown;
};

Fields request_fields(std::string method, std::string authority, std::string path,
                      Fields more = {});

}  // namespace redoubtful::proxy::http2_test
