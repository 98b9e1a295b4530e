// Towards the client: the answer's head judged and written anew, then the body as it comes.

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>

#include "proxy/http1_format.hpp"
#include "proxy/http1_transfer.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using Outcome = Http1Transfer::Outcome;

constexpr std::string_view kClientGone = "the client closed the connection";

std::string malformed(std::string_view reason) {
  return std::string("the origin's answer is malformed: ").append(reason);
}

// May this become the head of an answer?
bool begins_as_http(std::string_view bytes) {
  constexpr std::string_view kBegin = "HTTP/1.";
  return kBegin.starts_with(bytes.substr(0, kBegin.size()));
}

// How the client gets a body that came in `framing`.
Framing::Kind sent_as(const Framing& framing, HttpVersion client, const BodyFilter* filter) {
  if (framing.kind == Framing::Kind::kNone) return framing.kind;
  const bool as_long = filter == nullptr || filter->keeps_length();
  if (framing.kind == Framing::Kind::kLength && as_long) return framing.kind;
  return client == HttpVersion::k10 ? Framing::Kind::kUntilClose : Framing::Kind::kChunked;
}

// NTLM and Negotiate authenticate a connection and not a request. Source: RFC 4559, section 6.
bool binds_connection(const Fields& fields, std::string_view name) {
  constexpr std::array kSchemes = {std::string_view("ntlm"), std::string_view("negotiate")};
  return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
    return equals_ignoring_case(field.name, name) &&
           std::any_of(kSchemes.begin(), kSchemes.end(), [&](std::string_view scheme) {
             return equals_ignoring_case(std::string_view(field.value).substr(0, scheme.size()),
                                         scheme);
           });
  });
}

}  // namespace

bool Http1Transfer::client_lost() const noexcept { return client_failed_ || client_.gone(); }

Outcome Http1Transfer::gone() {
  if (failure_.empty()) failure_ = kClientGone;
  client_failed_ = true;
  origin_reusable_ = false;
  origin_.stream().close();
  client_.stream().close();
  return Outcome::kGone;
}

Outcome Http1Transfer::cut(std::string_view why) {
  if (client_lost() || request_fault_) return gone();
  failure_ = why;
  origin_reusable_ = false;
  // Elsewhere the framing says that something is missing.
  until_close_ ? client_.stream().abort() : client_.stream().close();
  return Outcome::kCut;
}

Awaitable<Outcome> Http1Transfer::receive_and_release() {
  Outcome outcome = co_await receive();
  if (request_complete_) co_return outcome;
  if (outcome == Outcome::kNoAnswer) outcome = co_await origin_failed(failure_);
  // The rest of the request is not waited for.
  answered_ = true;
  origin_reusable_ = client_reusable_ = false;
  origin_.stream().close();
  if (outcome == Outcome::kAnswered && !request_fault_) {
    co_await client_.release();
    late_.emplace(client_.stream()).expires_after(limits::kRefusalWrite);
  }
  co_return outcome;
}

Awaitable<void> Http1Transfer::tell_no_answer() {
  (void)co_await origin_failed(failure_);
  if (!request_complete_) client_reusable_ = false;
}

Awaitable<Outcome> Http1Transfer::origin_failed(std::string_view why) {
  failure_ = why;
  origin_reusable_ = false;
  co_return co_await pass_refusal(gate_.origin_failed(exchange_, why));
}

Awaitable<Outcome> Http1Transfer::pass_refusal(Refusal refusal) {
  client_.answering();
  client_reusable_ = facts_.keep_alive && request_complete_;
  status_ = refusal.status;
  head_.clear();
  format_refusal(refusal, facts_.method, facts_.version,
                 client_reusable_ ? Persistence::kKeepAlive : Persistence::kClose, head_);
  down_ += refusal.body.size();
  Buffers out = {asio::buffer(head_)};
  if (co_await client_.write(std::move(out))) co_return gone();
  co_return Outcome::kAnswered;
}

Awaitable<std::variant<ParsedResponse, Outcome>> Http1Transfer::read_head() {
  HeadScanner scanner;
  std::optional<Watchdog> watchdog;
  for (;;) {
    if (!origin_.empty()) {
      // Nothing is waited for from what speaks another protocol.
      if (!begins_as_http(origin_.bytes())) {
        co_return co_await origin_failed("the origin does not answer in HTTP/1");
      }
      const auto end = scanner.scan(origin_.bytes());
      if (const auto* fault = std::get_if<HeadFault>(&end)) {
        const auto why = malformed(fault->reason);
        co_return co_await origin_failed(why);
      }
      if (const auto* bytes = std::get_if<std::size_t>(&end)) {
        auto parsed =
            parse_response_head(origin_.bytes().substr(0, *bytes), exchange_.request().method);
        origin_.consume(*bytes);
        if (auto* response = std::get_if<ParsedResponse>(&parsed)) co_return std::move(*response);
        const auto why = malformed(std::get<HeadFault>(parsed).reason);
        co_return co_await origin_failed(why);
      }
      if (!watchdog) watchdog.emplace(origin_.stream()).expires_after(limits::kHead);
    }
    const auto error = co_await origin_.fill();
    if (!error) continue;
    if (request_fault_) co_return Outcome::kGone;  // run() says what was wrong with it
    if (client_lost()) co_return gone();
    if (watchdog && watchdog->expired()) {
      co_return co_await origin_failed("the origin began an answer and did not go on");
    }
    if (!origin_.empty())
      co_return co_await origin_failed("the origin closed within its answer's head");
    failure_ = error == asio::error::eof
                   ? std::string("the origin closed the connection without an answer")
                   : "the connection to the origin failed: " + error.message();
    co_return Outcome::kNoAnswer;
  }
}

Awaitable<Outcome> Http1Transfer::receive() {
  for (;;) {
    auto head = co_await read_head();
    if (const auto* outcome = std::get_if<Outcome>(&head)) co_return *outcome;
    auto& response = std::get<ParsedResponse>(head);
    const unsigned status = response.head.status;
    if (status == 101) {
      if (response.upgraded && facts_.upgrade_websocket) {
        co_return co_await upgrade(std::move(response));
      }
      co_return co_await origin_failed("the origin switched protocols without being asked");
    }
    if (status >= 200) co_return co_await pass_answer(std::move(response));
    if (!co_await pass_interim(std::move(response.head))) co_return gone();
  }
}

// A 100 that was not asked for goes no further; HTTP/1.0 knows none of them. Of the fields only
// what an early hint is for goes on.
Awaitable<bool> Http1Transfer::pass_interim(ResponseHead head) {
  if (facts_.version == HttpVersion::k10) co_return true;
  if (head.status == 100 && !facts_.expects_continue) co_return true;
  std::erase_if(head.fields,
                [](const Field& field) { return !equals_ignoring_case(field.name, "link"); });
  exchange_.interim(head.fields);
  head_.clear();
  format_interim(head, head_);
  Buffers out = {asio::buffer(head_)};
  co_return !co_await client_.write(std::move(out));
}

// Is the answer to be thrown away, and the request sent once more?
Awaitable<bool> Http1Transfer::is_tried_again(unsigned status) {
  constexpr unsigned kUnauthorized = 401;
  if (status != kUnauthorized || kept_ == nullptr) co_return false;
  co_await until_kept();
  if (kept_ == nullptr || !request_complete_ || client_lost()) co_return false;
  co_return co_await exchange_.again(status);
}

Awaitable<Outcome> Http1Transfer::pass_answer(ParsedResponse response) {
  const bool again = co_await is_tried_again(response.head.status);
  if (client_lost()) co_return gone();
  if (again) co_return Outcome::kAgain;
  client_.answering();
  origin_bound_ = binds_connection(exchange_.request().fields, "authorization") ||
                  binds_connection(response.head.fields, "www-authenticate");
  const auto judged = exchange_.respond(response.head);
  if (const auto* refusal = std::get_if<Refusal>(&judged))
    co_return co_await pass_refusal(*refusal);
  Framing framing = response.framing;
  BodyFilter* filter = framing.kind == Framing::Kind::kNone ? nullptr : exchange_.response_body();
  const Framing::Kind kind = sent_as(framing, facts_.version, filter);
  // Who was told to wait and then got an answer may send the body or not.
  const bool unsure = facts_.expects_continue && !request_complete_;
  until_close_ = kind == Framing::Kind::kUntilClose;
  client_reusable_ = facts_.keep_alive && !unsure && !until_close_;
  status_ = response.head.status;
  head_.clear();
  format_response(response.head, {kind, framing.length}, facts_.version,
                  client_reusable_ ? Persistence::kKeepAlive : Persistence::kClose, head_);
  origin_reusable_ = response.keep_alive;
  co_return co_await pass_body(framing, kind, filter);
}

Awaitable<Outcome> Http1Transfer::pass_body(Framing framing, Framing::Kind kind,
                                            BodyFilter* filter) {
  BodyReader body(framing);
  BodyWriter writer(kind, filter);
  Buffers out = {asio::buffer(head_)};
  bool begun = false;  // the client has seen something of the answer
  for (;;) {
    std::string_view piece = body.take(origin_);
    if (body.fault()) {
      const auto why = malformed(body.fault()->reason);
      // As long as nothing of it was passed on there can be another answer in its place.
      if (!begun) co_return co_await origin_failed(why);
      co_return cut(why);
    }
    down_ += piece.size();
    if (body.done() && !body.trailers().empty()) exchange_.response_trailers(body.trailers());
    for (BodyWriter::Given given = BodyWriter::Given::kPart; given == BodyWriter::Given::kPart;) {
      if (!body.done()) {
        given = writer.put(piece, out);
      } else if (framing.kind != Framing::Kind::kNone) {
        given = writer.finish(piece, body.trailers(), out);
      } else {
        given = BodyWriter::Given::kAll;
      }
      if (filter != nullptr && !filter->fault().empty()) {
        if (!begun) co_return co_await origin_failed(filter->fault());
        co_return cut(filter->fault());
      }
      if (!out.empty() && co_await client_.write(std::move(out))) co_return gone();
      out.clear();
      begun = true;
      piece = {};
    }
    if (body.done()) break;
    if (!origin_.empty()) continue;
    const auto error = co_await origin_.fill();
    if (error == asio::error::eof) body.ended();
    if (error && !body.done()) {
      co_return cut(error == asio::error::eof
                        ? std::string("the origin closed the connection within its answer")
                        : "the connection to the origin failed: " + error.message());
    }
  }
  // Bytes behind an answer would be taken for the answer to the next request.
  origin_reusable_ = origin_reusable_ && request_complete_ && origin_.empty();
  client_reusable_ = client_reusable_ && request_complete_;
  co_return Outcome::kAnswered;
}

}  // namespace redoubtful::proxy
