#include "proxy/http2_bridge.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/limits.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

std::string reset_text(std::string_view who, std::uint32_t code) {
  return std::string(who) + " reset the stream: " + nghttp2_http2_strerror(code);
}

}  // namespace

Http2Bridge::Http2Bridge(Stream& client, Stream* origin, Gate& gate, std::chrono::milliseconds idle)
    : gate_(gate),
      front_(Http2Role::kServer, client, *this),
      idle_(idle),
      last_use_(std::chrono::steady_clock::now()),
      idle_timer_(client.executor()) {
  if (origin == nullptr) return;
  back_.emplace(Http2Role::kClient, *origin, *this);
  front_.set_source(&*back_);
  back_->set_source(&front_);
}

std::size_t Http2Bridge::waiting_bytes() const noexcept {
  return front_.waiting_bytes() + (back_ ? back_->waiting_bytes() : 0);
}

Awaitable<void> Http2Bridge::run() {
  auto serving = serve();
  auto watching = watch_idle();
  co_await both(std::move(serving), std::move(watching));
}

Awaitable<int> Http2Bridge::serve() {
  std::exception_ptr thrown;
  try {
    if (back_) {
      auto client = [](Http2Session& session) -> Awaitable<int> {
        co_await session.run();
        co_return 0;
      };
      auto front = client(front_);
      auto back = client(*back_);
      co_await both(std::move(front), std::move(back));
    } else {
      co_await front_.run();
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  done_ = true;
  idle_timer_.cancel();
  if (thrown) std::rethrow_exception(thrown);
  co_return 0;
}

Awaitable<int> Http2Bridge::watch_idle() {
  while (!done_ && !front_.over()) {
    if (exchanges_ > 0) last_use_ = std::chrono::steady_clock::now();
    const std::chrono::milliseconds patience =
        draining_ ? std::min<std::chrono::milliseconds>(idle_, limits::kRefusalWrite) : idle_;
    const auto due = last_use_ + patience;
    if (std::chrono::steady_clock::now() >= due) {
      draining_ = true;
      front_.close();
      break;
    }
    idle_timer_.expires_at(due);
    co_await idle_timer_.async_wait(kTuple);
  }
  co_return 0;
}

Http2Bridge::Link* Http2Bridge::link_of(const Http2Session& session, std::int32_t stream) noexcept {
  if (&session == &front_) {
    const auto found = links_.find(stream);
    return found == links_.end() ? nullptr : found->second.get();
  }
  const auto found = by_back_.find(stream);
  return found == by_back_.end() ? nullptr : found->second;
}

void Http2Bridge::on_head(Http2Session& session, std::int32_t stream, HeaderBlock block,
                          EndStream end) {
  Link* link = link_of(session, stream);
  if (&session == &front_) {
    if (link == nullptr) {
      request_came(stream, std::move(block), end);
    } else if (link->exchange) {
      request_trailers_came(*link, std::move(block));
    }
    return;
  }
  if (link == nullptr) return;
  if (link->answered) {
    answer_trailers_came(*link, std::move(block));
  } else {
    answer_came(*link, std::move(block), end);
  }
}

void Http2Bridge::on_data(Http2Session& session, std::int32_t stream, std::string_view bytes) {
  Link* link = link_of(session, stream);
  if (link == nullptr) {
    session.consume(stream, bytes.size());
  } else if (&session == &front_) {
    request_data_came(*link, bytes);
  } else {
    answer_data_came(*link, bytes);
  }
}

void Http2Bridge::on_end(Http2Session& session, std::int32_t stream) {
  Link* link = link_of(session, stream);
  if (link == nullptr) return;
  if (&session == &front_) {
    request_ended(*link);
  } else {
    answer_ended(*link, {}, {});
  }
}

void Http2Bridge::on_malformed(Http2Session& session, std::int32_t stream,
                               std::string_view reason) {
  // nghttp2 answers with RST_STREAM; the Gate writes it down.
  if (&session == &front_) gate_.malformed(400, reason);
  Link* link = link_of(session, stream);
  if (link != nullptr && link->failure.empty()) link->failure = reason;
}

void Http2Bridge::on_closed(Http2Session& session, std::int32_t stream, std::uint32_t code,
                            ClosedBy by) {
  Link* link = link_of(session, stream);
  if (&session == &front_) {
    if (link != nullptr) client_stream_closed(*link, code, by);
    return;
  }
  by_back_.erase(stream);
  if (link != nullptr) origin_stream_closed(*link, code, by);
  start_waiting();
}

void Http2Bridge::on_settings(Http2Session& session) {
  if (&session != &front_) start_waiting();
}

void Http2Bridge::on_sent(Http2Session& session) {
  if (&session != &front_) return;
  for (const auto stream : std::vector<std::int32_t>(stalled_.begin(), stalled_.end())) {
    Link* link = link_of(front_, stream);
    if (link == nullptr || front_.waiting_bytes(stream) >= limits::kRelayBytes) continue;
    pass_answer(*link, *link->exchange->response_body(), {});
  }
}

void Http2Bridge::on_goaway(Http2Session& session, std::uint32_t code) {
  if (&session == &front_) {
    draining_ = true;
  } else {
    stop_requests(code);
  }
}

void Http2Bridge::on_disconnected(Http2Session& session, std::string_view reason) {
  if (&session == &front_) {
    client_gone(reason);
  } else {
    origin_gone(reason);
  }
}

// Those that the origin has not seen go back to the client, which may try them elsewhere.
void Http2Bridge::stop_requests(std::uint32_t code) {
  draining_ = true;
  idle_timer_.cancel();  // it has less patience now
  front_.goaway(code);
  for (const auto stream : std::exchange(waiting_, {})) {
    Link* link = link_of(front_, stream);
    if (link != nullptr) abandon(*link, NGHTTP2_REFUSED_STREAM, "the origin takes no new requests");
  }
}

void Http2Bridge::client_gone(std::string_view reason) {
  draining_ = true;
  waiting_.clear();
  for (auto& [stream, link] : links_) {
    if (link->failure.empty()) link->failure = "the client is gone: " + std::string(reason);
    leave_origin(*link, NGHTTP2_CANCEL);
    report(*link);
  }
  links_.clear();
  stalled_.clear();
  idle_timer_.cancel();
  if (back_) back_->close();
}

void Http2Bridge::drop_answer(Link& link) {
  stalled_.erase(link.front);
  link.packed.clear();
  if (back_) back_->consume(link.back, std::exchange(link.packed_credit, 0));
}

void Http2Bridge::origin_gone(std::string_view reason) {
  by_back_.clear();
  stop_requests(NGHTTP2_NO_ERROR);
  for (auto& [stream, link] : links_) {
    if (link->exchange && !link->answer_ended && !link->origin_ended) {
      fail(*link, "the connection to the origin ended: " + std::string(reason));
    }
  }
}

void Http2Bridge::fail(Link& link, std::string_view reason) {
  if (link.failure.empty()) link.failure = reason;
  if (link.answered) {
    abandon(link, NGHTTP2_INTERNAL_ERROR, reason);
    return;
  }
  refuse(link, gate_.origin_failed(*link.exchange, reason));
}

void Http2Bridge::abandon(Link& link, std::uint32_t code, std::string_view reason) {
  if (link.failure.empty()) link.failure = reason;
  drop_answer(link);
  leave_origin(link, NGHTTP2_CANCEL);
  front_.reset(link.front, code);
}

bool Http2Bridge::at_origin(const Link& link) const noexcept {
  const auto found = by_back_.find(link.back);
  return found != by_back_.end() && found->second == &link;
}

void Http2Bridge::leave_origin(Link& link, std::uint32_t code) {
  if (!at_origin(link)) return;
  by_back_.erase(link.back);
  back_->reset(link.back, code);
}

void Http2Bridge::refuse(Link& link, Refusal refusal) {
  leave_origin(link, NGHTTP2_CANCEL);
  front_.consume(link.front, std::exchange(link.early_credit, 0));
  link.early.clear();
  link.answered = true;
  link.answer_ended = true;
  auto answer = refusal_answer(std::move(refusal), link.answer);
  const auto end = answer.body.empty() ? EndStream::kYes : EndStream::kNo;
  front_.respond(link.front, values_of(answer.head, {}), end, 0);
  if (end == EndStream::kNo) {
    front_.push(link.front, std::move(answer.body), 0);
    front_.finish(link.front);
  }
  report(link);
}

// RFC 9113, section 8.1, would have RST_STREAM with NO_ERROR behind the answer; but curl 7.88 then
// reports a broken stream in place of the answer, and others look at it only when they have sent
// all. So a good deal is read and dropped first.
void Http2Bridge::discard(Link& link, std::size_t bytes) {
  front_.consume(link.front, bytes);
  link.discarded += bytes;
  if (link.discarded > limits::kRefusedUpload) {
    front_.reset_when_sent(link.front, NGHTTP2_NO_ERROR);
  }
}

void Http2Bridge::report(Link& link) {
  if (!link.exchange) return;
  const auto exchange = std::move(link.exchange);
  --exchanges_;
  last_use_ = std::chrono::steady_clock::now();
  exchange->finished(link.status, link.up, link.down, link.failure);
}

void Http2Bridge::client_stream_closed(Link& link, std::uint32_t code, ClosedBy by) {
  drop_answer(link);
  const bool whole = link.answer_ended && code == NGHTTP2_NO_ERROR;
  if (!whole && link.failure.empty()) {
    link.failure = by == ClosedBy::kPeer ? reset_text("the client", code)
                                         : "the client broke the protocol in this stream";
  }
  // A request that was sent whole may go on to its origin, though its answer is there already.
  if (!whole || link.request_end == EndStream::kNo) {
    leave_origin(link, whole || code == NGHTTP2_NO_ERROR ? std::uint32_t{NGHTTP2_CANCEL} : code);
  }
  by_back_.erase(link.back);
  front_.consume(link.front, std::exchange(link.early_credit, 0));
  std::erase(waiting_, link.front);
  report(link);
  links_.erase(link.front);
}

void Http2Bridge::origin_stream_closed(Link& link, std::uint32_t code, ClosedBy by) {
  if (link.answer_ended || link.origin_ended) {
    // The answer is whole, and the rest of the request is not wanted.
    if (link.request_end == EndStream::kNo) front_.reset_when_sent(link.front, code);
  } else if (by == ClosedBy::kPeer) {
    abandon(link, code, reset_text("the origin", code));
  } else {
    fail(link, "the origin broke the protocol");
  }
}

}  // namespace redoubtful::proxy
