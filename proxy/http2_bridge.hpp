#pragma once

// The two HTTP/2 connections of a client and its origin, tied together stream by stream: each
// request is judged, sent, and its answer brought back; each end of a stream becomes the other's.
//
// Nothing is sent to the origin but what an Exchange gave. Bodies are never held but in the windows
// of http2_session.hpp. Requests beyond what the origin takes at once wait here.

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "proxy/http2_session.hpp"
#include "proxy/message.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

class Http2Bridge final : public Http2Events {
 public:
  // `idle`: how long a connection may be without a request.
  Http2Bridge(Stream& client, Stream* origin, Gate& gate, std::chrono::milliseconds idle);

  // Once, to the end of both connections.
  Awaitable<void> run();

  // Of bodies, in both queues.
  std::size_t waiting_bytes() const noexcept;

 private:
  // A request on its way.
  struct Link {
    std::int32_t front = 0;              // the client's stream
    std::int32_t back = 0;               // the origin's; 0: not sent
    std::unique_ptr<Exchange> exchange;  // null: refused, or reported already
    std::vector<std::string> never_indexed;
    AnswerKind answer = AnswerKind::kPlain;
    EndStream request_end = EndStream::kNo;
    std::string early;  // of the body, while the request waits; its window bounds it
    std::size_t early_credit = 0;
    bool holding = false;  // all of the body goes to `early` first (Exchange::holds_body())
    Fields trailers;
    std::size_t discarded = 0;  // of the body
    bool answered = false;      // a head is on its way to the client
    bool answer_ended = false;  // and all that follows it
    // Of an answer that is unpacked on its way: what came while the client's queue was full.
    std::string packed;
    std::size_t packed_credit = 0;
    bool origin_ended = false;  // and these are its trailers
    Fields answer_trailers;
    std::vector<std::string> answer_never_indexed;
    unsigned status = 0;
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    std::string failure;
  };

  void on_head(Http2Session&, std::int32_t, HeaderBlock, EndStream) override;
  void on_data(Http2Session&, std::int32_t, std::string_view) override;
  void on_end(Http2Session&, std::int32_t) override;
  void on_malformed(Http2Session&, std::int32_t, std::string_view) override;
  void on_closed(Http2Session&, std::int32_t, std::uint32_t, ClosedBy) override;
  void on_settings(Http2Session&) override;
  void on_sent(Http2Session&) override;
  void on_goaway(Http2Session&, std::uint32_t) override;
  void on_disconnected(Http2Session&, std::string_view) override;
  bool busy() const noexcept override { return exchanges_ > 0; }

  // Of the client's connection.
  void request_came(std::int32_t stream, HeaderBlock block, EndStream end);
  void request_trailers_came(Link& link, HeaderBlock block);
  void request_data_came(Link& link, std::string_view bytes);
  void request_ended(Link& link);
  void hold(Link& link, std::string_view bytes);
  void held(Link& link);
  // True: a filter says that the request's body is broken; the client was told.
  bool stopped_at_fault(Link& link);
  void client_stream_closed(Link& link, std::uint32_t code, ClosedBy by);
  void client_gone(std::string_view reason);

  // Of the origin's.
  void answer_came(Link& link, HeaderBlock block, EndStream end);
  void answer_trailers_came(Link& link, HeaderBlock block);
  void answer_data_came(Link& link, std::string_view bytes);
  // Gives the client what the filter makes of the bytes, and of those that wait, as far as its
  // queue has room.
  void pass_answer(Link& link, BodyFilter& filter, std::string_view bytes);
  // What waits of it is dropped.
  void drop_answer(Link& link);
  void answer_ended(Link& link, Fields trailers, std::vector<std::string> never_indexed);
  void origin_stream_closed(Link& link, std::uint32_t code, ClosedBy by);
  void origin_gone(std::string_view reason);

  void start_waiting();
  void start(Link& link);
  // Our own answer. What was on its way at the origin is taken back.
  void refuse(Link& link, Refusal refusal);
  // Of a request's body that nobody wants.
  void discard(Link& link, std::size_t bytes);
  // The origin failed: 502 where there is still room for it, else RST_STREAM.
  void fail(Link& link, std::string_view reason);
  void abandon(Link& link, std::uint32_t code, std::string_view reason);
  void leave_origin(Link& link, std::uint32_t code);
  void report(Link& link);
  void stop_requests(std::uint32_t code);

  // Is the request's stream at the origin open?
  bool at_origin(const Link& link) const noexcept;
  Link* link_of(const Http2Session& session, std::int32_t stream) noexcept;
  Awaitable<int> serve();
  Awaitable<int> watch_idle();

  Gate& gate_;
  Http2Session front_;
  std::optional<Http2Session> back_;
  std::unordered_map<std::int32_t, std::unique_ptr<Link>> links_;  // by the client's stream
  std::unordered_map<std::int32_t, Link*> by_back_;
  std::deque<std::int32_t> waiting_;  // client's streams
  std::set<std::int32_t> stalled_;    // client's streams whose answers wait to be unpacked
  std::size_t exchanges_ = 0;
  bool draining_ = false;  // no new requests
  bool done_ = false;
  std::chrono::milliseconds idle_;
  std::chrono::steady_clock::time_point last_use_;
  boost::asio::steady_timer idle_timer_;
};

}  // namespace redoubtful::proxy
