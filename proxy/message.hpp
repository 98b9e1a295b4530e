#pragma once

// Heads of requests and responses in the one form that is judged, whichever protocol they came in.
//
// Plain values. Names keep their spelling (HTTP/2: lower case) and are compared without case. What
// was ambiguous was refused before one of these exists (http1_head.hpp; nghttp2).

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace redoubtful::proxy {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

struct Field {
  std::string name;
  std::string value;
};
using Fields = std::vector<Field>;

// ASCII letters only, as header field names and schemes compare.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
// The value of the first field of that name; null when there is none.
const std::string* find_field(const Fields& fields, std::string_view name) noexcept;
void remove_fields(Fields& fields, std::string_view name);

// Drops what is between two neighbours only: Connection and what it names, Keep-Alive,
// Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE (but for "trailers"), Trailer
// stays, Transfer-Encoding, Upgrade. Source: RFC 9110, section 7.6.1.
void remove_hop_by_hop(Fields& fields);

enum class HttpVersion { k10, k11, k2 };

struct RequestHead {
  HttpVersion version = HttpVersion::k11;
  std::string method;     // upper case as sent; never CONNECT
  std::string authority;  // Host, or :authority; with the port if one was given; never empty
  std::string target;     // origin form: "/path?query"; or "*"
  Fields fields;          // without Host; for HTTP/1 without hop-by-hop fields
  bool upgrade_websocket = false;  // HTTP/1: a well-formed WebSocket upgrade, RFC 6455 section 4.1
  bool has_body = false;
  std::string proxy_authorization;  // what the proxy's own port was shown; never sent on
};

struct ResponseHead {
  HttpVersion version = HttpVersion::k11;
  unsigned status = 0;
  std::string reason;  // HTTP/1 only
  Fields fields;       // for HTTP/1 without hop-by-hop fields
};

// An answer of our own in place of the origin's.
struct Refusal {
  unsigned status = 403;
  Fields fields;  // content-type, proxy-status and what else belongs; no content-length
  std::string body;
  std::string grpc_message;  // for gRPC requests: the same in one line, percent-encoded
};

// Rewrites a body as it passes. Never holds back more than it must to decide.
class BodyFilter {
 public:
  virtual ~BodyFilter() = default;
  // Appends to `out` what of the body so far is decided.
  virtual void feed(std::string_view in, std::string& out) = 0;
  // The body is complete; appends the rest. Not while something is pending().
  virtual void finish(std::string& out) = 0;
  // There is more to come out of what was fed than one call gives (a body that is unpacked): to be
  // had by feed() with nothing, once what came out before has been sent.
  virtual bool pending() const noexcept { return false; }
  // Gives as many bytes as it is fed, so that a length said before the body holds.
  virtual bool keeps_length() const noexcept { return false; }
  // Not empty: why the body cannot go on. It must be cut so that its reader notices.
  virtual std::string_view fault() const noexcept { return {}; }
  // That goes with a fault of a request's.
  virtual unsigned fault_status() const noexcept { return 400; }
};

enum class FramesFrom { kClient, kOrigin };

// Rewrites all that one side of a WebSocket sends.
class FrameFilter : public BodyFilter {
 public:
  // What was given so far ends with a whole frame, so that another may follow it.
  virtual bool whole_frames() const noexcept = 0;
  // Of the Close that goes with the fault. Source: RFC 6455, section 7.4.1.
  virtual std::uint16_t close_code() const noexcept = 0;
};

// One admitted request on its way: what to send, and what to do with the answer.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // The head depends on the body (a signature over a hash that the client did not declare): before
  // request() is asked, all of the body is read, kept, and shown to hold(), piece by piece, and
  // held() says that it was whole. Each may refuse; then the request ends with that.
  virtual bool holds_body() const { return false; }
  virtual std::optional<Refusal> hold(std::string_view piece) {
    (void)piece;
    return std::nullopt;
  }
  virtual std::optional<Refusal> held() { return std::nullopt; }
  // As it must be sent: canonical target, credentials in place. `authority` is what the origin
  // sees.
  virtual const RequestHead& request() const = 0;
  // Null: the body passes as it is. A filter may change its length.
  virtual BodyFilter* request_body() = 0;
  // May `bytes` more of the body be kept while it is sent, for again()? Asked with 0 at first, and
  // no more once it was denied. HTTP/2 does not ask.
  virtual bool keep(std::size_t bytes) {
    (void)bytes;
    return false;
  }
  // Before an answer of that status is shown to respond(), where all of the request was kept. True:
  // request() is another now, which is sent in the place of the first; this answer is nobody's. May
  // take its time.
  virtual Awaitable<bool> again(unsigned status) {
    (void)status;
    co_return false;
  }
  // Fields of a 1xx answer other than 101, in place.
  virtual void interim(Fields& fields) = 0;
  // Judges and changes an answer's head (of 1xx only 101) before it goes to the client. A Refusal
  // replaces the answer.
  virtual std::variant<std::monostate, Refusal> respond(ResponseHead& head) = 0;
  // After respond(). Null: passes as it is. Not after 101.
  virtual BodyFilter* response_body() = 0;
  // After respond() to 101: of all that one side sends from then on. Null: passes as it is.
  virtual FrameFilter* frames(FramesFrom) { return nullptr; }
  // Trailers, either way, in place.
  virtual void request_trailers(Fields& trailers) = 0;
  virtual void response_trailers(Fields& trailers) = 0;
  // Once, last: for the audit log. `status` 0: the origin gave none. `failure` says why, or is
  // empty.
  virtual void finished(unsigned status, std::uint64_t bytes_up, std::uint64_t bytes_down,
                        std::string_view failure) = 0;
};

// Decides every request of a connection; what HTTP/1 and HTTP/2 ask, for each.
class Gate {
 public:
  virtual ~Gate() = default;
  virtual std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) = 0;
  // For faults that no Exchange stands for: a request that is not HTTP, with the reason that the
  // client gets (400, 431 …). Writes the audit log.
  virtual Refusal malformed(unsigned status, std::string_view reason) = 0;
  // The origin failed after judge(): what the client gets (502, 504).
  virtual Refusal origin_failed(Exchange& exchange, std::string_view reason) = 0;
};

}  // namespace redoubtful::proxy
