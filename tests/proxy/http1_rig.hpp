#pragma once

// serve_http1 between a client and an origin that a test plays, line by line, over loopback.
//
// The proxy runs on a thread of its own; the test reads and writes blocking sockets, so that a test
// is a conversation. Every read gives up after 10 s, which is a failure. Nothing is left running:
// the destructor waits for every connection to end.

#include <boost/asio.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"
#include "proxy/http1.hpp"

namespace redoubtful::proxy::test {

// One end of a connection, blocking.
class Peer {
 public:
  explicit Peer(UniqueFd socket);

  void send(std::string_view bytes);
  // As much as is taken at once, or within 200 ms.
  std::size_t send_some(std::string_view bytes);
  // Whether all of it was taken before the other side failed.
  bool try_send(std::string_view bytes);
  std::string read(std::size_t bytes);
  // Up to and with `mark`; what came until the end, if it does not come.
  std::string read_until(std::string_view mark);
  // A head and the body that its Content-Length says.
  std::string read_message();
  std::string read_to_end();
  // The other side ended or reset the connection, within 10 s.
  bool ended();
  // Nothing is there to read now.
  bool quiet();
  void half_close();
  void close() { socket_.reset(); }
  void reset();
  bool was_reset() const { return reset_; }

 private:
  bool more();

  UniqueFd socket_;
  std::string held_;
  bool reset_ = false;
};

// What the gate saw of one request, and what became of it.
struct Seen {
  RequestHead head;
  std::optional<unsigned> status;
  std::uint64_t up = 0;
  std::uint64_t down = 0;
  std::string failure;
};

struct Rules {
  std::function<std::optional<Refusal>(const RequestHead&)> judge;
  std::function<void(RequestHead&)> change;  // what is sent in its place
  std::function<std::optional<Refusal>(ResponseHead&)> respond;
  std::function<std::unique_ptr<BodyFilter>()> request_body;
  std::function<std::unique_ptr<BodyFilter>()> response_body;
  std::function<std::unique_ptr<FrameFilter>(FramesFrom)> frames;
  std::optional<Refusal> no_origin;
  // The body is held; told its pieces, and then an empty one for its end. May change the head.
  std::function<std::optional<Refusal>(std::string_view, RequestHead&)> hold;
  std::size_t keeps = 0;  // bytes of a body that are kept for again(); 0: it is not asked
  // A refused request is to be sent again, with another head.
  std::function<bool(unsigned status, RequestHead&)> again;
};

class Rig {
 public:
  explicit Rig(Http1Entry entry = Http1Entry::kDirect, Rules rules = {});
  ~Rig();

  Peer client();          // a new connection to the proxy
  Peer origin();          // the next connection that the proxy makes; waits for it
  bool origin_waiting();  // has one been made that origin() did not take?

  // Copies, by the time of the call.
  std::vector<Seen> seen();
  std::vector<std::string> malformed();
  std::optional<ConnectRequest> connect();
  // Until `count` exchanges are finished().
  std::vector<Seen> finished(std::size_t count);
  // Until every client connection was let go of.
  void all_ended();

 private:
  struct State;
  std::shared_ptr<State> state_;
  boost::asio::io_context io_;
  UniqueFd client_listener_;
  UniqueFd origin_listener_;
  std::uint16_t origin_port_ = 0;
  std::uint16_t client_port_ = 0;
  Http1Entry entry_;
  std::thread thread_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
};

// "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n" with more fields ("X: y\r\n") in it.
std::string get(std::string_view target = "/", std::string_view fields = "");
std::string answer(std::string_view body, std::string_view fields = "");

}  // namespace redoubtful::proxy::test
