// HTTP/2: resets, GOAWAY, deaths, readers that stand still, floods.

#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::Peer;
using test::request_fields;
using test::World;

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
  options.idle = std::chrono::milliseconds(5);
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

TEST(Http2Stall, AReaderThatStandsStillHoldsItsWindowAndStopsNobody) {
  World world;
  const auto stalled = world.get();
  world.client.hold(stalled);
  world.settle();
  world.origin.respond(world.at_origin(0), {{":status", "200"}}, EndStream::kNo);
  world.origin.send(world.at_origin(0), std::string(32 * kMiB, 'x'));
  world.settle();
  const std::size_t taken = world.origin.sent_body_bytes;
  EXPECT_LE(world.bridge.waiting_bytes(), limits::kStreamWindow);
  EXPECT_LE(taken, limits::kStreamWindow + 64 * 1024 + 64 * 1024);
  for (std::size_t i = 1; i <= 200; ++i) {
    const auto stream = world.get();
    world.settle();
    answer(world, world.at_origin(i), std::string(kMiB, 'y'));
    world.settle();
    ASSERT_EQ(world.client.seen[stream].body.size(), kMiB) << i;
    ASSERT_TRUE(world.client.seen[stream].ended);
  }
  EXPECT_LE(world.bridge.waiting_bytes(), limits::kStreamWindow);
  world.client.release(stalled);
  world.settle();
  EXPECT_EQ(world.client.seen[stalled].body.size(), 32 * kMiB);
}

TEST(Http2Stall, EvenIfAllButOneStandStillThatOneGoesOn) {
  World world;
  for (int i = 0; i < 99; ++i) world.client.hold(world.get());
  world.settle();
  for (std::size_t i = 0; i < 99; ++i) {
    world.origin.respond(world.at_origin(i), {{":status", "200"}}, EndStream::kNo);
    world.origin.send(world.at_origin(i), std::string(kMiB, 'x'));
  }
  world.settle();
  EXPECT_LE(world.bridge.waiting_bytes(), 99 * limits::kStreamWindow);
  const auto stream = world.get();
  world.settle();
  answer(world, world.at_origin(99), std::string(48 * kMiB, 'y'));
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body.size(), 48 * kMiB);
  EXPECT_LE(world.bridge.waiting_bytes(), 99 * limits::kStreamWindow);
}

TEST(Http2Stall, AnOriginThatDoesNotReadAnUploadHoldsItsWindow) {
  World world;
  const auto stream = world.post();
  world.settle();
  world.origin.hold(world.at_origin(0));
  world.client.send(stream, std::string(8 * kMiB, 'x'));
  world.client.end(stream);
  world.settle();
  EXPECT_LE(world.bridge.waiting_bytes(), limits::kStreamWindow);
  EXPECT_LT(world.client.sent_body_bytes, 2 * limits::kStreamWindow);
  world.origin.release(world.at_origin(0));
  world.settle();
  EXPECT_EQ(world.origin.seen[world.at_origin(0)].body.size(), 8 * kMiB);
  EXPECT_TRUE(world.origin.seen[world.at_origin(0)].ended);
}

TEST(Http2Stall, AClientThatReadsNothingAtAllHoldsItsWindows) {
  World world;
  world.get();
  world.settle();
  world.client.set_deaf(true);
  world.origin.respond(world.at_origin(0), {{":status", "200"}}, EndStream::kNo);
  world.origin.send(world.at_origin(0), std::string(16 * kMiB, 'x'));
  world.settle();
  EXPECT_LE(world.bridge.waiting_bytes(), limits::kStreamWindow);
  EXPECT_LE(world.origin.sent_body_bytes, limits::kStreamWindow + 256 * 1024);
  EXPECT_FALSE(world.done);
  world.client.set_deaf(false);
  world.settle();
  EXPECT_EQ(world.client.seen[1].body.size(), 16 * kMiB);
}

// A stalled stream is reset: what it held is given back.
TEST(Http2Stall, ResetStreamsGiveBackTheirWindows) {
  World world;
  for (std::size_t i = 0; i < 300; ++i) {
    const auto stream = world.get();
    world.client.hold(stream);
    world.settle();
    world.origin.respond(world.at_origin(i), {{":status", "200"}}, EndStream::kNo);
    world.origin.send(world.at_origin(i), std::string(kMiB, 'x'));
    world.settle();
    world.client.reset(stream, NGHTTP2_CANCEL);
    world.settle();
    ASSERT_EQ(world.bridge.waiting_bytes(), 0u) << i;
  }
  const auto stream = world.get();
  world.settle();
  answer(world, world.at_origin(300), std::string(32 * kMiB, 'y'));
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body.size(), 32 * kMiB);
}

TEST(Http2Flood, ResetsWithoutEndAreEnded) {
  World world;
  for (int i = 0; i < 5000 && !world.client.goaway_code; ++i) {
    const auto stream = world.get();
    world.settle();
    world.client.reset(stream, NGHTTP2_CANCEL);
    world.settle();
  }
  EXPECT_EQ(world.client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_LE(world.origin.order.size(), 2 * limits::kResets);
  EXPECT_TRUE(world.done);
}

TEST(Http2Flood, ResetsOfWhatWasAnsweredAreNone) {
  World world;
  for (std::size_t i = 0; i < 3 * limits::kResets; ++i) {
    const auto stream = world.post();
    world.settle();
    world.origin.respond(world.at_origin(i), {{":status", "200"}}, EndStream::kYes);
    world.settle();
    world.client.reset(stream, NGHTTP2_NO_ERROR);
    world.settle();
    ASSERT_FALSE(world.client.goaway_code) << i;
  }
}

TEST(Http2Flood, MalformedRequestsWithoutEndAreEnded) {
  World world;
  for (int i = 0; i < 5000 && !world.client.goaway_code; ++i) {
    world.client.request(request_fields("GET", "api.example", "/", {{"connection", "close"}}),
                         EndStream::kYes);
    world.settle();
  }
  EXPECT_EQ(world.client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_LE(world.gate.complaints.size(), 2 * limits::kResets);
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string payload) {
  std::string out(9, '\0');
  out[0] = static_cast<char>(payload.size() >> 16U);
  out[1] = static_cast<char>(payload.size() >> 8U);
  out[2] = static_cast<char>(payload.size());
  out[3] = static_cast<char>(type);
  out[4] = static_cast<char>(flags);
  for (unsigned i = 0; i < 4; ++i) out[5 + i] = static_cast<char>(stream >> (24 - 8 * i));
  return out + payload;
}

TEST(Http2Flood, FramesThatCarryNothingWithoutEndAreEnded) {
  const std::vector<std::pair<const char*, std::string>> floods = {
      {"PING", frame(NGHTTP2_PING, 0, 0, "12345678")},
      {"PING answers", frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678")},
      {"SETTINGS", frame(NGHTTP2_SETTINGS, 0, 0, "")},
      {"PRIORITY", frame(NGHTTP2_PRIORITY, 0, 3, std::string("\0\0\0\1\1", 5))},
      {"empty DATA", frame(NGHTTP2_DATA, 0, 1, "")},
  };
  for (const auto& [what, one] : floods) {
    for (const bool deaf : {false, true}) {
      SCOPED_TRACE(what);
      World world;
      world.post();
      world.settle();
      world.client.set_deaf(deaf);
      std::string many;
      for (int i = 0; i < 100; ++i) many += one;
      for (int i = 0; i < 200 && !world.client.goaway_code; ++i) {
        world.client.raw(many);
        world.settle();
      }
      world.client.set_deaf(false);
      world.settle();
      // (The scripted client gives up at an answer to SETTINGS that it does not know of.)
      if (one[3] != NGHTTP2_SETTINGS) {
        EXPECT_EQ(world.client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
      }
      EXPECT_TRUE(world.done);
      EXPECT_TRUE(world.origin_stream.closed());
    }
  }
}

TEST(Http2Flood, PingsBesideDataAreNone) {
  World world;
  const auto stream = world.post();
  world.settle();
  for (std::size_t i = 0; i < 3 * limits::kIdleFrames; ++i) {
    world.client.send(stream, "data");
    world.client.ping();
    world.settle();
    ASSERT_FALSE(world.client.goaway_code) << i;
  }
}

TEST(Http2Flood, AHeaderBlockWithoutEndIsEnded) {
  World world;
  world.settle();
  std::string block(16 * 1024, '\x82');  // :method: GET, from the static table
  world.client.raw(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, block));
  for (int i = 0; i < 100 && !world.client.goaway_code; ++i) {
    world.client.raw(frame(NGHTTP2_CONTINUATION, 0, 1, block));
    world.settle();
  }
  EXPECT_TRUE(world.client.goaway_code.has_value() || world.client_stream.closed());
  EXPECT_TRUE(world.done);
}

TEST(Http2Flood, AFieldThatHpackBlowsUpIsEnded) {
  World world;
  world.settle();
  // One field of 4,000 bytes into the table, then named again by one byte each.
  std::string block("\x40\x01x\x7f\xa1\x1e", 6);
  block += std::string(4000, 'x');
  block += std::string(12000, '\xbe');
  world.client.raw(
      frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, block));
  world.settle();
  EXPECT_TRUE(world.origin.order.empty());
  EXPECT_TRUE(world.gate.records.empty());
}

TEST(Http2Flood, MoreStreamsAtOnceThanAllowedAreRefused) {
  World world;
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 150; ++i) streams.push_back(world.get());
  world.client.pump();  // before it hears what is allowed
  world.settle();
  EXPECT_EQ(world.origin.order.size(), limits::kStreams);
  EXPECT_EQ(world.client.seen[streams.back()].reset, NGHTTP2_REFUSED_STREAM);
}

TEST(Http2Flood, WhatIsNotHttp2IsEnded) {
  World world;
  world.client_stream.give("GET / HTTP/1.1\r\nHost: api.example\r\n\r\n");
  for (int i = 0; i < 3; ++i) {
    world.context.restart();
    world.context.poll();
  }
  EXPECT_TRUE(world.client_stream.shut() || world.client_stream.closed());
  EXPECT_TRUE(world.origin.order.empty());
}

}  // namespace
}  // namespace redoubtful::proxy
