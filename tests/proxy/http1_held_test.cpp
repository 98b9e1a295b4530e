// Bodies that are read whole before their request is sent, because its head depends on them.

#include <gmock/gmock.h>

#include "proxy/sigv4_key.hpp"
#include "tests/proxy/http1_rig.hpp"

namespace redoubtful::proxy::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Writes the hash of the body into the head; refuses bodies with "evil" in a piece of them, and at
// the end those that end with "wrong".
Rules hashing() {
  Rules rules;
  auto body = std::make_shared<std::string>();
  rules.hold = [body](std::string_view piece, RequestHead& head) -> std::optional<Refusal> {
    body->append(piece);
    const bool bad = piece.empty() ? body->ends_with("wrong") : body->find("evil") != body->npos;
    if (bad) {
      body->clear();
      return Refusal{.status = 403, .fields = {}, .body = "no", .grpc_message = {}};
    }
    if (!piece.empty()) return std::nullopt;
    head.fields.push_back({"X-Hash", sha256_hex(*body)});
    body->clear();
    return std::nullopt;
  };
  return rules;
}

std::string put(std::string_view body, std::string_view fields = {}) {
  return "PUT /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(fields) + "\r\n";
}

TEST(Http1Held, NothingReachesTheOriginBeforeTheBodyIsThere) {
  Rig rig(Http1Entry::kDirect, hashing());
  Peer client = rig.client();
  const std::string body = std::string(300000, 'a') + "end";
  client.send(put(body));
  client.send(std::string_view(body).substr(0, 200000));
  EXPECT_FALSE(rig.origin_waiting());
  client.send(std::string_view(body).substr(200000));
  Peer origin = rig.origin();
  const std::string head = origin.read_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("X-Hash: " + sha256_hex(body)));
  EXPECT_THAT(head, HasSubstr("Content-Length: 300003"));
  EXPECT_EQ(origin.read(body.size()), body);
  origin.send(answer("done"));
  EXPECT_THAT(client.read_message(), HasSubstr("done"));
  client.send(get("/next"));
  EXPECT_THAT(origin.read_until("\r\n\r\n"), StartsWith("GET /next"));
  origin.send(answer("next"));
  EXPECT_THAT(client.read_message(), HasSubstr("next"));
  EXPECT_EQ(rig.finished(2)[0].up, body.size());
}

TEST(Http1Held, AChunkedBodyStaysChunkedWithItsTrailers) {
  Rig rig(Http1Entry::kDirect, hashing());
  Peer client = rig.client();
  client.send(
      "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  EXPECT_FALSE(rig.origin_waiting());
  client.send("2\r\nde\r\n0\r\nX-Sum: 1\r\nX-Secret: s\r\n\r\n");
  Peer origin = rig.origin();
  EXPECT_THAT(origin.read_until("\r\n\r\n"), HasSubstr("X-Hash: " + sha256_hex("abcde")));
  EXPECT_EQ(origin.read_until("0\r\nX-Sum: 1\r\n\r\n"), "5\r\nabcde\r\n0\r\nX-Sum: 1\r\n\r\n");
  origin.send(answer("done"));
  EXPECT_THAT(client.read_message(), HasSubstr("done"));
}

TEST(Http1Held, RefusedAtTheEndTheConnectionGoesOn) {
  Rig rig(Http1Entry::kDirect, hashing());
  Peer client = rig.client();
  client.send(put("is wrong") + "is wrong");
  EXPECT_THAT(client.read_message(), StartsWith("HTTP/1.1 403"));
  EXPECT_FALSE(rig.origin_waiting());
  client.send(put("right") + "right");
  Peer origin = rig.origin();
  EXPECT_THAT(origin.read_until("\r\n\r\n"), HasSubstr(sha256_hex("right")));
  EXPECT_EQ(origin.read(5), "right");
  origin.send(answer("done"));
  EXPECT_THAT(client.read_message(), HasSubstr("done"));
  EXPECT_EQ(rig.finished(2)[0].status, 403u);
}

TEST(Http1Held, RefusedInTheMiddleTheConnectionEnds) {
  Rig rig(Http1Entry::kDirect, hashing());
  Peer client = rig.client();
  client.send(put(std::string(100000, 'x')) + "evil and more");
  const std::string refusal = client.read_to_end();
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(refusal, HasSubstr("Connection: close"));
  EXPECT_FALSE(rig.origin_waiting());
}

TEST(Http1Held, AClientThatWaitsForLeaveToSendGetsIt) {
  Rig rig(Http1Entry::kDirect, hashing());
  Peer client = rig.client();
  client.send(put("hello", "Expect: 100-continue\r\n"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  client.send("hello");
  Peer origin = rig.origin();
  EXPECT_THAT(origin.read_until("\r\n\r\n"), HasSubstr(sha256_hex("hello")));
  EXPECT_EQ(origin.read(5), "hello");
  origin.send(answer("done"));
  EXPECT_THAT(client.read_message(), HasSubstr("done"));
}

TEST(Http1Held, AMalformedBodyOrAClientThatLeavesReachesNoOrigin) {
  Rig rig(Http1Entry::kDirect, hashing());
  {
    Peer client = rig.client();
    client.send("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 400"));
  }
  Peer client = rig.client();
  client.send(put("hello") + "he");
  client.close();
  const auto seen = rig.finished(2);
  EXPECT_EQ(seen[1].status, 0u);
  EXPECT_THAT(seen[1].failure, HasSubstr("in the middle"));
  EXPECT_FALSE(rig.origin_waiting());
}

}  // namespace
}  // namespace redoubtful::proxy::test
