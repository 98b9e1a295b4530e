#pragma once

// One admitted HTTP/1 request on its way to the origin, and its answer on the way back.
//
// Both ways are under way together: an origin may answer while the body still comes (and then the
// rest of it is not waited for). Nothing here decides; Gate and Exchange did, or are asked.

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/http1_body.hpp"
#include "proxy/http1_client.hpp"
#include "proxy/http1_head.hpp"

namespace redoubtful::proxy {

// A body that was read before its request is sent (Exchange::holds_body()).
struct WholeBody {
  std::string bytes;
  Fields trailers;
};

// What is known of a request beside what is sent.
struct RequestFacts {
  std::string method;
  HttpVersion version = HttpVersion::k11;
  Framing framing;
  bool keep_alive = false;
  bool expects_continue = false;
  bool upgrade_websocket = false;
  WholeBody* whole = nullptr;  // the body is there, and not the client's to send any more
  WholeBody* kept = nullptr;   // a copy goes here, so that the request can be sent again
};

class Http1Transfer {
 public:
  // All must outlive it. `origin` is empty, and bound to the stream to send on.
  Http1Transfer(Http1Client& client, ReadBuffer& origin, Gate& gate, Exchange& exchange,
                const RequestFacts& facts);

  enum class Outcome {
    kAnswered,  // the client has an answer, whole: the origin's or a refusal
    kNoAnswer,  // the origin closed without a byte of one; nobody has been told yet
    kCut,       // the answer had begun; the client's stream was closed
    kGone,      // the client is
    kUpgraded,  // both sides have ended after a WebSocket
    kAgain,     // the request is to be sent again, with what was kept; nobody was told anything
  };
  Awaitable<Outcome> run();
  // After kNoAnswer: tells the client.
  Awaitable<void> tell_no_answer();

  // After run():
  unsigned status() const noexcept { return status_; }  // what the client got; 0: nothing
  std::uint64_t up() const noexcept { return up_; }
  std::uint64_t down() const noexcept { return down_; }
  const std::string& failure() const noexcept { return failure_; }
  bool request_complete() const noexcept { return request_complete_; }
  bool origin_reusable() const noexcept { return origin_reusable_; }
  // Authentication was spoken of that holds for a connection.
  bool origin_bound() const noexcept { return origin_bound_; }
  bool client_reusable() const noexcept { return client_reusable_; }

 private:
  using Buffers = std::vector<boost::asio::const_buffer>;

  // Towards the origin (http1_request.cpp).
  Awaitable<bool> send_head();
  Awaitable<std::monostate> send_rest();  // both() joins values
  Awaitable<bool> send_pieces();          // false: not to the end
  bool take_piece(Buffers& out);
  void take_held(Buffers& out);
  void keep(std::string_view piece);
  // The rest of a request whose answer is there already, for it is kept.
  Awaitable<void> until_kept();

  // Towards the client (http1_response.cpp).
  Awaitable<Outcome> receive();
  Awaitable<Outcome> receive_and_release();
  Awaitable<std::variant<ParsedResponse, Outcome>> read_head();
  Awaitable<bool> pass_interim(ResponseHead head);
  Awaitable<bool> is_tried_again(unsigned status);
  Awaitable<Outcome> pass_answer(ParsedResponse response);
  Awaitable<Outcome> pass_refusal(Refusal refusal);
  Awaitable<Outcome> origin_failed(std::string_view why);
  Awaitable<Outcome> pass_body(Framing framing, Framing::Kind sent_as, BodyFilter* filter);
  Awaitable<Outcome> upgrade(ParsedResponse response);
  Outcome cut(std::string_view why);
  Outcome gone();
  bool client_lost() const noexcept;

  Http1Client& client_;
  ReadBuffer& origin_;
  Gate& gate_;
  Exchange& exchange_;
  const RequestFacts& facts_;
  BodyReader request_body_;
  BodyWriter request_writer_;
  std::string scratch_;  // the request's head
  std::string head_;     // the answer's
  unsigned status_ = 0;
  std::uint64_t up_ = 0;
  std::uint64_t down_ = 0;
  std::string failure_;
  std::optional<HeadFault> request_fault_;
  std::optional<Watchdog> late_;  // over a client that was answered and does not stop
  std::size_t held_sent_ = 0;
  WholeBody* kept_;                   // null: not, or no more
  bool keeps_only_ = false;           // what is read of the request is not sent
  bool uploading_ = false;            // it is read beside the answer
  boost::asio::steady_timer upload_;  // cancelled when nothing more is read of it
  bool request_complete_ = false;
  bool client_failed_ = false;
  bool until_close_ = false;  // the client takes the end of the connection for the answer's
  bool answered_ = false;     // nothing more goes to the client
  bool origin_reusable_ = false;
  bool origin_bound_ = false;
  bool client_reusable_ = false;
};

}  // namespace redoubtful::proxy
