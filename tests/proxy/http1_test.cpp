// Requests and answers as they should be, byte for byte as the other side receives them.

#include "proxy/http1.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/http1_rig.hpp"

namespace redoubtful::proxy::test {
namespace {

Rules refusing(unsigned status) {
  Rules rules;
  rules.judge = [status](const RequestHead&) -> std::optional<Refusal> {
    return Refusal{
        .status = status, .fields = {{"x-why", "rule"}}, .body = "no", .grpc_message = {}};
  };
  return rules;
}

// Upper case, and one byte more at the end.
class Shout final : public BodyFilter {
 public:
  void feed(std::string_view in, std::string& out) override {
    for (const char c : in) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  void finish(std::string& out) override { out += '!'; }
};

std::unique_ptr<BodyFilter> shout() { return std::make_unique<Shout>(); }

TEST(Http1, ARequestIsWrittenAnewAndItsAnswerToo) {
  Rig rig;
  Peer client = rig.client();
  client.send(
      "GET /a?b=c HTTP/1.1\r\nAccept:  text/plain \r\nhost: A.example\r\nConnection: x-hop\r\n"
      "X-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic eA==\r\n\r\n");
  Peer origin = rig.origin();
  EXPECT_EQ(origin.read_until("\r\n\r\n"),
            "GET /a?b=c HTTP/1.1\r\nHost: A.example\r\nAccept: text/plain\r\n"
            "Connection: keep-alive\r\n\r\n");
  origin.send(
      "HTTP/1.1 200 Fine\r\nX: 1\r\nConnection: close, y\r\nY: 2\r\n"
      "Content-Length: 3\r\n\r\nabc");
  EXPECT_EQ(client.read_message(), "HTTP/1.1 200 Fine\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc");
  const auto seen = rig.finished(1);
  EXPECT_EQ(seen[0].status, 200u);
  EXPECT_EQ(seen[0].down, 3u);
  EXPECT_EQ(seen[0].failure, "");
  EXPECT_TRUE(origin.ended());  // it said close
}

TEST(Http1, BothConnectionsServeManyRequests) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/0"));
  Peer origin = rig.origin();
  for (int i = 0; i < 50; ++i) {
    if (i > 0) client.send(get("/" + std::to_string(i)));
    EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET /" + std::to_string(i) + " "));
    origin.send(answer("n" + std::to_string(i)));
    EXPECT_TRUE(client.read_message().ends_with("\r\n\r\nn" + std::to_string(i)));
  }
  EXPECT_FALSE(rig.origin_waiting());
}

TEST(Http1, PipelinedRequestsAreServedInOrderEachByItself) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1") + "POST /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc" +
              get("/3"));
  Peer origin = rig.origin();
  EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET /1 "));
  EXPECT_TRUE(origin.quiet());
  origin.send(answer("one"));
  EXPECT_TRUE(client.read_message().ends_with("one"));
  EXPECT_TRUE(origin.read_message().ends_with("\r\n\r\nabc"));
  origin.send(answer("two"));
  EXPECT_TRUE(client.read_message().ends_with("two"));
  EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET /3 "));
  origin.send(answer("three"));
  EXPECT_TRUE(client.read_message().ends_with("three"));
}

TEST(Http1, ARefusalIsAnsweredAndTheConnectionGoesOn) {
  Rig rig(Http1Entry::kDirect, refusing(403));
  Peer client = rig.client();
  for (int i = 0; i < 3; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(client.read_message(),
              "HTTP/1.1 403 Forbidden\r\nx-why: rule\r\nContent-Length: 2\r\n\r\nno");
  }
  EXPECT_FALSE(rig.origin_waiting());
}

TEST(Http1, ARefusedHeadRequestHasNoBody) {
  Rig rig(Http1Entry::kDirect, refusing(403));
  Peer client = rig.client();
  client.send("HEAD / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_to_end(),
            "HTTP/1.1 403 Forbidden\r\nx-why: rule\r\nContent-Length: 2\r\n"
            "Connection: close\r\n\r\n");
}

TEST(Http1, ARefusedBodyThatIsLongEndsTheConnectionAfterTheAnswer) {
  Rig rig(Http1Entry::kDirect, refusing(403));
  Peer client = rig.client();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 99999999\r\n\r\nhello");
  const std::string got = client.read_message();
  EXPECT_NE(got.find("403 Forbidden"), std::string::npos);
  EXPECT_NE(got.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.ended());
}

TEST(Http1, ARefusedExpectationIsAnsweredBeforeTheBodyIsSent) {
  Rig rig(Http1Entry::kDirect, refusing(403));
  Peer client = rig.client();
  client.send(
      "PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n"
      "Expect: 100-continue\r\n\r\n");
  const std::string got = client.read_to_end();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 403 "));
  EXPECT_NE(got.find("Connection: close"), std::string::npos);
}

TEST(Http1, ContinueIsPassedOnWhenItWasAskedFor) {
  Rig rig;
  Peer client = rig.client();
  client.send(
      "PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n"
      "Expect: 100-continue\r\n\r\n");
  Peer origin = rig.origin();
  EXPECT_NE(origin.read_until("\r\n\r\n").find("Expect: 100-continue"), std::string::npos);
  origin.send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(origin.read(5), "hello");
  origin.send(answer("ok"));
  EXPECT_EQ(client.read_message(), answer("ok"));
  client.send(get("/next"));
  EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET /next"));
  origin.send(answer("ok"));
  client.read_message();
}

TEST(Http1, InterimAnswersPassButAContinueNobodyAskedForDoesNot) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX: y\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  origin.send(answer("ok"));
  EXPECT_EQ(client.read_message(), answer("ok"));
}

TEST(Http1, AnswersWithoutABodyHaveNone) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
      {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 204 No Content\r\n\r\n"},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: \"x\"\r\n\r\n",
       "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\n"},
  };
  Rig rig;
  Peer client = rig.client();
  std::optional<Peer> origin;
  for (const auto& [method, sent, expected] : cases) {
    client.send(method + " / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    if (!origin) origin.emplace(rig.origin());
    origin->read_until("\r\n\r\n");
    origin->send(sent);
    EXPECT_EQ(client.read_until("\r\n\r\n"), expected);
  }
}

TEST(Http1, ChunksAndTrailersPassBothWaysWithBordersOfOurOwn) {
  Rig rig;
  Peer client = rig.client();
  client.send(
      "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: Chunked\r\n"
      "Trailer: X-Sum\r\n\r\n3;ext=1\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\nX-Secret: 2\r\n"
      "Content-Length: 3\r\n\r\n");
  Peer origin = rig.origin();
  EXPECT_EQ(origin.read_until("X-Sum: 1\r\n\r\n"),
            "POST / HTTP/1.1\r\nHost: a.example\r\nTrailer: X-Sum\r\nConnection: keep-alive\r\n"
            "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX-Sum: 1\r\n\r\n");
  origin.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
      "x-after: 1\r\nX-Secret: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("x-after: 1\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
            "x-after: 1\r\n\r\n");
  const auto seen = rig.finished(1);
  EXPECT_EQ(seen[0].up, 4u);
  EXPECT_EQ(seen[0].down, 2u);
}

TEST(Http1, ABodyThatEndsWithTheOriginsConnectionBecomesChunked) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.0 200 OK\r\n\r\nab");
  EXPECT_EQ(client.read_until("ab\r\n"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
  origin.close();
  EXPECT_EQ(client.read(5), "0\r\n\r\n");
  client.send(get("/again"));
  Peer other = rig.origin();
  EXPECT_TRUE(other.read_until("\r\n\r\n").starts_with("GET /again "));
  other.send(answer("x"));
  client.read_message();
}

TEST(Http1, AClientOfHttp10IsAnsweredInItsTerms) {
  Rig rig;
  {
    Peer client = rig.client();
    client.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
    Peer origin = rig.origin();
    EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET / HTTP/1.1\r\n"));
    origin.send(
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        "\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi");
  }
  Peer client = rig.client();
  std::optional<Peer> origin;
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
    if (!origin) origin.emplace(rig.origin());
    origin->read_until("\r\n\r\n");
    origin->send(answer("abc"));
    EXPECT_EQ(client.read_message(),
              "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc");
  }
}

TEST(Http1, FiltersMayChangeABodysLength) {
  Rules rules;
  rules.request_body = rules.response_body = shout;
  Rig rig(Http1Entry::kDirect, std::move(rules));
  Peer client = rig.client();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nab");
  Peer origin = rig.origin();
  EXPECT_TRUE(origin.read_until("0\r\n\r\n")
                  .ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\nAB!\r\n0\r\n\r\n"));
  origin.send(answer("cd"));
  EXPECT_EQ(client.read_until("0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nCD!\r\n0\r\n\r\n");
}

TEST(Http1, TheGateMayReplaceAnAnswer) {
  Rules rules;
  rules.respond = [](ResponseHead& head) -> std::optional<Refusal> {
    if (find_field(head.fields, "x-bad") == nullptr) return std::nullopt;
    return Refusal{.status = 502, .fields = {}, .body = "not this", .grpc_message = {}};
  };
  Rig rig(Http1Entry::kDirect, std::move(rules));
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(answer("secret", "X-Bad: 1\r\n"));
  EXPECT_EQ(client.read_message(), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 8\r\n\r\nnot this");
  EXPECT_TRUE(origin.ended());
  client.send(get());
  Peer other = rig.origin();
  other.send(answer("fine"));
  EXPECT_EQ(client.read_message(), answer("fine"));
}

constexpr std::string_view kUpgrade =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

TEST(Http1, AWebSocketFlowsBothWaysWithWhatWasSentEarly) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/ws", kUpgrade) + "early-up");
  Peer origin = rig.origin();
  EXPECT_EQ(origin.read_until("\r\n\r\n"),
            "GET /ws HTTP/1.1\r\nHost: a.example\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  origin.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nearly-down");
  EXPECT_EQ(client.read_until("early-down"),
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly-down");
  EXPECT_EQ(origin.read(8), "early-up");
  client.send("ping");
  EXPECT_EQ(origin.read(4), "ping");
  origin.send("pong");
  EXPECT_EQ(client.read(4), "pong");
  client.close();
  EXPECT_TRUE(origin.ended());
  origin.close();
  const auto seen = rig.finished(1);
  EXPECT_EQ(seen[0].status, 101u);
  EXPECT_EQ(seen[0].up, 12u);
  EXPECT_EQ(seen[0].down, 14u);
}

TEST(Http1, OtherUpgradesAreDroppedAndTheRequestGoesOn) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/",
                  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                  "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"));
  Peer origin = rig.origin();
  EXPECT_EQ(origin.read_until("\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
  origin.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
  EXPECT_TRUE(client.read_message().starts_with("HTTP/1.1 502 "));
}

TEST(Http1, ARefusedWebSocketIsAnOrdinaryAnswer) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/ws", kUpgrade));
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_TRUE(client.read_message().ends_with("\r\n\r\nno"));
}

TEST(Http1, AnExplicitProxyTakesAbsoluteTargetsAndConnect) {
  Rig rig(Http1Entry::kExplicit);
  Peer client = rig.client();
  client.send(
      "GET http://a.example:80/x?y HTTP/1.1\r\nHost: a.example\r\n"
      "Proxy-Connection: keep-alive\r\n\r\n");
  Peer origin = rig.origin();
  EXPECT_EQ(origin.read_until("\r\n\r\n"),
            "GET /x?y HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
  origin.send(answer("x"));
  client.read_message();
  client.send("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n\x16\x03");
  rig.all_ended();
  ASSERT_TRUE(rig.connect().has_value());
  EXPECT_EQ(rig.connect()->authority, "b.example:443");
  EXPECT_EQ(rig.connect()->early, "\x16\x03");
}

}  // namespace
}  // namespace redoubtful::proxy::test
