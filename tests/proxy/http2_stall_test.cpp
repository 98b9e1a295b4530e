// HTTP/2: readers that stand still hold what their windows allow, and stop nobody.

#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy {
namespace {

using http2_test::World;

constexpr std::size_t kMiB = 1024 * 1024;

void answer(World& world, std::int32_t there, std::string_view body) {
  world.origin.respond(there, {{":status", "200"}}, EndStream::kNo);
  world.origin.send(there, body);
  world.origin.end(there);
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

// One connection alone may hold 25 MB; a thousand of them would be the machine's memory.
TEST(Http2Stall, WhatAllConnectionsHoldTogetherIsBounded) {
  std::vector<std::unique_ptr<World>> greedy;
  std::size_t held = 0;
  std::vector<std::int32_t> streams;  // of the last
  for (int n = 0; n < 6; ++n) {
    streams.clear();
    greedy.push_back(std::make_unique<World>());
    World& world = *greedy.back();
    for (int i = 0; i < 99; ++i) {
      streams.push_back(world.get());
      world.client.hold(streams.back());
    }
    world.settle();
    for (std::size_t i = 0; i < 99; ++i) {
      world.origin.respond(world.at_origin(i), {{":status", "200"}}, EndStream::kNo);
      world.origin.send(world.at_origin(i), std::string(kMiB, 'x'));
    }
    world.settle();
    held += world.bridge.waiting_bytes();
  }
  EXPECT_GT(held, limits::kHeldBytes / 2) << "the control: they do hold";
  EXPECT_LE(held, limits::kHeldBytes + 6 * (limits::kHeldShare + 2 * limits::kRelayBytes));
  // Somebody else, who reads, is served.
  World other;
  const auto stream = other.get();
  other.settle();
  answer(other, other.at_origin(0), std::string(48 * kMiB, 'y'));
  other.settle();
  EXPECT_EQ(other.client.seen[stream].body.size(), 48 * kMiB);
  // Where a greedy one begins to read, it goes on.
  World& last = *greedy.back();
  for (const auto stream_of_last : streams) last.client.release(stream_of_last);
  greedy.erase(greedy.begin(), greedy.end() - 1);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::size_t whole = 0;
  while (whole < 99 && std::chrono::steady_clock::now() < until) {
    last.settle();
    whole = 0;
    for (const auto& [number, seen] : last.client.seen) whole += seen.body.size() == kMiB;
  }
  EXPECT_EQ(whole, 99U);
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

}  // namespace
}  // namespace redoubtful::proxy
