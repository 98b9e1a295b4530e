// HTTP/2 through the bridge: what passes, and how each end is told of the other's.

#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy {
namespace {

using http2_test::Peer;
using http2_test::World;

std::string value(const Peer::Seen& seen, std::string_view name) {
  const auto* found = seen.field(name);
  return found == nullptr ? "(none)" : *found;
}

TEST(Http2, ARequestAndItsAnswerPass) {
  World world;
  const auto stream = world.get({{"accept", "text/html"}, {"te", "trailers"}});
  world.settle();
  ASSERT_EQ(world.origin.order.size(), 1u);
  const auto& request = world.origin.seen[world.at_origin(0)];
  EXPECT_TRUE(request.ended);
  EXPECT_EQ(value(request, ":method"), "GET");
  EXPECT_EQ(value(request, ":scheme"), "https");
  EXPECT_EQ(value(request, ":authority"), "api.example");
  EXPECT_EQ(value(request, ":path"), "/");
  EXPECT_EQ(value(request, "accept"), "text/html");
  EXPECT_EQ(value(request, "te"), "trailers");
  world.origin.respond(world.at_origin(0), {{":status", "200"}, {"x-made-by", "origin"}},
                       EndStream::kNo);
  world.origin.send(world.at_origin(0), "hello");
  world.origin.end(world.at_origin(0));
  world.settle();
  const auto& answer = world.client.seen[stream];
  EXPECT_EQ(value(answer, ":status"), "200");
  EXPECT_EQ(value(answer, "x-made-by"), "origin");
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(answer.ended);
  EXPECT_FALSE(answer.reset);
  ASSERT_EQ(world.gate.records.size(), 1u);
  const auto& record = *world.gate.records[0];
  EXPECT_EQ(record.finished, 1);
  EXPECT_EQ(record.status, 200u);
  EXPECT_EQ(record.down, 5u);
  EXPECT_EQ(record.failure, "");
}

TEST(Http2, GrpcStreamsBothWaysAndEndsWithTrailers) {
  World world;
  const auto stream = world.post({{"content-type", "application/grpc"}, {"te", "trailers"}});
  world.settle();
  const auto there = world.at_origin(0);
  world.origin.respond(there, {{":status", "200"}, {"content-type", "application/grpc"}},
                       EndStream::kNo);
  for (int i = 0; i < 5; ++i) {
    world.client.send(stream, "ping" + std::to_string(i));
    world.settle();
    ASSERT_TRUE(world.origin.seen[there].body.ends_with("ping" + std::to_string(i)));
    world.origin.send(there, "pong" + std::to_string(i));
    world.settle();
    ASSERT_TRUE(world.client.seen[stream].body.ends_with("pong" + std::to_string(i)));
  }
  world.client.end(stream);
  world.origin.trailers(there, {{"grpc-status", "0"}, {"x-secret", "1"}, {"grpc-message", "ok"}});
  world.settle();
  EXPECT_TRUE(world.origin.seen[there].ended);
  const auto& answer = world.client.seen[stream];
  ASSERT_EQ(answer.heads.size(), 2u);
  EXPECT_EQ(value(answer, "grpc-status"), "0");
  EXPECT_EQ(value(answer, "grpc-message"), "ok");
  EXPECT_EQ(value(answer, "x-secret"), "(none)") << "the Exchange takes it out";
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(world.gate.records[0]->up, 25u);
  EXPECT_EQ(world.gate.records[0]->down, 25u);
}

TEST(Http2, TrailersOfARequestPass) {
  World world;
  const auto stream = world.post();
  world.client.send(stream, "body");
  world.client.trailers(stream, {{"x-checksum", "1"}, {"x-secret", "2"}});
  world.settle();
  const auto& request = world.origin.seen[world.at_origin(0)];
  EXPECT_EQ(request.body, "body");
  ASSERT_EQ(request.heads.size(), 2u);
  EXPECT_EQ(value(request, "x-checksum"), "1");
  EXPECT_EQ(value(request, "x-secret"), "(none)");
  EXPECT_TRUE(request.ended);
}

TEST(Http2, InformationalAnswersPassBeforeTheAnswer) {
  World world;
  const auto stream = world.get();
  world.settle();
  const auto there = world.at_origin(0);
  world.origin.informational(there, {{":status", "103"}, {"link", "</a.css>"}});
  world.settle();
  EXPECT_EQ(value(world.client.seen[stream], ":status"), "103");
  world.origin.respond(there, {{":status", "204"}}, EndStream::kYes);
  world.settle();
  EXPECT_EQ(world.client.seen[stream].heads.size(), 2u);
  EXPECT_EQ(value(world.client.seen[stream], ":status"), "204");
  EXPECT_TRUE(world.client.seen[stream].ended);
  EXPECT_EQ(world.gate.records[0]->status, 204u);
}

TEST(Http2, AnAnswerToHeadKeepsItsLength) {
  World world;
  const auto stream =
      world.client.request(http2_test::request_fields("HEAD", "api.example", "/"), EndStream::kYes);
  world.settle();
  world.origin.respond(world.at_origin(0), {{":status", "200"}, {"content-length", "1234"}},
                       EndStream::kYes);
  world.settle();
  EXPECT_EQ(value(world.client.seen[stream], "content-length"), "1234");
  EXPECT_TRUE(world.client.seen[stream].ended);
}

TEST(Http2, EveryPieceOfAnEventStreamArrivesAtOnce) {
  World world;
  const auto stream = world.get();
  world.settle();
  world.origin.respond(world.at_origin(0), {{":status", "200"}}, EndStream::kNo);
  std::string all;
  for (int i = 0; i < 50; ++i) {
    const std::string event = "data: " + std::to_string(i) + "\n\n";
    all += event;
    world.origin.send(world.at_origin(0), event);
    world.settle();
    ASSERT_EQ(world.client.seen[stream].body, all);
  }
}

TEST(Http2, AHundredStreamsAtOnceEachGetTheirOwn) {
  World world;
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 100; ++i) streams.push_back(world.get({{"x-number", std::to_string(i)}}));
  world.settle();
  ASSERT_EQ(world.origin.order.size(), 100u);
  for (auto there = world.origin.order.rbegin(); there != world.origin.order.rend(); ++there) {
    world.origin.respond(*there, {{":status", "200"}}, EndStream::kNo);
    world.origin.send(*there, "you are " + value(world.origin.seen[*there], "x-number"));
    world.origin.end(*there);
  }
  world.settle();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(world.client.seen[streams[i]].body, "you are " + std::to_string(i));
    EXPECT_TRUE(world.client.seen[streams[i]].ended);
  }
  for (const auto& record : world.gate.records) EXPECT_EQ(record->finished, 1);
}

TEST(Http2, WhatTheOriginDoesNotTakeAtOnceWaits) {
  World::Options options;
  options.origin.max_streams = 2;
  World world(options);
  world.settle();  // its SETTINGS are known
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 5; ++i) {
    streams.push_back(world.post());
    world.client.send(streams.back(), "body " + std::to_string(i));
    if (i % 2 == 0) {
      world.client.end(streams.back());
    } else {
      world.client.trailers(streams.back(), {{"x-last", std::to_string(i)}});
    }
  }
  world.settle();
  EXPECT_EQ(world.origin.order.size(), 2u);
  world.client.reset(streams[2], NGHTTP2_CANCEL);  // one of those that wait
  world.settle();
  for (std::size_t i = 0; i < world.origin.order.size(); ++i) {
    world.origin.respond(world.at_origin(i), {{":status", "200"}}, EndStream::kYes);
    world.settle();
  }
  ASSERT_EQ(world.origin.order.size(), 4u);
  EXPECT_EQ(world.origin.seen[world.at_origin(2)].body, "body 3");
  EXPECT_EQ(value(world.origin.seen[world.at_origin(2)], "x-last"), "3");
  EXPECT_TRUE(world.origin.seen[world.at_origin(3)].ended);
  for (const int i : {0, 1, 3, 4}) {
    EXPECT_TRUE(world.client.seen[streams[static_cast<std::size_t>(i)]].ended) << i;
  }
  for (const auto& record : world.gate.records) EXPECT_EQ(record->finished, 1);
}

// An origin that answers early and still reads is sent the rest.
TEST(Http2, ABodyGoesOnAfterAnEarlyAnswer) {
  World world;
  const auto stream = world.post();
  world.settle();
  world.origin.respond(world.at_origin(0), {{":status", "200"}}, EndStream::kYes);
  world.settle();
  EXPECT_TRUE(world.client.seen[stream].ended);
  world.client.send(stream, "late");
  world.client.end(stream);
  world.settle();
  EXPECT_EQ(world.origin.seen[world.at_origin(0)].body, "late");
  EXPECT_TRUE(world.origin.seen[world.at_origin(0)].ended);
  EXPECT_EQ(world.gate.records[0]->finished, 1);
  EXPECT_EQ(world.gate.records[0]->failure, "");
}

TEST(Http2, SecretsAreNeverIndexedOnTheWay) {
  World world;
  const auto stream = world.get({{"authorization", "Bearer x"}, {"x-api-key", "y"}, {"a", "b"}});
  world.settle();
  EXPECT_EQ(world.origin.seen[world.at_origin(0)].never_indexed[0], 2u);
  world.origin.respond(world.at_origin(0), {{":status", "200"}, {"set-cookie", "a=b"}},
                       EndStream::kYes);
  world.settle();
  EXPECT_EQ(world.client.seen[stream].never_indexed[0], 1u);
}

TEST(Http2, PingsAreAnswered) {
  World world;
  world.client.ping();
  world.origin.ping();
  world.settle();
  EXPECT_EQ(world.client.pongs, 1u);
  EXPECT_EQ(world.origin.pongs, 1u);
}

// Turns every 'a' into "bb", and holds back the last byte until it knows.
class Doubling final : public BodyFilter {
 public:
  void feed(std::string_view in, std::string& out) override {
    for (const char c : in) {
      flush(out);
      held_ = c;
    }
  }
  void finish(std::string& out) override { flush(out); }

 private:
  void flush(std::string& out) {
    if (held_ == 'a') {
      out += "bb";
    } else if (held_ != 0) {
      out += held_;
    }
    held_ = 0;
  }
  char held_ = 0;
};

TEST(Http2, FiltersMayChangeTheLengthOfABody) {
  World world;
  world.gate.request_filter = [] { return std::make_unique<Doubling>(); };
  world.gate.response_filter = [] { return std::make_unique<Doubling>(); };
  const auto stream = world.post({{"content-length", "4"}});
  world.client.send(stream, "xaya");
  world.client.end(stream);
  world.settle();
  const auto there = world.at_origin(0);
  EXPECT_EQ(value(world.origin.seen[there], "content-length"), "(none)");
  EXPECT_EQ(world.origin.seen[there].body, "xbbybb");
  EXPECT_TRUE(world.origin.seen[there].ended);
  world.origin.respond(there, {{":status", "200"}, {"content-length", "3"}}, EndStream::kNo);
  world.origin.send(there, "aaa");
  world.origin.end(there);
  world.settle();
  EXPECT_EQ(value(world.client.seen[stream], "content-length"), "(none)");
  EXPECT_EQ(world.client.seen[stream].body, "bbbbbb");
  EXPECT_TRUE(world.client.seen[stream].ended);
}

}  // namespace
}  // namespace redoubtful::proxy
