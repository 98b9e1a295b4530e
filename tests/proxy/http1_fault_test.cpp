// What goes wrong on either side, and what the other side sees of it.

#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/http1_rig.hpp"

namespace redoubtful::proxy::test {
namespace {

constexpr std::string_view kPost =
    "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n";

TEST(Http1Fault, AnOriginConnectionThatClosedWhileIdleIsReplaced) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1"));
  {
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send(answer("one"));
    client.read_message();
  }
  client.send(std::string(kPost) + "hello");
  Peer origin = rig.origin();
  EXPECT_TRUE(origin.read_message().ends_with("hello"));
  origin.send(answer("two"));
  EXPECT_TRUE(client.read_message().ends_with("two"));
}

TEST(Http1Fault, AnOriginThatClosesUnderTheSecondRequestIsAskedOnceMoreForAGet) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1"));
  {
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send(answer("one"));
    client.read_message();
    client.send(get("/2"));
    origin.read_until("\r\n\r\n");
  }
  Peer origin = rig.origin();
  EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET /2 "));
  origin.close();
  EXPECT_TRUE(client.read_message().starts_with("HTTP/1.1 502 "));
  EXPECT_FALSE(rig.origin_waiting());
}

TEST(Http1Fault, APostIsNeverSentTwice) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1"));
  {
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send(answer("one"));
    client.read_message();
    client.send(std::string(kPost) + "hello");
    origin.read_message();
  }
  EXPECT_TRUE(client.read_message().starts_with("HTTP/1.1 502 "));
  EXPECT_FALSE(rig.origin_waiting());
  EXPECT_NE(rig.finished(2)[1].failure, "");
}

TEST(Http1Fault, AnOriginThatDiesInItsAnswerNeverLooksFinished) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Content-Length: 10\r\n\r\nabc", "abc"},
      {"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "abc\r\n"},
      {"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "abc\r\n"},
      {"Transfer-Encoding: chunked\r\n\r\n9\r\nabc", "abc\r\n"},
  };
  for (const auto& [sent, end] : cases) {
    SCOPED_TRACE(sent);
    Rig rig;
    Peer client = rig.client();
    client.send(get());
    {
      Peer origin = rig.origin();
      origin.read_until("\r\n\r\n");
      origin.send("HTTP/1.1 200 OK\r\n" + sent);
      const std::string got = client.read_until(end);
      EXPECT_TRUE(got.ends_with(end));
    }
    EXPECT_EQ(client.read_to_end().find("0\r\n\r\n"), std::string::npos);
    EXPECT_NE(rig.finished(1)[0].failure, "");
  }
}

TEST(Http1Fault, AResetOfTheOriginCutsABodyWithoutALength) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.1 200 OK\r\n\r\nabc");
  client.read_until("abc\r\n");
  origin.reset();
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_NE(rig.finished(1)[0].failure, "");
}

TEST(Http1Fault, AClientOfHttp10SeesAResetWhereItsAnswerIsCut) {
  Rig rig;
  Peer client = rig.client();
  client.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.read_until("abc");
  origin.close();
  client.read_to_end();
  EXPECT_TRUE(client.was_reset());
}

TEST(Http1Fault, ABrokenAnswerIsA502) {
  const std::vector<std::string> answers = {
      "",
      "HTTP/1.1 200 OK\r\nContent-Len",
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 99 No\r\n\r\n",
      "HTTP/1.1 200 OK\nX: y\n\n",
      "HTTP/1.1 200 OK\r\n X: y\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  };
  for (const std::string& bytes : answers) {
    SCOPED_TRACE(bytes.substr(0, 100));
    Rig rig;
    Peer client = rig.client();
    client.send(get());
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    EXPECT_TRUE(origin.try_send(bytes));
    origin.half_close();
    const std::string got = client.read_message();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 502 ")) << got;
    const auto seen = rig.finished(1);
    EXPECT_EQ(seen[0].status, 502u);
    EXPECT_NE(seen[0].failure, "");
  }
}

TEST(Http1Fault, AnotherProtocolIsNotWaitedFor) {
  for (const std::string bytes : {"SSH-2.0-OpenSSH_9.2\r\n", "220 mail.example ESMTP\r\n", "x"}) {
    Rig rig;
    Peer client = rig.client();
    client.send(get());
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    const auto begun = std::chrono::steady_clock::now();
    origin.send(bytes);  // and nothing more
    const std::string got = client.read_message();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 502 ")) << got;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, limits::kHead / 2);
    EXPECT_EQ(rig.finished(1)[0].failure, "the origin does not answer in HTTP/1");
  }
}

TEST(Http1Fault, ABodyThatIsMalformedBeforeAnythingWasPassedOnIsA502) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  const std::string got = client.read_message();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 502 ")) << got;
  EXPECT_NE(rig.finished(1)[0].failure.find("malformed"), std::string::npos);
}

TEST(Http1Fault, ABodyThatIsMalformedLaterIsCut) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.read_until("abc\r\n");
  origin.send("xyz\r\n");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_NE(rig.finished(1)[0].failure.find("malformed"), std::string::npos);
}

TEST(Http1Fault, BytesBehindAnAnswerAreNotTheAnswerToTheNextRequest) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1"));
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(answer("one") + answer("poison"));
  EXPECT_EQ(client.read_message(), answer("one"));
  client.send(get("/2"));
  Peer fresh = rig.origin();
  fresh.read_until("\r\n\r\n");
  fresh.send(answer("two"));
  EXPECT_EQ(client.read_message(), answer("two"));
}

TEST(Http1Fault, AnUnaskedAnswerOnAnIdleConnectionIsNotUsed) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1"));
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(answer("one"));
  EXPECT_EQ(client.read_message(), answer("one"));
  origin.send(answer("poison"));
  client.send(get("/2"));
  Peer fresh = rig.origin();
  fresh.read_until("\r\n\r\n");
  fresh.send(answer("two"));
  EXPECT_EQ(client.read_message(), answer("two"));
}

TEST(Http1Fault, AnEarlyAnswerIsDeliveredAndTheRestOfTheBodyIsNotWaitedFor) {
  Rig rig;
  Peer client = rig.client();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\nhel");
  Peer origin = rig.origin();
  origin.read_until("hel");
  origin.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_TRUE(client.read_message().ends_with("\r\n\r\nno"));
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(origin.ended());
}

TEST(Http1Fault, AClientThatWasAnsweredAndKeepsStillIsLetGoOf) {
  Rig rig;
  Peer client = rig.client();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\nhel");
  Peer origin = rig.origin();
  origin.read_until("hel");
  origin.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_TRUE(client.read_message().ends_with("\r\n\r\nno"));
  rig.all_ended();  // limits::kRefusalWrite later
}

TEST(Http1Fault, AnOriginThatAnswersAndClosesWhileTheClientSendsIsHeard) {
  Rig rig;
  Peer client = rig.client();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 90000000\r\n\r\n");
  {
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    origin.half_close();
    EXPECT_TRUE(client.read_message().ends_with("\r\n\r\nno"));
  }
  (void)client.try_send(std::string(100'000, 'x'));
  client.close();
  rig.all_ended();
}

TEST(Http1Fault, AnEarlyAnswerThatEchoesTheBodyKeepsBothWaysOpen) {
  Rig rig;
  Peer client = rig.client();
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n");
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.read_until("\r\n\r\n");
  for (int i = 0; i < 5; ++i) {
    client.send("3\r\nabc\r\n");
    EXPECT_EQ(origin.read(8), "3\r\nabc\r\n");
    origin.send("3\r\nABC\r\n");
    EXPECT_EQ(client.read(8), "3\r\nABC\r\n");
  }
  client.send("0\r\n\r\n");
  EXPECT_EQ(origin.read(5), "0\r\n\r\n");
  origin.send("0\r\n\r\n");
  EXPECT_EQ(client.read(5), "0\r\n\r\n");
  client.send(get("/next"));
  EXPECT_TRUE(origin.read_until("\r\n\r\n").starts_with("GET /next "));
  origin.send(answer("x"));
  client.read_message();
}

TEST(Http1Fault, AMalformedBodyIsAnsweredAndTheOriginIsLetGo) {
  for (const std::string_view bad :
       {"x\r\n", "3\r\nabcd\r\n", "3\nabc\r\n", "ffffffffffffffff\r\n"}) {
    SCOPED_TRACE(std::string(bad));
    Rig rig;
    Peer client = rig.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    Peer origin = rig.origin();
    origin.read_until("1\r\na\r\n");
    client.send(bad);
    EXPECT_TRUE(client.read_message().starts_with("HTTP/1.1 400 "));
    EXPECT_EQ(origin.read_to_end().find("0\r\n\r\n"), std::string::npos);
    EXPECT_EQ(rig.malformed().size(), 1u);
    client.close();
    EXPECT_EQ(rig.finished(1)[0].status, 400u);
  }
}

TEST(Http1Fault, AClientThatEndsWithinItsRequestLeavesNothingAtTheOrigin) {
  Rig rig;
  Peer client = rig.client();
  client.send(std::string(kPost) + "he");
  Peer origin = rig.origin();
  origin.read_until("he");
  client.close();
  EXPECT_TRUE(origin.ended());
  EXPECT_EQ(rig.finished(1)[0].status, 0u);
}

TEST(Http1Fault, AClientThatGoesWhileTheOriginThinksFreesTheOrigin) {
  for (const bool reset : {false, true}) {
    Rig rig;
    Peer client = rig.client();
    client.send(get());
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    reset ? client.reset() : client.close();
    EXPECT_TRUE(origin.ended()) << "within 10 s";
    EXPECT_EQ(rig.finished(1)[0].status, 0u);
  }
}

TEST(Http1Fault, AClientThatHalfClosesStillGetsItsAnswer) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  client.half_close();
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  // Asked whether it is there, which is before an answer comes.
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(origin.quiet());
  origin.send(answer("patience"));
  EXPECT_EQ(client.read_to_end(), answer("patience"));
}

TEST(Http1Fault, AnAnswerAfterAQuickHalfCloseIsNotPrecededByAnything) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  client.half_close();
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(answer("quick"));
  EXPECT_EQ(client.read_to_end(), answer("quick"));
}

TEST(Http1Fault, TheNextRequestMayArriveWhileTheOriginThinks) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/1"));
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  client.half_close();
  client.read_until("\r\n\r\n");  // the look is under way
  client.read_until("\r\n\r\n");
  origin.send(answer("one"));
  EXPECT_EQ(client.read_message(), answer("one"));
  EXPECT_TRUE(client.ended());
}

TEST(Http1Fault, WhereNoOriginIsReachedTheClientIsToldWhy) {
  Rules rules;
  rules.no_origin = Refusal{.status = 504, .fields = {}, .body = "late", .grpc_message = {}};
  Rig rig(Http1Entry::kDirect, std::move(rules));
  Peer client = rig.client();
  for (int i = 0; i < 2; ++i) {
    client.send(std::string(kPost) + "hello");
    EXPECT_EQ(client.read_message(),
              "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 4\r\n\r\nlate");
  }
  EXPECT_EQ(rig.finished(2)[1].status, 504u);
}

}  // namespace
}  // namespace redoubtful::proxy::test
