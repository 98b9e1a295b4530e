// A request whose credential was refused is sent once more, and the client sees one answer.

#include <gmock/gmock.h>

#include "tests/proxy/http1_rig.hpp"

namespace redoubtful::proxy::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kRefused =
    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nno\n";

Rules renewing(std::size_t keeps = 1 << 20) {
  Rules rules;
  rules.keeps = keeps;
  rules.again = [](unsigned status, RequestHead& head) {
    remove_fields(head.fields, "x-token");
    head.fields.push_back({"X-Token", "new"});
    return status == 401;
  };
  return rules;
}

std::string post(std::size_t bytes, std::string_view fields = "") {
  return "POST /x HTTP/1.1\r\nHost: a.example\r\nX-Token: old\r\nContent-Length: " +
         std::to_string(bytes) + "\r\n" + std::string(fields) + "\r\n";
}

TEST(Http1Again, ARefusedRequestIsSentOnceMoreWithItsBody) {
  Rig rig(Http1Entry::kDirect, renewing());
  Peer client = rig.client();
  const std::string body = std::string(300'000, 'a') + "end";
  client.send(post(body.size()) + body);
  Peer first = rig.origin();
  EXPECT_THAT(first.read_until("\r\n\r\n"), HasSubstr("X-Token: old"));
  EXPECT_EQ(first.read(body.size()), body);
  first.send(kRefused);
  Peer second = rig.origin();
  const std::string head = second.read_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("X-Token: new"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 300003"));
  EXPECT_EQ(second.read(body.size()), body);
  second.send(answer("done"));
  const std::string got = client.read_message();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(got, HasSubstr("done"));
  client.send(get("/next"));
  EXPECT_THAT(second.read_until("\r\n\r\n"), StartsWith("GET /next"));
  second.send(answer("next"));
  EXPECT_THAT(client.read_message(), HasSubstr("next")) << "the connection goes on";
}

TEST(Http1Again, AnAnswerThatComesBeforeTheBodyIsThereWaitsForIt) {
  Rig rig(Http1Entry::kDirect, renewing());
  Peer client = rig.client();
  const std::string body = std::string(200'000, 'b') + "end";
  client.send(post(body.size()) + body.substr(0, 1000));
  Peer first = rig.origin();
  first.read_until("\r\n\r\n");
  first.send(kRefused);
  client.send(body.substr(1000));
  Peer second = rig.origin();
  EXPECT_THAT(second.read_until("\r\n\r\n"), HasSubstr("X-Token: new"));
  EXPECT_EQ(second.read(body.size()), body);
  second.send(answer("done"));
  EXPECT_THAT(client.read_message(), HasSubstr("done"));
}

TEST(Http1Again, AChunkedBodyIsSentAgainAsOne) {
  Rig rig(Http1Entry::kDirect, renewing());
  Peer client = rig.client();
  client.send(
      "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\n");
  Peer first = rig.origin();
  first.read_until("0\r\n\r\n");
  first.send(kRefused);
  Peer second = rig.origin();
  EXPECT_THAT(second.read_until("0\r\n\r\n"), HasSubstr("5\r\nhello\r\n"));
  second.send(answer("done"));
  EXPECT_THAT(client.read_message(), HasSubstr("done"));
}

TEST(Http1Again, WhatIsLongerThanIsKeptIsAnsweredAsItWas) {
  Rig rig(Http1Entry::kDirect, renewing(1000));
  Peer client = rig.client();
  const std::string body(5000, 'c');
  client.send(post(body.size()) + body);
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  EXPECT_EQ(origin.read(body.size()), body);
  origin.send(kRefused);
  EXPECT_THAT(client.read_message(), StartsWith("HTTP/1.1 401"));
  EXPECT_FALSE(rig.origin_waiting());
}

TEST(Http1Again, OtherAnswersAndThoseOfWhomNobodyRenewsPassUnchanged) {
  for (const bool renews : {true, false}) {
    Rules rules = renewing();
    if (!renews) rules.again = [](unsigned, RequestHead&) { return false; };
    Rig rig(Http1Entry::kDirect, std::move(rules));
    Peer client = rig.client();
    client.send(get());
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send(renews ? "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nno\n" : kRefused);
    EXPECT_THAT(client.read_message(), StartsWith(renews ? "HTTP/1.1 403" : "HTTP/1.1 401"));
    EXPECT_FALSE(rig.origin_waiting());
  }
}

TEST(Http1Again, AClientThatWaitsForLeaveToSendIsNotWaitedFor) {
  Rig rig(Http1Entry::kDirect, renewing());
  Peer client = rig.client();
  client.send(post(100, "Expect: 100-continue\r\n"));
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(kRefused);
  EXPECT_THAT(client.read_message(), StartsWith("HTTP/1.1 401"));
}

TEST(Http1Again, TheSecondAnswerIsTheLast) {
  Rules rules = renewing();
  auto asked = std::make_shared<int>(0);
  rules.again = [asked](unsigned, RequestHead&) { return ++*asked > 0; };
  Rig rig(Http1Entry::kDirect, std::move(rules));
  Peer client = rig.client();
  client.send(get());
  Peer first = rig.origin();
  first.read_until("\r\n\r\n");
  first.send(kRefused);
  Peer second = rig.origin();
  second.read_until("\r\n\r\n");
  second.send(kRefused);
  EXPECT_THAT(client.read_message(), StartsWith("HTTP/1.1 401"));
  EXPECT_EQ(*asked, 1);
  EXPECT_FALSE(rig.origin_waiting());
}

}  // namespace
}  // namespace redoubtful::proxy::test
