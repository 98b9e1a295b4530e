// What an origin sends over a WebSocket: messages scrubbed across fragments and reads, everything
// else byte for byte; what could hide a secret ends the connection.

#include "proxy/websocket_scrubber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/websocket_support.hpp"

namespace redoubtful::proxy::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kReal = "ghp_RealRealRealRealRealRealRealReal0000";
constexpr std::string_view kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";

class WebSocketScrubberTest : public testing::Test {
 protected:
  const std::vector<ScrubbedValue> values_{{kReal, kFake}};
  const ScrubPatterns patterns_{values_};

  // Fed in pieces of `step` bytes; with "fault: …" behind it where there was one.
  std::string scrubbed(std::string_view in, std::size_t step) {
    Scrubber messages(patterns_);
    Scrubber control(patterns_);
    WebSocketScrubber filter(messages, control);
    std::string out;
    for (; !in.empty(); in.remove_prefix(std::min(step, in.size()))) {
      filter.feed(in.substr(0, step), out);
    }
    filter.finish(out);
    count_ = messages.counts()[0] + control.counts()[0];
    close_code_ = filter.close_code();
    if (!filter.fault().empty()) out.append("fault: ").append(filter.fault());
    return out;
  }

  // A conversation with `value` wherever it can stand.
  static std::string conversation(std::string_view value) {
    const std::string all(value);
    std::string out = frame(kFin | kText, "key " + all + " key");
    out += frame(kFin | kBinary, std::string(200, '\x80') + all);
    out += frame(kFin | kText, std::string(70000, 'x') + all + std::string(70000, 'y'));
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      out += frame(kText, "a " + all.substr(0, cut));
      out += frame(kFin | kPing, "p" + std::to_string(cut));
      out += frame(kMore, "");
      out += frame(kFin | kMore, all.substr(cut) + " b");
    }
    out += frame(kText, "");
    for (const char c : all) out += frame(kMore, std::string(1, c));
    out += frame(kFin | kMore, "");
    out += frame(kFin | kPing, all);
    out += frame(kFin | kClose, std::string("\x03\xe8", 2) + "because of " + all);
    return out;
  }

  std::uint64_t count_ = 0;
  unsigned close_code_ = 0;
};

TEST_F(WebSocketScrubberTest, TheSurrogateIsInTheSecretsPlaceInEveryFrame) {
  for (const std::size_t step : {1U, 2U, 3U, 17U, 1000U, 1000000U}) {
    EXPECT_TRUE(scrubbed(conversation(kReal), step) == conversation(kFake)) << step;
    EXPECT_EQ(count_, 3 + kReal.size() + 1 + 1 + 2);
  }
}

TEST_F(WebSocketScrubberTest, EverythingElsePassesAsItCame) {
  const std::string other = conversation(std::string("ghp_nothing at all") + '\0' + '\xff');
  for (const std::size_t step : {1U, 5U, 100000U}) {
    EXPECT_TRUE(scrubbed(other, step) == other) << step;
    EXPECT_EQ(count_, 0U);
  }
}

TEST_F(WebSocketScrubberTest, AMessageIsGivenAtOnce) {
  Scrubber messages(patterns_);
  Scrubber control(patterns_);
  WebSocketScrubber filter(messages, control);
  std::string out;
  const std::string hello = frame(kFin | kText, "hello, ghp_Rea");
  filter.feed(hello, out);
  EXPECT_EQ(out, hello) << "the message has ended, nothing is held";
  out.clear();
  filter.feed(frame(kText, "more to come"), out);
  EXPECT_EQ(out, frame(kText, "more to come"));
  out.clear();
  filter.feed(frame(kMore, "ghp_Rea"), out);
  EXPECT_EQ(out, std::string("\0\7", 2)) << "held: it may begin a secret";
  filter.feed(frame(kFin | kPing, "x"), out);
  EXPECT_EQ(out, std::string("\0\7", 2)) << "and a frame cannot overtake its own neighbour";
  filter.feed(frame(kFin | kMore, ""), out);
  EXPECT_EQ(out, frame(kMore, "ghp_Rea") + frame(kFin | kPing, "x") + frame(kFin | kMore, ""));
}

TEST_F(WebSocketScrubberTest, MessagesAreScrubbedEachByItself) {
  const std::string two =
      frame(kFin | kText, kReal.substr(0, 20)) + frame(kFin | kText, kReal.substr(20));
  EXPECT_EQ(scrubbed(two, 1000), two);
}

TEST_F(WebSocketScrubberTest, WhatCouldHideASecretIsAFault) {
  const std::string good = frame(kFin | kText, "good");
  const std::vector<std::pair<const char*, std::string>> bad = {
      {"compressed", frame(kFin | 0x40U | kText, "\x01\x02")},
      {"masked", std::string("\x81\x80") + "abcd"},
      {"an unknown opcode", frame(kFin | 3, "x")},
      {"an unknown control opcode", frame(kFin | 11, "x")},
      {"a continuation of nothing", frame(kFin | kMore, "x")},
      {"a message within a message", frame(kText, "x") + frame(kFin | kText, "y")},
      {"a fragmented ping", frame(kPing, "x")},
      {"a long ping", frame(kFin | kPing, std::string(126, 'x'))},
      {"a length with its first bit set", std::string("\x81\x7f\xff", 3) + std::string(7, '\0')},
  };
  for (const auto& [name, bytes] : bad) {
    for (const std::size_t step : {1U, 1000U}) {
      const std::string out = scrubbed(good + bytes + frame(kFin | kText, kReal), step);
      EXPECT_THAT(out, HasSubstr("fault: the origin")) << name;
      EXPECT_EQ(close_code_, 1002) << name;
      EXPECT_THAT(out, Not(HasSubstr(std::string(kReal)))) << name;
    }
  }
}

TEST_F(WebSocketScrubberTest, KnowsWhetherAnotherFrameMayFollow) {
  Scrubber messages(patterns_);
  Scrubber control(patterns_);
  WebSocketScrubber filter(messages, control);
  const auto after = [&](std::string_view bytes) {
    std::string out;
    filter.feed(bytes, out);
    return filter.whole_frames();
  };
  EXPECT_TRUE(filter.whole_frames());
  EXPECT_TRUE(after("\x81")) << "nothing of it was given";
  EXPECT_FALSE(after("\x02h"));
  EXPECT_TRUE(after("i"));
  EXPECT_FALSE(after(frame(kText, "ghp_"))) << "its payload is held";
  EXPECT_FALSE(after(frame(kFin | kPing, "x")));
  EXPECT_TRUE(after(frame(kMore, "xyz")));
  EXPECT_TRUE(after(frame(kFin | kPing, "x").substr(0, 2))) << "a ping passes when it is whole";
  EXPECT_EQ(server_close_frame(1002, "why"), std::string("\x88\x05\x03\xeawhy"));
  EXPECT_EQ(server_close_frame(1002, std::string(500, 'x')).size(), 2U + 125U);
}

TEST_F(WebSocketScrubberTest, AFloodOfEmptyFramesIsNotKept) {
  std::string flood = frame(kText, "ghp_");
  for (int i = 0; i < 40000; ++i) flood += frame(kMore, "");
  EXPECT_THAT(scrubbed(flood, 4096), HasSubstr("fault: the origin floods"));
  std::string passes = frame(kText, "other");
  for (int i = 0; i < 40000; ++i) passes += frame(kMore, "");
  EXPECT_TRUE(scrubbed(passes, 4096) == passes) << "where nothing is held, nothing is kept";
}

}  // namespace
}  // namespace redoubtful::proxy::test
