// HTTP/2: floods.

#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy {
namespace {

using http2_test::request_fields;
using http2_test::World;

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
