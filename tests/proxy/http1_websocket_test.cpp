// A WebSocket through the proxy whose frames are rewritten: both sides at once, and how it ends
// when one of them cannot go on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "proxy/injector.hpp"
#include "proxy/websocket_scrubber.hpp"
#include "proxy/websocket_swap.hpp"
#include "tests/proxy/http1_rig.hpp"
#include "tests/proxy/websocket_support.hpp"

namespace redoubtful::proxy::test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kReal = "ghp_RealRealRealRealRealRealRealReal0000";
constexpr std::string_view kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";
constexpr std::string_view kAsk =
    "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view kAccept =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// A scrubber with what it needs.
class OwnScrubber final : public FrameFilter {
 public:
  void feed(std::string_view in, std::string& out) override { filter_.feed(in, out); }
  void finish(std::string& out) override { filter_.finish(out); }
  std::string_view fault() const noexcept override { return filter_.fault(); }
  bool whole_frames() const noexcept override { return filter_.whole_frames(); }
  std::uint16_t close_code() const noexcept override { return filter_.close_code(); }

 private:
  const std::vector<ScrubbedValue> values_{{kReal, kFake}};
  const ScrubPatterns patterns_{values_};
  Scrubber messages_{patterns_};
  Scrubber control_{patterns_};
  WebSocketScrubber filter_{messages_, control_};
};

std::unique_ptr<FrameFilter> frames(FramesFrom side) {
  if (side == FramesFrom::kOrigin) return std::make_unique<OwnScrubber>();
  std::deque<LiveCredential> all;
  all.push_back({"github", {}, *Secret::take(std::string(kReal)), std::string(kFake)});
  return websocket_swap(all, {&all[0]});
}

class Http1WebSocket : public testing::Test {
 protected:
  Http1WebSocket() {
    Rules rules;
    rules.frames = frames;
    rig_.emplace(Http1Entry::kDirect, std::move(rules));
    client_.emplace(rig_->client());
  }

  // The origin accepts; each with what it sends in the same breath.
  void open(std::string_view of_client = "", std::string_view of_origin = "") {
    client_->send(std::string(kAsk).append(of_client));
    origin_.emplace(rig_->origin());
    origin_->read_until("\r\n\r\n");
    origin_->send(std::string(kAccept).append(of_origin));
    EXPECT_THAT(client_->read_until("\r\n\r\n"), HasSubstr("101 "));
  }

  static std::string text(std::string_view value) {
    return masked_frame(kFin | kText, "key " + std::string(value));
  }
  static std::string answer(std::string_view value) {
    return frame(kFin | kText, "key " + std::string(value));
  }

  std::optional<Rig> rig_;
  std::optional<Peer> client_;
  std::optional<Peer> origin_;
};

TEST_F(Http1WebSocket, EachSideGetsWhatIsForIt) {
  open(text(kFake), answer(kReal));
  EXPECT_EQ(origin_->read(text(kReal).size()), text(kReal));
  EXPECT_EQ(client_->read(answer(kFake).size()), answer(kFake));
  for (int i = 0; i < 3; ++i) {
    client_->send(text(kFake));
    EXPECT_EQ(origin_->read(text(kReal).size()), text(kReal));
    origin_->send(answer(kReal));
    EXPECT_EQ(client_->read(answer(kFake).size()), answer(kFake));
  }
  client_->close();
  EXPECT_TRUE(origin_->ended());
  origin_->close();
  EXPECT_EQ(rig_->finished(1)[0].failure, "");
}

TEST_F(Http1WebSocket, AClientThatBreaksTheProtocolIsTold1002AndTheOriginGetsNothingOfIt) {
  open();
  client_->send(text("one"));
  EXPECT_EQ(origin_->read(text("one").size()), text("one"));
  client_->send(frame(kFin | kText, "no mask"));
  const std::string close =
      server_close_frame(1002, "redoubtful: the client sent a WebSocket frame without a mask");
  EXPECT_EQ(client_->read(close.size()), close);
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(origin_->ended());
  client_->close();
  EXPECT_EQ(rig_->finished(1)[0].failure, "the client sent a WebSocket frame without a mask");
}

TEST_F(Http1WebSocket, ASurrogateInABinaryMessageIs1008AndDoesNotArrive) {
  open();
  client_->send(masked_frame(kFin | kBinary, "xx" + std::string(kFake)));
  const std::string close =
      server_close_frame(1008, "redoubtful: the client sent a surrogate where it does not belong");
  EXPECT_EQ(client_->read(close.size()), close);
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(origin_->ended()) << "not even the frame's head has come";
  // What it still sends is read, so that it sees the answer, and goes nowhere.
  client_->send(text("more"));
  client_->close();
  EXPECT_THAT(rig_->finished(1)[0].failure, HasSubstr("a surrogate where it does not belong"));
}

TEST_F(Http1WebSocket, AnOriginThatBreaksTheProtocolIsCutAndTheClientTold) {
  open();
  origin_->send(answer("one") + frame(kFin | 0x40U | kText, "packed"));
  const std::string wanted =
      answer("one") +
      server_close_frame(1002, "redoubtful: the origin sent a WebSocket frame of an extension");
  EXPECT_EQ(client_->read(wanted.size()), wanted);
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(origin_->ended());
  const auto begun = std::chrono::steady_clock::now();
  client_->close();
  EXPECT_EQ(rig_->finished(1)[0].failure, "the origin sent a WebSocket frame of an extension");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5))
      << "not until its deadline";
}

TEST_F(Http1WebSocket, InTheMiddleOfAFrameNothingIsSaid) {
  open();
  const std::string half = answer("only a half").substr(0, 7);
  origin_->send(half);
  EXPECT_EQ(client_->read(half.size()), half);
  client_->send(frame(kFin | kText, "no mask"));
  EXPECT_TRUE(client_->ended()) << "a Close would be read as the rest of it";
  EXPECT_TRUE(origin_->ended());
}

TEST_F(Http1WebSocket, WhoDoesNotReadTheCloseIsNotWaitedFor) {
  open();
  client_->send(frame(kFin | kText, "no mask"));
  EXPECT_TRUE(origin_->ended());
  // Neither reads nor closes: more than is drained, and it ends.
  client_->try_send(std::string(1 << 20, 'x'));
  EXPECT_THAT(rig_->finished(1)[0].failure, HasSubstr("without a mask"));
}

}  // namespace
}  // namespace redoubtful::proxy::test
