// Answers that are unpacked on their way: whatever they unpack to, the proxy holds a piece of it; a
// broken one does not look whole.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/content_decoder.hpp"
#include "proxy/limits.hpp"
#include "tests/proxy/http1_rig.hpp"
#include "tests/proxy/http2_support.hpp"
#include "tests/proxy/packed.hpp"

namespace redoubtful::proxy::test {
namespace {

using http2_test::World;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kMiB = 1024 * 1024;
// One piece over what may wait, and what is on its way.
constexpr std::size_t kHeld = 4 * limits::kRelayBytes;

class Unpack final : public BodyFilter {
 public:
  void feed(std::string_view in, std::string& out) override {
    if (!in.empty()) decoder_.give(in);
    decoder_.take(out);
  }
  void finish(std::string&) override { decoder_.finish(); }
  bool pending() const noexcept override { return decoder_.pending(); }
  std::string_view fault() const noexcept override { return decoder_.fault(); }

 private:
  ContentDecoder decoder_{ContentDecoder::Coding::kGzip};
};

std::unique_ptr<BodyFilter> unpack() { return std::make_unique<Unpack>(); }

void answer(World& world, std::size_t index, std::string_view packed) {
  const auto there = world.at_origin(index);
  world.origin.respond(there, {{":status", "200"}}, EndStream::kNo);
  world.origin.send(there, packed);
  world.origin.end(there);
}

TEST(PackedAnswers, ABombForAnHttp2ClientThatDoesNotReadIsNotUnpacked) {
  World world;
  world.gate.response_filter = unpack;
  const std::string bomb = packed(std::string(256 * kMiB, 'b'), kGzip);
  ASSERT_LT(bomb.size(), 2 * kMiB);
  const auto stream = world.get();
  world.client.hold(stream);
  world.settle();
  answer(world, 0, bomb);
  world.settle();
  EXPECT_LE(world.bridge.waiting_bytes(), kHeld);
  EXPECT_FALSE(world.client.seen[stream].ended);
  world.client.release(stream);
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body.size(), 256 * kMiB);
  EXPECT_TRUE(world.client.seen[stream].ended);
  ASSERT_EQ(world.gate.records[0]->finished, 1);
  EXPECT_EQ(world.gate.records[0]->failure, "");
  EXPECT_EQ(world.gate.records[0]->down, 256 * kMiB);
}

TEST(PackedAnswers, BombsThatHttp2ClientsResetGiveTheirWindowsBack) {
  World world;
  world.gate.response_filter = unpack;
  const std::string bomb = packed(std::string(100 * kMiB, 'b'), kGzip);
  for (std::size_t i = 0; i < 200; ++i) {
    const auto stream = world.get();
    world.client.hold(stream);
    world.settle();
    answer(world, i, bomb);
    world.settle();
    world.client.reset(stream, NGHTTP2_CANCEL);
    world.settle();
    ASSERT_EQ(world.bridge.waiting_bytes(), 0U) << i;
  }
  const auto stream = world.get();
  world.settle();
  answer(world, 200, packed("the last one", kGzip));
  world.settle();
  EXPECT_EQ(world.client.seen[stream].body, "the last one");
}

TEST(PackedAnswers, ABrokenOneIsResetInHttp2) {
  const std::string whole = packed(std::string(kMiB, 'x') + "the end", kGzip);
  for (const std::string& bytes :
       {whole.substr(0, whole.size() - 4), "not packed " + whole, std::string("\x1f")}) {
    World world;
    world.gate.response_filter = unpack;
    const auto stream = world.get();
    world.settle();
    answer(world, 0, bytes);
    world.settle();
    EXPECT_FALSE(world.client.seen[stream].ended);
    EXPECT_THAT(world.gate.records[0]->failure, HasSubstr("cannot be unpacked"));
    const auto other = world.get();
    world.settle();
    answer(world, 1, packed("good", kGzip));
    world.settle();
    EXPECT_EQ(world.client.seen[other].body, "good") << "the connection goes on";
  }
}

Rules unpacking() {
  Rules rules;
  rules.response_body = unpack;
  return rules;
}

TEST(PackedAnswers, ABombPassesThroughHttp1) {
  Rig rig(Http1Entry::kDirect, unpacking());
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(test::answer(packed(std::string(64 * kMiB, 'b'), kGzip)));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked"));
  std::size_t size = 0;
  for (;;) {
    const std::string head = client.read_until("\r\n");
    const std::size_t chunk = std::stoul(head, nullptr, 16);
    if (chunk == 0) break;
    ASSERT_LE(chunk, limits::kRelayBytes);
    ASSERT_EQ(client.read(chunk + 2), std::string(chunk, 'b') + "\r\n");
    size += chunk;
  }
  EXPECT_EQ(size, 64 * kMiB);
  EXPECT_EQ(client.read(2), "\r\n");
  EXPECT_EQ(rig.finished(1)[0].failure, "");
  client.send(get("/again"));
  origin.read_until("\r\n\r\n");
  origin.send(test::answer(packed("small", kGzip)));
  EXPECT_THAT(client.read_until("0\r\n\r\n"), HasSubstr("5\r\nsmall\r\n"));
}

TEST(PackedAnswers, ABrokenOneIsRefusedInHttp1WhereNothingWasSentAndElseCut) {
  const std::string whole = packed(std::string(kMiB, 'x') + "the end", kGzip);
  {
    Rig rig(Http1Entry::kDirect, unpacking());
    Peer client = rig.client();
    client.send(get());
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send(test::answer("not packed at all"));
    EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 502 "));
    EXPECT_THAT(rig.finished(1)[0].failure, HasSubstr("cannot be unpacked"));
  }
  Rig rig(Http1Entry::kDirect, unpacking());
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(test::answer(whole.substr(0, whole.size() - 4)));
  EXPECT_THAT(client.read_to_end(), Not(HasSubstr("\r\n0\r\n\r\n")));
  EXPECT_THAT(rig.finished(1)[0].failure, HasSubstr("end too early"));
}

}  // namespace
}  // namespace redoubtful::proxy::test
