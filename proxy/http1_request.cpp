// Towards the origin: the head written anew with what is there of the body, then the rest of it.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/http1_format.hpp"
#include "proxy/http1_transfer.hpp"
#include "proxy/limits.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy {
namespace {

// Where a filter may change the length, it is sent without one.
Framing::Kind sent_as(const Framing& framing, const BodyFilter* filter) {
  if (filter != nullptr && framing.has_body() && !filter->keeps_length()) {
    return Framing::Kind::kChunked;
  }
  return framing.kind;
}

BodyFilter* request_filter(Exchange& exchange, const Framing& framing) {
  return framing.has_body() ? exchange.request_body() : nullptr;
}

}  // namespace

Http1Transfer::Http1Transfer(Http1Client& client, ReadBuffer& origin, Gate& gate,
                             Exchange& exchange, const RequestFacts& facts)
    : client_(client),
      origin_(origin),
      gate_(gate),
      exchange_(exchange),
      facts_(facts),
      request_body_(facts.framing),
      request_writer_(sent_as(facts.framing, request_filter(exchange, facts.framing)),
                      request_filter(exchange, facts.framing)),
      kept_(facts.kept),
      upload_(client.stream().executor(), boost::asio::steady_timer::time_point::max()) {}

Awaitable<Http1Transfer::Outcome> Http1Transfer::run() {
  const bool sent = co_await send_head();
  Outcome outcome = Outcome::kGone;
  if (request_fault_) {
    // Nothing was sent.
  } else if (request_complete_ || !sent) {
    // A failed write leaves an answer to be read: origins say why before they close.
    if (request_complete_) client_.watch(origin_.stream(), facts_.version);
    outcome = co_await receive_and_release();
  } else {
    uploading_ = true;
    auto up = send_rest();
    auto down = receive_and_release();
    auto [none, received] = co_await both(std::move(up), std::move(down));
    outcome = received;
  }
  client_.unwatch();
  if (request_fault_ && status_ == 0 && !client_lost()) {
    outcome =
        co_await pass_refusal(gate_.malformed(request_fault_->status, request_fault_->reason));
  }
  co_return outcome;
}

void Http1Transfer::take_held(Buffers& out) {
  WholeBody& body = *facts_.whole;
  const std::string_view piece =
      std::string_view(body.bytes).substr(held_sent_, limits::kRelayBytes);
  held_sent_ += piece.size();
  up_ += piece.size();
  request_complete_ = held_sent_ == body.bytes.size();
  if (!request_complete_) {
    request_writer_.put(piece, out);
  } else {
    if (!body.trailers.empty()) exchange_.request_trailers(body.trailers);
    request_writer_.finish(piece, body.trailers, out);
  }
}

// False: the body is broken.
bool Http1Transfer::take_piece(Buffers& out) {
  if (facts_.whole != nullptr) {
    take_held(out);
    return true;
  }
  const std::string_view piece = request_body_.take(client_.buffer());
  if (request_body_.fault()) {
    request_fault_ = request_body_.fault();
    failure_ = request_fault_->reason;
    return false;
  }
  up_ += piece.size();
  request_complete_ = request_body_.done();
  keep(piece);
  if (!request_complete_) {
    request_writer_.put(piece, out);
  } else {
    if (!request_body_.trailers().empty()) exchange_.request_trailers(request_body_.trailers());
    request_writer_.finish(piece, request_body_.trailers(), out);
  }
  const BodyFilter* filter = request_filter(exchange_, facts_.framing);
  if (filter == nullptr || filter->fault().empty()) return true;
  request_fault_ = HeadFault{filter->fault_status(), filter->fault()};
  failure_ = request_fault_->reason;
  request_complete_ = false;
  return false;
}

// Trailers as they came: each sending judges them anew.
void Http1Transfer::keep(std::string_view piece) {
  if (kept_ == nullptr) return;
  if (!exchange_.keep(piece.size())) {
    *kept_ = WholeBody();
    kept_ = nullptr;
    return;
  }
  kept_->bytes += piece;
  if (request_complete_) kept_->trailers = request_body_.trailers();
}

Awaitable<void> Http1Transfer::until_kept() {
  // Who waits for leave to send it may never do so.
  if (!uploading_ || facts_.expects_continue) co_return;
  keeps_only_ = true;
  co_await upload_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

Awaitable<bool> Http1Transfer::send_head() {
  Framing framing = facts_.framing;
  framing.kind = sent_as(framing, request_filter(exchange_, framing));
  format_request(exchange_.request(), framing, scratch_);
  Buffers out = {boost::asio::buffer(scratch_)};
  if (facts_.framing.has_body()) {
    if (!take_piece(out)) co_return false;
  } else {
    request_complete_ = true;
  }
  co_return !(co_await origin_.stream().write(std::move(out))).error;
}

Awaitable<std::monostate> Http1Transfer::send_rest() {
  const bool ended = co_await send_pieces();
  uploading_ = false;
  upload_.cancel();
  if (!ended) co_return std::monostate{};
  client_.watch(origin_.stream(), facts_.version);
  if (status_ != 0) client_.answering();
  co_return std::monostate{};
}

Awaitable<bool> Http1Transfer::send_pieces() {
  while (!request_complete_) {
    if (facts_.whole == nullptr && client_.buffer().empty()) {
      const auto error = co_await client_.fill();
      if (answered_) co_return false;
      if (error) {
        client_failed_ = true;
        failure_ = "the client ended in the middle of its request";
        origin_.stream().close();
        co_return false;
      }
    }
    Buffers out;
    if (!take_piece(out)) {
      origin_.stream().close();
      co_return false;
    }
    if (keeps_only_ && kept_ == nullptr) co_return false;
    if (out.empty() || keeps_only_) continue;
    const IoResult written = co_await origin_.stream().write(std::move(out));
    if (answered_) co_return false;
    // It may have answered, and the answer may be one to be tried again.
    if (written.error && kept_ == nullptr) co_return false;
    if (written.error) keeps_only_ = true;
  }
  co_return true;
}

}  // namespace redoubtful::proxy
