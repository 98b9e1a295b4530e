#pragma once

// One admitted HTTP/1 request on its way to the origin, and its answer on the way back.
//
// Both ways are under way together: an origin may answer while the body still comes (and then the
// rest of it is not waited for). Nothing here decides; Gate and Exchange did, or are asked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http1_body.hpp"
#include "proxy/http1_client.hpp"
#include "proxy/http1_head.hpp"

namespace redoubtful::proxy {

// What is known of a request beside what is sent.
struct RequestFacts {
  std::string method;
  HttpVersion version = HttpVersion::k11;
  Framing framing;
  bool keep_alive = false;
  bool expects_continue = false;
  bool upgrade_websocket = false;
};

class Http1Transfer {
 public:
  // All must outlive it. `origin` is empty, and bound to the stream to send on.
  Http1Transfer(Http1Client& client, ReadBuffer& origin, Exchange& exchange,
                const RequestFacts& facts);

  enum class Outcome {
    kAnswered,      // the client has an answer, whole
    kNoAnswer,      // the origin closed without a byte of one
    kBrokenAnswer,  // the head is not one; the client has got nothing
    kBadRequest,    // the body is malformed; the client has got nothing
    kCut,           // the answer had begun; the client must see it cut
    kGone,          // the client is
    kUpgraded,      // both sides have ended after a WebSocket
  };
  Awaitable<Outcome> run();

  // After run():
  unsigned status() const noexcept { return status_; }  // what the client got; 0: nothing
  std::uint64_t up() const noexcept { return up_; }
  std::uint64_t down() const noexcept { return down_; }
  const std::string& failure() const noexcept { return failure_; }
  bool request_complete() const noexcept { return request_complete_; }
  bool sent_body() const noexcept { return up_ > 0; }
  bool origin_reusable() const noexcept { return origin_reusable_; }
  bool client_reusable() const noexcept { return client_reusable_; }

 private:
  using Buffers = std::vector<boost::asio::const_buffer>;

  // Towards the origin (http1_request.cpp).
  Awaitable<bool> send_head();
  Awaitable<void> send_rest();
  bool take_piece(Buffers& out);

  // Towards the client (http1_response.cpp).
  Awaitable<Outcome> receive();
  Awaitable<Outcome> receive_and_release();
  Awaitable<std::variant<ParsedResponse, Outcome>> read_head();
  Awaitable<bool> pass_interim(const ResponseHead& head);
  Awaitable<Outcome> pass_answer(ParsedResponse response);
  Awaitable<Outcome> pass_refusal(const Refusal& refusal);
  Awaitable<Outcome> pass_body(const Framing& framing, Framing::Kind out_framing);
  Awaitable<Outcome> upgrade(ParsedResponse response);
  Outcome cut(std::string_view why);
  Outcome client_gone();

  Http1Client& client_;
  ReadBuffer& origin_;
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
  bool request_complete_ = false;
  bool client_failed_ = false;
  bool continued_ = false;
  bool answered_ = false;  // nothing more goes to the client
  bool origin_reusable_ = false;
  bool client_reusable_ = false;
};

}  // namespace redoubtful::proxy
