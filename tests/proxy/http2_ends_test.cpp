// HTTP/2: resets, GOAWAY, deaths.

#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy {
namespace {

using http2_test::Peer;
using http2_test::World;

constexpr std::size_t kMiB = 1024 * 1024;

std::string value(const Peer::Seen& seen, std::string_view name) {
  const auto* found = seen.field(name);
  return found == nullptr ? "(none)" : *found;
}

void answer(World& world, std::int32_t there, std::string_view body) {
  world.origin.respond(there, {{":status", "200"}}, EndStream::kNo);
  world.origin.send(there, body);
  world.origin.end(there);
}

TEST(Http2Ends, AResetOfTheClientReachesTheOriginWithItsCode) {
  for (const std::uint32_t code :
       {NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR}) {
    World world;
    const auto stream = world.post();
    world.client.send(stream, "some");
    world.settle();
    world.client.reset(stream, code);
    world.settle();
    EXPECT_EQ(world.origin.seen[world.at_origin(0)].reset, code);
    EXPECT_EQ(world.gate.records[0]->finished, 1);
    EXPECT_NE(world.gate.records[0]->failure.find("the client"), std::string::npos);
  }
}

TEST(Http2Ends, AResetOfTheOriginReachesTheClientWithItsCode) {
  for (const std::uint32_t code :
       {NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_HTTP_1_1_REQUIRED}) {
    for (const bool answered : {false, true}) {
      World world;
      const auto stream = world.get();
      world.settle();
      if (answered) {
        world.origin.respond(world.at_origin(0), {{":status", "200"}}, EndStream::kNo);
        world.origin.send(world.at_origin(0), "some");
        world.settle();
      }
      world.origin.reset(world.at_origin(0), code);
      world.settle();
      EXPECT_EQ(world.client.seen[stream].reset, code);
      EXPECT_FALSE(world.client.seen[stream].ended);
      EXPECT_EQ(world.gate.records[0]->finished, 1);
      EXPECT_NE(world.gate.records[0]->failure.find("the origin"), std::string::npos);
    }
  }
}

TEST(Http2Ends, AWholeAnswerIsNotCutByTheResetThatFollowsIt) {
  World world;
  const auto stream = world.post();
  world.client.hold(stream);
  world.settle();
  answer(world, world.at_origin(0), std::string(150 * 1024, 'x'));
  world.settle();
  world.origin.reset(world.at_origin(0), NGHTTP2_NO_ERROR);
  world.settle();
  EXPECT_FALSE(world.client.seen[stream].reset);
  world.client.release(stream);
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body.size(), 150u * 1024u);
  EXPECT_TRUE(world.client.seen[stream].ended);
  EXPECT_EQ(world.client.seen[stream].reset, NGHTTP2_NO_ERROR);
  EXPECT_EQ(world.gate.records[0]->failure, "");
}

TEST(Http2Ends, AfterGoawayOfTheOriginWhatRunsEndsAndNothingNewBegins) {
  World world;
  const auto stream = world.get();
  world.settle();
  world.origin.goaway(NGHTTP2_NO_ERROR, world.at_origin(0));
  world.settle();
  EXPECT_EQ(world.client.goaway_code, NGHTTP2_NO_ERROR);
  EXPECT_EQ(world.client.goaway_last, stream) << "what came later may be tried again elsewhere";
  EXPECT_FALSE(world.client_stream.shut());
  answer(world, world.at_origin(0), "the last");
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body, "the last");
  EXPECT_TRUE(world.client.seen[stream].ended);
  EXPECT_TRUE(world.client_stream.shut());
  EXPECT_TRUE(world.origin_stream.closed());
  EXPECT_TRUE(world.done);
}

TEST(Http2Ends, WhatGoawayLeavesOutIsRefusedSoThatTheClientTriesAgain) {
  World world;
  const auto first = world.get();
  const auto second = world.get();
  world.settle();
  world.origin.goaway(NGHTTP2_NO_ERROR, world.at_origin(0));
  world.settle();
  EXPECT_EQ(world.client.seen[second].reset, NGHTTP2_REFUSED_STREAM);
  answer(world, world.at_origin(0), "x");
  world.settle();
  EXPECT_TRUE(world.client.seen[first].ended);
  EXPECT_TRUE(world.done);
}

TEST(Http2Ends, WhatWaitsAtGoawayIsRefusedSoThatTheClientTriesAgain) {
  World::Options options;
  options.origin.max_streams = 1;
  World world(options);
  world.settle();
  const auto first = world.get();
  const auto second = world.get();
  world.settle();
  world.origin.goaway(NGHTTP2_NO_ERROR, world.at_origin(0));
  world.settle();
  EXPECT_EQ(world.client.seen[second].reset, NGHTTP2_REFUSED_STREAM);
  EXPECT_FALSE(world.client.seen[first].reset);
  for (const auto& record : world.gate.records) EXPECT_LE(record->finished, 1);
}

TEST(Http2Ends, AfterGoawayOfTheClientWhatRunsEnds) {
  World world;
  const auto stream = world.get();
  world.settle();
  world.client.goaway(NGHTTP2_NO_ERROR, 0);
  world.settle();
  EXPECT_FALSE(world.done);
  answer(world, world.at_origin(0), "the last");
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body, "the last");
  EXPECT_TRUE(world.done);
  EXPECT_EQ(world.origin.goaway_code, NGHTTP2_NO_ERROR);
}

TEST(Http2Ends, TheOriginDiesAndEachStreamIsToldWhatIsLeftToTell) {
  World world;
  const auto whole = world.get();
  const auto half = world.get();
  const auto none = world.post();
  const auto grpc = world.post({{"content-type", "application/grpc"}});
  world.client.hold(whole);
  world.settle();
  answer(world, world.at_origin(0), std::string(100 * 1024, 'x'));
  world.origin.respond(world.at_origin(1), {{":status", "200"}}, EndStream::kNo);
  world.origin.send(world.at_origin(1), "half");
  world.settle();
  world.origin_stream.hang_up();
  world.settle();
  EXPECT_EQ(world.client.goaway_code, NGHTTP2_NO_ERROR);
  EXPECT_EQ(world.client.seen[half].reset, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(value(world.client.seen[none], ":status"), "502");
  EXPECT_TRUE(world.client.seen[none].ended);
  EXPECT_EQ(value(world.client.seen[grpc], "grpc-status"), "14");
  EXPECT_FALSE(world.done);
  world.client.end(none);
  world.client.end(grpc);
  world.client.release(whole);
  world.settle();
  EXPECT_EQ(world.client.seen[whole].body.size(), 100u * 1024u);
  EXPECT_TRUE(world.client.seen[whole].ended);
  EXPECT_TRUE(world.done);
  for (const auto& record : world.gate.records) EXPECT_EQ(record->finished, 1);
  EXPECT_EQ(world.gate.records[0]->failure, "");
  EXPECT_NE(world.gate.records[1]->failure, "");
}

TEST(Http2Ends, AClientThatNeverEndsItsUploadDoesNotKeepADyingConnection) {
  World::Options options;
  options.idle = std::chrono::milliseconds(200);  // not over before the request is there
  World world(options);
  const auto stream = world.post();
  world.settle();
  world.origin_stream.hang_up();
  while (!world.done) world.settle();
  EXPECT_EQ(value(world.client.seen[stream], ":status"), "502");
  EXPECT_EQ(world.gate.records[0]->finished, 1);
}

TEST(Http2Ends, AnOriginThatIsNotHttp2IsAFailureAndNotAHang) {
  World world;
  const auto stream = world.get();
  world.settle();
  world.origin_stream.give("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  world.settle();
  EXPECT_EQ(value(world.client.seen[stream], ":status"), "502");
  EXPECT_TRUE(world.done);
}

TEST(Http2Ends, TheClientDiesAndTheOriginIsToldAtOnce) {
  World world;
  world.get();
  const auto uploading = world.post();
  world.client.send(uploading, std::string(kMiB, 'x'));
  world.settle();
  world.client_stream.hang_up();
  world.settle();
  EXPECT_EQ(world.origin.seen[world.at_origin(0)].reset, NGHTTP2_CANCEL);
  EXPECT_EQ(world.origin.seen[world.at_origin(1)].reset, NGHTTP2_CANCEL);
  EXPECT_EQ(world.origin.goaway_code, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(world.origin_stream.closed());
  EXPECT_TRUE(world.done);
  for (const auto& record : world.gate.records) {
    EXPECT_EQ(record->finished, 1);
    EXPECT_NE(record->failure.find("the client"), std::string::npos);
  }
}

TEST(Http2Ends, AConnectionWithoutRequestsIsEnded) {
  World::Options options;
  options.idle = std::chrono::milliseconds(1);
  World world(options);
  while (!world.done) world.settle();
  EXPECT_EQ(world.client.goaway_code, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(world.client_stream.shut());
}

TEST(Http2Ends, AConnectionWithARequestIsNeverIdle) {
  World::Options options;
  options.idle = std::chrono::milliseconds(1);
  World world(options);
  const auto stream = world.get();
  world.settle();
  if (world.origin.order.empty()) return;  // the machine was slower than the request
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  while (std::chrono::steady_clock::now() < until) world.settle();
  EXPECT_FALSE(world.done);
  answer(world, world.at_origin(0), "late");
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body, "late");
}

}  // namespace
}  // namespace redoubtful::proxy
