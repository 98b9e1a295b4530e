#include "proxy/http1.hpp"

#include <boost/asio/error.hpp>
#include <exception>

#include "proxy/http1_client.hpp"
#include "proxy/http1_format.hpp"
#include "proxy/http1_head.hpp"
#include "proxy/http1_transfer.hpp"

namespace redoubtful::proxy {
namespace {

using boost::system::error_code;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

enum class Next { kRequest, kEnd };

class Connection {
 public:
  Connection(Stream& client, Http1Entry entry, Gate& gate, OriginSource& origins)
      : client_(client),
        watchdog_(client),
        origin_(nullptr),
        entry_(entry),
        gate_(gate),
        origins_(origins) {}

  Awaitable<std::optional<ConnectRequest>> run();
  Http1Client& client() noexcept { return client_; }

 private:
  using Parsed = std::variant<ParsedRequest, ParsedConnect, HeadFault>;

  // Nothing: the connection ended.
  Awaitable<std::optional<Parsed>> read_head();
  Awaitable<Next> serve(ParsedRequest request);
  Awaitable<Next> send(std::unique_ptr<Exchange> exchange, RequestFacts facts);
  // What came of reading a body whole.
  struct Held {
    bool gone = false;   // the client is
    bool whole = false;  // all of the body was read
    std::optional<Refusal> refusal;
  };
  Awaitable<Held> hold(Exchange& exchange, const RequestFacts& facts, WholeBody& into);
  Awaitable<Next> refuse(Refusal refusal, const RequestFacts& facts);
  void discard_origin();
  Awaitable<void> linger();

  Http1Client client_;
  Watchdog watchdog_;
  ReadBuffer origin_;
  Http1Entry entry_;
  Gate& gate_;
  OriginSource& origins_;
  bool origin_used_ = false;  // the stream has carried a request before
  std::string out_;
};

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

RequestFacts facts_of(const ParsedRequest& request) {
  return {.method = request.head.method,
          .version = request.head.version,
          .framing = request.framing,
          .keep_alive = request.keep_alive,
          .expects_continue = request.expects_continue,
          .upgrade_websocket = request.head.upgrade_websocket};
}

Awaitable<std::optional<Connection::Parsed>> Connection::read_head() {
  ReadBuffer& buffer = client_.buffer();
  HeadScanner scanner;
  watchdog_.expires_after(buffer.empty() ? std::chrono::milliseconds(limits::kIdle)
                                         : std::chrono::milliseconds(limits::kHead));
  bool begun = !buffer.empty();
  for (;;) {
    // An empty line before a request is left over from some clients' last body. Source: RFC 9112,
    // section 2.2.
    if (buffer.bytes().starts_with("\r\n")) buffer.consume(2);
    if (!buffer.empty()) {
      const auto end = scanner.scan(buffer.bytes());
      if (const auto* fault = std::get_if<HeadFault>(&end)) co_return Parsed(*fault);
      if (const auto* bytes = std::get_if<std::size_t>(&end)) {
        watchdog_.disarm();
        auto parsed = parse_request_head(buffer.bytes().substr(0, *bytes), entry_);
        buffer.consume(*bytes);
        co_return parsed;
      }
      if (!begun) watchdog_.expires_after(limits::kHead);
      begun = true;
    }
    if (co_await client_.fill()) co_return std::nullopt;
  }
}

Awaitable<std::optional<ConnectRequest>> Connection::run() {
  for (;;) {
    auto parsed = co_await read_head();
    if (!parsed) co_return std::nullopt;
    if (const auto* fault = std::get_if<HeadFault>(&*parsed)) {
      // Where this one ends is not known, so nothing behind it can be read.
      const RequestFacts facts;
      Refusal refusal = gate_.malformed(fault->status, fault->reason);
      out_.clear();
      format_refusal(refusal, facts.method, facts.version, Persistence::kClose, out_);
      watchdog_.expires_after(limits::kRefusalWrite);
      std::vector<boost::asio::const_buffer> answer = {boost::asio::buffer(out_)};
      if (!co_await client_.write(std::move(answer))) co_await linger();
      co_return std::nullopt;
    }
    if (auto* connect = std::get_if<ParsedConnect>(&*parsed)) {
      ConnectRequest request{std::move(connect->authority), std::string(client_.buffer().bytes()),
                             std::move(connect->proxy_authorization)};
      client_.buffer().clear();
      co_return request;
    }
    const Next next = co_await serve(std::get<ParsedRequest>(std::move(*parsed)));
    if (next == Next::kEnd) co_return std::nullopt;
  }
}

Awaitable<Next> Connection::serve(ParsedRequest request) {
  const RequestFacts facts = facts_of(request);
  auto judged = gate_.judge(std::move(request.head));
  if (auto* refusal = std::get_if<Refusal>(&judged)) {
    co_return co_await refuse(std::move(*refusal), facts);
  }
  co_return co_await send(std::get<std::unique_ptr<Exchange>>(std::move(judged)), facts);
}

Awaitable<Connection::Held> Connection::hold(Exchange& exchange, const RequestFacts& facts,
                                             WholeBody& into) {
  Held out;
  // The origin could say so only once the head was sent.
  if (facts.expects_continue && client_.buffer().empty()) {
    std::vector<boost::asio::const_buffer> go_on = {boost::asio::buffer(kContinue)};
    out.gone = static_cast<bool>(co_await client_.write(std::move(go_on)));
    if (out.gone) co_return out;
  }
  BodyReader body(facts.framing);
  for (;;) {
    const std::string_view piece = body.take(client_.buffer());
    if (const auto& fault = body.fault()) {
      out.refusal = gate_.malformed(fault->status, fault->reason);
      co_return out;
    }
    out.refusal = exchange.hold(piece);
    if (out.refusal) co_return out;
    into.bytes += piece;
    if (body.done()) break;
    if (client_.buffer().empty() && co_await client_.fill()) {
      out.gone = true;
      co_return out;
    }
  }
  out.whole = true;
  into.trailers = std::move(body.trailers());
  out.refusal = exchange.held();
  co_return out;
}

Awaitable<Next> Connection::send(std::unique_ptr<Exchange> exchange, RequestFacts facts) {
  WholeBody body;
  if (exchange->holds_body()) {
    Held held = co_await hold(*exchange, facts, body);
    const std::uint64_t came = body.bytes.size();
    if (held.gone) {
      exchange->finished(0, came, 0, "the client ended in the middle of its request");
      co_return Next::kEnd;
    }
    if (held.refusal) {
      exchange->finished(held.refusal->status, came, 0, "it was refused when its body was known");
      facts.framing = Framing{held.whole ? Framing::Kind::kNone : Framing::Kind::kUntilClose, 0};
      co_return co_await refuse(std::move(*held.refusal), facts);
    }
    facts.whole = &body;
  } else if (exchange->keep(0)) {
    facts.kept = &body;
  }
  for (;;) {
    auto source = co_await origins_.stream_for(*exchange);
    if (auto* refusal = std::get_if<Refusal>(&source)) {
      exchange->finished(refusal->status, 0, 0, "the origin was not reached");
      co_return co_await refuse(std::move(*refusal), facts);
    }
    Stream* stream = std::get<Stream*>(source);
    // Closed meanwhile, or with an answer to nothing: not one to send on.
    const bool used = std::exchange(origin_used_, true) || origins_.reused();
    if (used && stream->readable()) {
      discard_origin();
      continue;
    }
    origin_.rebind(stream);
    Http1Transfer transfer(client_, origin_, gate_, *exchange, facts);
    Http1Transfer::Outcome outcome = co_await transfer.run();
    if (!transfer.origin_reusable()) discard_origin();
    if (transfer.origin_bound()) origins_.bind();
    if (outcome == Http1Transfer::Outcome::kAgain) {
      if (facts.framing.has_body()) facts.whole = facts.kept;
      facts.kept = nullptr;
      facts.expects_continue = false;
      continue;
    }
    if (outcome == Http1Transfer::Outcome::kNoAnswer) {
      // It was closed while we sent. Source: RFC 9112, section 9.3.1.
      if (used && !facts.framing.has_body() && is_idempotent(facts.method)) continue;
      co_await transfer.tell_no_answer();
      outcome = Http1Transfer::Outcome::kAnswered;
    }
    exchange->finished(transfer.status(), transfer.up(), transfer.down(), transfer.failure());
    if (outcome != Http1Transfer::Outcome::kAnswered) co_return Next::kEnd;
    if (!transfer.request_complete()) co_await linger();
    co_return transfer.client_reusable() ? Next::kRequest : Next::kEnd;
  }
}

void Connection::discard_origin() {
  origins_.discard();
  origin_.clear();
  origin_used_ = false;
}

// The body that comes with a refused request is read where it is short, so that the connection goes
// on; a client that waits for leave to send it may or may not do so, and cannot go on.
Awaitable<Next> Connection::refuse(Refusal refusal, const RequestFacts& facts) {
  BodyReader body(facts.framing);
  while (!body.take(client_.buffer()).empty()) {
  }
  const bool short_rest = facts.framing.kind == Framing::Kind::kLength &&
                          facts.framing.length <= limits::kDrainBytes && !facts.expects_continue;
  const bool keep = facts.keep_alive && !body.fault() && (body.done() || short_rest);
  out_.clear();
  format_refusal(refusal, facts.method, facts.version,
                 keep ? Persistence::kKeepAlive : Persistence::kClose, out_);
  watchdog_.expires_after(limits::kRefusalWrite);
  std::vector<boost::asio::const_buffer> answer = {boost::asio::buffer(out_)};
  if (co_await client_.write(std::move(answer))) co_return Next::kEnd;
  while (keep && !body.done()) {
    if (co_await client_.fill()) co_return Next::kEnd;
    body.take(client_.buffer());
  }
  if (!keep && !body.done()) co_await linger();
  watchdog_.disarm();
  co_return keep ? Next::kRequest : Next::kEnd;
}

// Reads on for a while after the last answer: a stream that is closed with bytes unread is reset,
// and the client might never see the answer.
Awaitable<void> Connection::linger() {
  client_.buffer().clear();
  watchdog_.expires_after(limits::kRefusalWrite);
  co_await client_.release();
  for (std::size_t read = 0; read < limits::kDrainBytes;) {
    if (co_await client_.fill()) break;
    read += client_.buffer().bytes().size();
    client_.buffer().clear();
  }
  watchdog_.disarm();
}

}  // namespace

Awaitable<std::optional<ConnectRequest>> serve_http1(Stream& client, Http1Entry entry, Gate& gate,
                                                     OriginSource& origins) {
  Connection connection(client, entry, gate, origins);
  std::optional<ConnectRequest> connect;
  std::exception_ptr failure;
  try {
    connect = co_await connection.run();
  } catch (...) {
    failure = std::current_exception();
  }
  // Whatever still waits for the client must not outlive it.
  co_await connection.client().stop();
  if (failure) std::rethrow_exception(failure);
  co_return connect;
}

}  // namespace redoubtful::proxy
