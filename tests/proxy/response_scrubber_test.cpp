// Whole answers of a host that gets a credential, as its Exchange changes them.

#include "proxy/response_scrubber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/gate_support.hpp"
#include "tests/proxy/packed.hpp"

namespace redoubtful::proxy::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ResponseScrubberTest : public testing::Test {
 protected:
  GateWorld world_{
      RuleList().allow("api.example").allow("other.example").allow("http://api.example")};

  std::unique_ptr<Exchange> exchange(std::string name, std::string method = "GET",
                                     Fields fields = {}) {
    gate_ = world_.on(name);
    Judged judged = gate_->judge(request(name, "/v1?q=1", std::move(fields), std::move(method)));
    return std::move(std::get<std::unique_ptr<Exchange>>(judged));
  }

  static ResponseHead head(unsigned status, Fields fields) {
    ResponseHead out;
    out.status = status;
    out.reason = "Reason";
    out.fields = std::move(fields);
    return out;
  }

  // Everything that the client gets, "refused …" where it gets nothing of it.
  static std::string through(Exchange& exchange, ResponseHead answer, std::string_view body) {
    const auto judged = exchange.respond(answer);
    if (const auto* refusal = std::get_if<Refusal>(&judged)) {
      return "refused " + std::to_string(refusal->status) + " " + refusal->body;
    }
    std::string out = answer.reason + "\n";
    for (const auto& field : answer.fields) out += field.name + ": " + field.value + "\n";
    BodyFilter* filter = exchange.response_body();
    if (filter == nullptr) return out.append(body);
    for (const char c : body) {
      filter->feed({&c, 1}, out);
      while (filter->pending()) filter->feed({}, out);
    }
    filter->finish(out);
    return filter->fault().empty() ? out : "cut";
  }

  std::unique_ptr<Gate> gate_;
};

TEST_F(ResponseScrubberTest, AnswersOfTheCredentialsHostHaveTheSurrogate) {
  const std::string real = kReal;
  auto one = exchange("api.example");
  ResponseHead answer = head(200, {{"x-key", real}, {"location", "/?k=" + real}, {real, "x"}});
  answer.reason = "OK " + real;
  const std::string seen = through(*one, answer, "you sent " + real + "!");
  EXPECT_THAT(seen, AllOf(Not(HasSubstr(real)), HasSubstr("x-key: " + std::string(kFake)),
                          HasSubstr("location: /?k=" + std::string(kFake)),
                          HasSubstr("OK " + std::string(kFake)),
                          HasSubstr("you sent " + std::string(kFake) + "!")));
  Fields trailers = {{"x-last", real}};
  one->response_trailers(trailers);
  EXPECT_EQ(trailers[0].value, kFake);
  Fields hints = {{"link", "</" + real + ">"}};
  one->interim(hints);
  EXPECT_EQ(hints[0].value, "</" + std::string(kFake) + ">");
  one->finished(200, 0, 0, {});
  const auto log = world_.log();
  const auto& scrub = log.back();
  EXPECT_EQ(scrub.at("event"), "scrub");
  EXPECT_EQ(scrub.at("host"), "api.example");
  EXPECT_EQ(scrub.at("path"), "/v1");
  EXPECT_EQ(scrub.at("credential"), "github");
  EXPECT_EQ(scrub.at("count"), 7);
}

TEST_F(ResponseScrubberTest, OtherHostsPayNothingAndAreNotChanged) {
  auto one = exchange("other.example", "GET", {{"accept-encoding", "br"}});
  EXPECT_EQ(*find_field(one->request().fields, "accept-encoding"), "br");
  const std::string seen =
      through(*one, head(200, {{"content-encoding", "br"}, {"x-key", kReal}}), kReal);
  EXPECT_EQ(seen, "Reason\ncontent-encoding: br\nx-key: " + std::string(kReal) + "\n" + kReal);
  EXPECT_EQ(one->response_body(), nullptr);
  one->finished(200, 0, 0, {});
  EXPECT_EQ(world_.events(), (std::vector<std::string>{"request other.example"}));
}

TEST_F(ResponseScrubberTest, AnAnswerWithoutTheSecretIsNotSpokenOf) {
  auto one = exchange("api.example");
  EXPECT_THAT(through(*one, head(200, {{"content-length", "5"}}), "plain"),
              HasSubstr("content-length: 5\nplain"));
  EXPECT_TRUE(one->response_body()->keeps_length());
  one->finished(200, 0, 0, {});
  EXPECT_EQ(world_.events(), (std::vector<std::string>{"request api.example"}));
}

TEST_F(ResponseScrubberTest, SuchAHostIsAskedForWhatCanBeRead) {
  auto one = exchange("api.example", "GET",
                      {{"Accept-Encoding", "gzip, br"},
                       {"accept-encoding", "zstd"},
                       {"grpc-accept-encoding", "gzip"},
                       {"Sec-WebSocket-Extensions", "permessage-deflate"}});
  const Fields& fields = one->request().fields;
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].name, "accept-encoding");
  EXPECT_EQ(fields[0].value, "identity");
}

TEST_F(ResponseScrubberTest, GzipAndDeflateAreUnpacked) {
  const std::string text = "packed " + std::string(kReal) + " text";
  for (const auto& [coding, format] :
       {std::pair{"gzip", kGzip}, {"x-GZIP", kGzip}, {"deflate", kZlib}, {"deflate", kBare}}) {
    auto one = exchange("api.example");
    const std::string seen = through(*one,
                                     head(200, {{"content-encoding", coding},
                                                {"content-length", "7"},
                                                {"Content-MD5", "x"},
                                                {"x-amz-checksum-crc32", "x"},
                                                {"etag", "\"one\""},
                                                {"content-type", "text/plain"}}),
                                     packed(text, format));
    EXPECT_EQ(seen, "Reason\netag: W/\"one\"\ncontent-type: text/plain\npacked " +
                        std::string(kFake) + " text");
    EXPECT_FALSE(one->response_body()->keeps_length());
  }
  auto broken = exchange("api.example");
  EXPECT_EQ(through(*broken, head(200, {{"content-encoding", "gzip"}}),
                    packed(text, kGzip).substr(0, 30)),
            "cut");
}

TEST_F(ResponseScrubberTest, WhatCannotBeReadIsRefusedInWords) {
  const std::vector<std::pair<unsigned, Fields>> unreadable = {
      {200, {{"content-encoding", "br"}}},
      {200, {{"Content-Encoding", "zstd"}}},
      {404, {{"content-encoding", "something"}}},
      {200, {{"content-encoding", "gzip, gzip"}}},
      {200, {{"content-encoding", "gzip"}, {"content-encoding", "gzip"}}},
      {206, {{"content-encoding", "gzip"}}},
      {200, {{"content-type", "application/grpc"}, {"grpc-encoding", "gzip"}}},
      {200, {{"connect-content-encoding", "br"}}},
      {101, {{"sec-websocket-extensions", "permessage-deflate"}}},
  };
  for (const auto& [status, fields] : unreadable) {
    auto one = exchange("api.example");
    const std::string seen = through(*one, head(status, fields), kReal);
    EXPECT_THAT(seen, AllOf(HasSubstr("refused 502"), HasSubstr("api.example answers with"),
                            Not(HasSubstr(kReal))));
  }
  const std::vector<std::pair<unsigned, Fields>> readable = {
      {200, {{"content-encoding", "identity"}}}, {200, {{"content-encoding", ""}}},
      {200, {{"grpc-encoding", "identity"}}},    {206, {{"content-range", "bytes 0-5/9"}}},
      {204, {{"content-encoding", "br"}}},       {304, {{"content-encoding", "zstd"}}},
      {101, {{"sec-websocket-accept", "x"}}},
  };
  for (const auto& [status, fields] : readable) {
    auto one = exchange("api.example");
    EXPECT_THAT(through(*one, head(status, fields), ""), Not(HasSubstr("refused"))) << status;
  }
  auto asked = exchange("api.example", "HEAD");
  EXPECT_THAT(through(*asked, head(200, {{"content-encoding", "br"}, {"x", kReal}}), ""),
              AllOf(HasSubstr("content-encoding: br"), HasSubstr(kFake)));
}

}  // namespace
}  // namespace redoubtful::proxy::test
