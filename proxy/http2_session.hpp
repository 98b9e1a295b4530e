#pragma once

// One HTTP/2 connection: an nghttp2 session over a Stream, with a coroutine that reads and one that
// writes. Knows frames, windows and floods; nothing of requests, policy or the other connection's
// streams.
//
// Bodies wait here in a queue per stream, and the bytes that they came from are given back to the
// window of the session they came from (`source`) only when the Stream has taken them: so each
// stream holds at most its window, and one that stands still stops no other. What all connections
// hold together is bounded, too (limits::kHeldBytes): beyond it, the greedy are not read from.
//
// Lifetime: events, stream and source must outlive run().

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/http2_fields.hpp"
#include "proxy/http2_flood.hpp"
#include "proxy/message.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

class Http2Session;

enum class Http2Role { kServer, kClient };

// Who ended a stream.
enum class ClosedBy {
  kPeer,  // both sides ended, RST_STREAM came, or GOAWAY left it out
  kHere,  // we reset it, or the peer broke the protocol in it
};

// What happens on a connection, in order. None of these may wait. What they throw ends the
// connection and comes out of run().
class Http2Events {
 public:
  virtual ~Http2Events() = default;
  // A whole header block: a head, 1xx, or trailers.
  virtual void on_head(Http2Session& session, std::int32_t stream, HeaderBlock block,
                       EndStream end) = 0;
  // Each byte must be given back, by consume() or by being a queue's credit.
  virtual void on_data(Http2Session& session, std::int32_t stream, std::string_view bytes) = 0;
  // Behind the last data; not after on_head with kYes.
  virtual void on_end(Http2Session& session, std::int32_t stream) = 0;
  // A header block that nghttp2 refused; the stream is being reset.
  virtual void on_malformed(Http2Session& session, std::int32_t stream,
                            std::string_view reason) = 0;
  // The last of a stream. `code`: RST_STREAM's, either way.
  virtual void on_closed(Http2Session& session, std::int32_t stream, std::uint32_t code,
                         ClosedBy by) = 0;
  virtual void on_settings(Http2Session& session) = 0;
  // The Stream has taken what was written; queues are shorter now.
  virtual void on_sent(Http2Session& session) = 0;
  virtual void on_goaway(Http2Session& session, std::uint32_t code) = 0;
  // The connection is over; nothing of the session is called any more but its destructor.
  virtual void on_disconnected(Http2Session& session, std::string_view reason) = 0;
  // Is a request under way, so that a peer which does not read for hours is waited for?
  virtual bool busy() const noexcept = 0;
};

class Http2Session {
 public:
  Http2Session(Http2Role role, Stream& stream, Http2Events& events);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Where the bytes of the bodies that are sent here come from; null: from nowhere.
  void set_source(Http2Session* source) noexcept { source_ = source; }

  // Until the connection is over; the stream is closed then.
  Awaitable<void> run();

  // The new stream's id, or an nghttp2 error, below zero.
  std::int32_t request(const NameValues& values, EndStream end, std::int32_t source_stream);
  void informational(std::int32_t stream, const NameValues& values);
  // With kNo, push() and finish() follow.
  void respond(std::int32_t stream, const NameValues& values, EndStream end,
               std::int32_t source_stream);
  // A piece of a body. `credit`: bytes of the source's stream that it came from.
  void push(std::int32_t stream, std::string bytes, std::size_t credit);
  void finish(std::int32_t stream);
  void finish(std::int32_t stream, Fields trailers, std::vector<std::string> never_indexed);
  // At once: what waits in the queue is dropped.
  void reset(std::int32_t stream, std::uint32_t code);
  // As soon as our END_STREAM has left.
  void reset_when_sent(std::int32_t stream, std::uint32_t code);
  // Received bytes that are done with.
  void consume(std::int32_t stream, std::size_t bytes);
  // No new streams; those under way may end, then the connection does.
  void goaway(std::uint32_t code);
  // Says what waits to be said, GOAWAY, and ends, whatever is under way.
  void close();

  bool over() const noexcept { return over_; }
  std::size_t peer_max_streams() const noexcept;
  std::size_t open_requests() const noexcept { return requests_.size(); }
  // Of one body, not yet on its way.
  std::size_t waiting_bytes(std::int32_t stream) const noexcept {
    const auto found = bodies_.find(stream);
    return found == bodies_.end() ? 0 : found->second.size;
  }
  // Of bodies, not yet taken by the Stream.
  std::size_t waiting_bytes() const noexcept { return waiting_bytes_; }

 private:
  friend struct Http2Callbacks;

  struct Piece {
    std::string bytes;
    std::size_t credit = 0;
  };
  struct Body {
    std::deque<Piece> pieces;
    std::size_t taken = 0;  // of the first piece
    std::size_t size = 0;
    std::int32_t source_stream = 0;
    bool ended = false;
    Fields trailers;
    std::vector<std::string> never_indexed;
  };
  struct Credit {
    std::int32_t stream = 0;
    std::size_t bytes = 0;
  };
  // Of a stream that we receive: kept until all of it was consumed.
  struct Window {
    std::size_t size = 0;
    std::size_t held = 0;   // received, not consumed
    std::size_t since = 0;  // received since it last grew
    bool closed = false;
  };
  struct SessionDelete {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };

  void open();
  Awaitable<int> read_loop();
  Awaitable<int> write_loop();
  bool over_its_share() const noexcept;
  void receive(std::string_view bytes);
  void fill();
  void disconnect(std::string_view reason);
  void wake() noexcept;
  void end_with(std::uint32_t code, std::string_view reason);
  void count_frame(const nghttp2_frame_hd& header);
  void count_reset();
  void received(std::int32_t stream, std::size_t bytes);
  void closed(std::int32_t stream, std::uint32_t code);
  void sent_end(std::int32_t stream);
  void drop_body(std::int32_t stream);
  void give_back(const Credit& credit);
  void take(Body& body, std::size_t bytes);
  nghttp2_data_provider provider() noexcept;
  void check(int nghttp2_result);

  Http2Role role_;
  Stream& stream_;
  Http2Events& events_;
  Http2Session* source_ = nullptr;
  std::unique_ptr<nghttp2_session, SessionDelete> session_;
  boost::asio::steady_timer wakeup_;
  Watchdog read_dog_;   // a head that does not come to its end
  Watchdog write_dog_;  // a peer that does not read what it must
  HeaderBlock block_;
  std::unordered_map<std::int32_t, Body> bodies_;
  std::unordered_map<std::int32_t, Window> windows_;
  std::unordered_map<std::int32_t, std::uint32_t> resets_when_sent_;
  std::set<std::int32_t> requests_;  // of ours, open
  std::int32_t reset_here_ = 0;      // the stream that our RST_STREAM is about to end
  std::size_t window_pool_;
  std::size_t waiting_bytes_ = 0;
  std::size_t held_ = 0;                       // of all windows
  inline static std::size_t held_by_all_ = 0;  // of all sessions: the proxy is one thread
  Allowance idle_frames_;
  Allowance resets_;
  std::string out_;
  std::vector<Credit> credits_;  // of what is in out_
  std::exception_ptr thrown_;
  std::string reason_;
  bool woken_ = false;
  bool ending_ = false;  // GOAWAY is the last that is sent
  bool over_ = false;    // nothing more is sent or understood
};

}  // namespace redoubtful::proxy
