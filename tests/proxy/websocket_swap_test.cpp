// What a client sends over a WebSocket: the real value in the surrogate's place in text messages,
// across fragments, masks and reads; everything else byte for byte; a surrogate anywhere else ends
// it.

#include "proxy/websocket_swap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/injector.hpp"
#include "proxy/placing.hpp"
#include "tests/fuzz/websocket_target.hpp"
#include "tests/proxy/policy_support.hpp"
#include "tests/proxy/websocket_support.hpp"

namespace redoubtful::proxy::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kReal = "ghp_RealRealRealRealRealRealRealReal0000";
constexpr std::string_view kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";
constexpr std::string_view kElsewhere = "ghp_FakeElsewhereElsewhereElsewhere22222";
constexpr std::string_view kQuotedReal = "pass\"word\\RealRealReal/7\tRealRealReal1";
constexpr std::string_view kQuotedFake = "qqqq\"wwww\\FakeFakeFake/8\tFakeFakeFake2";

LiveCredential credential(std::string name, std::string_view real, std::string_view fake) {
  return {std::move(name), {}, *Secret::take(std::string(real)), std::string(fake)};
}

class Told final : public SwapObserver {
 public:
  void put_in(const std::string& credential, std::string_view where) override {
    EXPECT_EQ(where, "a text message of a WebSocket");
    said.push_back(credential);
  }
  void taken_out(std::string_view where) override {
    said.push_back("taken out: " + std::string(where));
  }
  void refused(const std::string& credential, std::string_view why) override {
    constexpr std::string_view kBefore = "its surrogate stands in ";
    constexpr std::string_view kAfter = ", and the connection was ended";
    ASSERT_TRUE(why.starts_with(kBefore) && why.ends_with(kAfter)) << why;
    why.remove_prefix(kBefore.size());
    why.remove_suffix(kAfter.size());
    said.push_back(credential + " in " + std::string(why));
  }
  std::vector<std::string> said;
};

class WebSocketSwapTest : public testing::Test {
 protected:
  WebSocketSwapTest() {
    all_.push_back(credential("github", kReal, kFake));
    all_.push_back(credential("quoted", kQuotedReal, kQuotedFake));
    all_.push_back(credential("elsewhere", "ghp_RealElsewhereElsewhereElsewhere33333", kElsewhere));
  }

  std::unique_ptr<WebSocketSwap> swap() {
    auto out = websocket_swap(all_, {&all_[0], &all_[1]});
    told_.said.clear();
    out->report_to(told_);
    return out;
  }

  // Fed in pieces of `step` bytes; with "fault: …" behind it where there was one.
  std::string swapped(std::string_view in, std::size_t step) {
    const auto filter = swap();
    std::string out;
    for (; !in.empty(); in.remove_prefix(std::min(step, in.size()))) {
      filter->feed(in.substr(0, step), out);
    }
    filter->finish(out);
    close_code_ = filter->close_code();
    if (!filter->fault().empty()) out.append("fault: ").append(filter->fault());
    return out;
  }

  // Messages with `value` wherever it may stand, under masks that change from frame to frame.
  static std::string conversation(std::string_view value) {
    const std::string all(value);
    std::string out = masked_frame(kFin | kText, "{\"key\": \"" + all + "\"}");
    out += masked_frame(kFin | kBinary, std::string(200, '\x80') + "binary", "abcd");
    out += masked_frame(kFin | kText, std::string(70000, 'x') + all + std::string(70001, 'y'));
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      out += masked_frame(kText, "a" + all.substr(0, cut), "efgh");
      out += masked_frame(kFin | kPing, "p" + std::to_string(cut), "\xff\xff\x01\x01");
      out += masked_frame(kMore, "", "ijkl");
      out += masked_frame(kFin | kMore, all.substr(cut) + " b", std::string("\0\0\0\0", 4));
    }
    out += masked_frame(kText, "");
    std::string mask = "mno0";
    for (const char c : all) {
      ++mask[3];
      out += masked_frame(kMore, std::string(1, c), mask);
    }
    out += masked_frame(kFin | kMore, "");
    return out + masked_frame(kFin | kClose, std::string("\x03\xe8", 2) + "done");
  }

  std::deque<LiveCredential> all_;
  Told told_;
  unsigned close_code_ = 0;
};

TEST_F(WebSocketSwapTest, TheRealValueIsInTheSurrogatesPlaceInEveryTextMessage) {
  for (const std::size_t step : {1U, 2U, 3U, 17U, 1000U, 1000000U}) {
    EXPECT_TRUE(swapped(conversation(kFake), step) == conversation(kReal)) << step;
    EXPECT_THAT(told_.said, ElementsAre("github")) << "once, however often";
  }
}

TEST_F(WebSocketSwapTest, EverythingElsePassesAsItCame) {
  const std::string other = conversation(std::string("ghp_nothing at all") + '\0' + '\xff');
  for (const std::size_t step : {1U, 5U, 100000U}) {
    EXPECT_TRUE(swapped(other, step) == other) << step;
    EXPECT_THAT(told_.said, IsEmpty());
  }
}

TEST_F(WebSocketSwapTest, JsonEscapesAreKept) {
  const auto message = [](std::string_view value) {
    return masked_frame(kFin | kText, "{\"password\":\"" + std::string(value) + "\"}");
  };
  EXPECT_EQ(swapped(message("qqqq\\\"wwww\\\\FakeFakeFake/8\\tFakeFakeFake2"), 3),
            message("pass\\\"word\\\\RealRealReal/7\\tRealRealReal1"));
  EXPECT_EQ(swapped(message(kQuotedFake), 3), message(kQuotedReal)) << "text that is no JSON";
  const std::string percent = message("qqqq%22wwww%5CFakeFakeFake%2F8%09FakeFakeFake2");
  EXPECT_EQ(swapped(percent, 3), percent) << "what no text would say is worth nothing";
}

TEST_F(WebSocketSwapTest, AMessageIsGivenAtOnce) {
  const auto filter = swap();
  std::string out;
  const auto given = [&](const std::string& bytes) {
    out.clear();
    filter->feed(bytes, out);
    return out;
  };
  const std::string hello = masked_frame(kFin | kText, "hello, ghp_Fak");
  EXPECT_EQ(given(hello), hello) << "the message has ended, nothing is held";
  const std::string part = masked_frame(kText, "more to come");
  EXPECT_EQ(given(part), part) << "and it ends in the beginning of nothing";
  const std::string begun = masked_frame(kMore, "ghp_Fak", "wxyz");
  EXPECT_EQ(given(begun), begun.substr(0, 6)) << "held: it may begin a surrogate";
  EXPECT_EQ(given(masked_frame(kFin | kPing, "x")), "") << "nothing overtakes it";
  EXPECT_EQ(given(masked_frame(kFin | kMore, "!")),
            begun.substr(6) + masked_frame(kFin | kPing, "x") + masked_frame(kFin | kMore, "!"));
}

TEST_F(WebSocketSwapTest, ASurrogateInAWrongPlaceEndsItBeforeItHasLeft) {
  const std::string fake(kFake);
  const std::string good = masked_frame(kFin | kText, "good");
  const std::pair<std::string, std::string> attempts[] = {
      {"github in a binary message of a WebSocket", masked_frame(kFin | kBinary, "x" + fake)},
      {"github in a binary message of a WebSocket", masked_frame(kBinary, fake.substr(0, 9)) +
                                                        masked_frame(kFin | kPing, "x") +
                                                        masked_frame(kFin | kMore, fake.substr(9))},
      {"github in a control frame of a WebSocket", masked_frame(kFin | kPing, fake)},
      {"github in a control frame of a WebSocket", masked_frame(kFin | kClose, "\x03\xe8" + fake)},
      {"elsewhere in a text message of a WebSocket",
       masked_frame(kFin | kText, std::string(kElsewhere))},
  };
  for (const auto& [what, bytes] : attempts) {
    for (const std::size_t step : {1U, 7U, 1000U}) {
      const std::string out = swapped(good + bytes + good, step);
      EXPECT_THAT(out, HasSubstr("fault: the client sent a surrogate")) << what;
      EXPECT_TRUE(out.starts_with(good)) << what;
      EXPECT_EQ(close_code_, 1008);
      EXPECT_THAT(told_.said, ElementsAre(what));
      const std::string all = good + bytes;
      EXPECT_LT(out.find("fault"), all.size()) << what << ": its last byte has left";
    }
  }
  swapped(masked_frame(kFin | kText, fake) + masked_frame(kFin | kBinary, "nothing") + good, 5);
  EXPECT_THAT(told_.said, ElementsAre("github")) << "control: what was in text is not in the next";
}

TEST_F(WebSocketSwapTest, WhatIsNoWebSocketIsAFault) {
  const std::string good = masked_frame(kFin | kText, "good");
  const std::string head("\x81\xff", 2);
  const std::pair<const char*, std::string> bad[] = {
      {"compressed", masked_frame(kFin | 0x40U | kText, "\x01\x02")},
      {"another reserved bit", masked_frame(kFin | 0x20U | kText, "x")},
      {"a third", masked_frame(kFin | 0x10U | kText, "x")},
      {"without a mask", frame(kFin | kText, "abcd")},
      {"a ping without a mask", frame(kFin | kPing, "abcd")},
      {"an unknown opcode", masked_frame(kFin | 3, "x")},
      {"an unknown control opcode", masked_frame(kFin | 11, "x")},
      {"a continuation of nothing", masked_frame(kFin | kMore, "x")},
      {"a message within a message", masked_frame(kText, "x") + masked_frame(kFin | kText, "y")},
      {"a fragmented ping", masked_frame(kPing, "x")},
      {"a long ping", masked_frame(kFin | kPing, std::string(126, 'x'))},
      {"2^63", head + std::string("\x80\0\0\0\0\0\0\0mask", 12)},
      {"2^64 - 1", head + "\xff\xff\xff\xff\xff\xff\xff\xffmask"},
  };
  for (const auto& [name, bytes] : bad) {
    for (const std::size_t step : {1U, 1000U}) {
      const std::string out =
          swapped(good + bytes + masked_frame(kFin | kText, std::string(kFake)), step);
      EXPECT_THAT(out, HasSubstr("fault: the client")) << name;
      EXPECT_EQ(close_code_, 1002) << name;
      EXPECT_THAT(told_.said, IsEmpty()) << name << ": nothing is put in behind it";
    }
  }
  // The longest that there may be is taken for what it is.
  const std::string most = head + std::string("\x7f\xff\xff\xff\xff\xff\xff\xffmaskxyz", 15);
  EXPECT_EQ(swapped(most, 1), most);
}

TEST_F(WebSocketSwapTest, AFloodOfEmptyFramesIsNotKept) {
  std::string flood = masked_frame(kText, "ghp_");
  for (int i = 0; i < 20000; ++i) flood += masked_frame(kMore, "");
  EXPECT_THAT(swapped(flood, 4096), HasSubstr("fault: the client floods"));
}

TEST_F(WebSocketSwapTest, WithoutACredentialThatHasTheSurfaceThereIsNone) {
  EXPECT_EQ(websocket_swap(all_, {}), nullptr);
}

// What a text message becomes on a connection that the Injector was asked for; nothing where it
// passes as it is.
std::optional<std::string> sent(const Injector& injector, std::string_view name, bool upgrade) {
  static const Policy policy =
      RuleList().allow("a.example").allow("b.example").allow("http://a.example").policy();
  const bool plain = name.starts_with("http://");
  const auto admission = admitted(policy, plain ? name.substr(7) : name, plain ? 80 : 443,
                                  plain ? Carried::kHttp : Carried::kTls);
  const auto permitted = policy.permit(admission, "GET", "/socket");
  RequestHead head;
  head.method = "GET";
  head.target = "/socket";
  head.upgrade_websocket = upgrade;
  auto result = injector.inject(std::get<RequestPermit>(permitted), admission.handling(), head);
  if (const auto* denial = std::get_if<Denial>(&result)) {
    return "refused: " + std::string(deny_reason_name(denial->reason));
  }
  const auto& frames = std::get<Injection>(result).frames;
  if (!frames) return std::nullopt;
  std::string out;
  frames->feed(masked_frame(kFin | kText, kFake), out);
  return out;
}

Injector injector_with(std::vector<Surface> surfaces, bool exclusive) {
  std::vector<LiveCredential> live;
  live.push_back(credential("github", kReal, kFake));
  live[0].hosts = {host("a.example")};
  live[0].surfaces = std::move(surfaces);
  live[0].exclusive = exclusive;
  return Injector(std::move(live));
}

TEST(InjectorFrames, AreThoseOfACredentialsOwnHostOverTlsWhereTheProfileSaysSo) {
  const std::vector<Surface> websocket = {
      {.kind = SurfaceKind::kWebSocket, .name = {}, .method = {}, .path = {}}};
  const Injector injector = injector_with(websocket, false);
  EXPECT_EQ(sent(injector, "a.example", true), masked_frame(kFin | kText, kReal));
  EXPECT_EQ(sent(injector, "b.example", true), std::nullopt) << "another host";
  EXPECT_EQ(sent(injector, "http://a.example", true), std::nullopt) << "not over TLS";
  EXPECT_EQ(sent(injector_with({}, false), "a.example", true), std::nullopt) << "nobody asked";
  EXPECT_EQ(sent(injector_with(websocket, false), "a.example", false), std::nullopt);
  for (const bool upgrade : {false, true}) {
    EXPECT_EQ(sent(injector_with(websocket, true), "a.example", upgrade),
              "refused: credential_missing")
        << "a message that may come is no promise";
  }
}

TEST(FuzzCorpus, WebSocket) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(REDOUBTFUL_SOURCE_DIR) +
                                                               "/tests/fuzz/corpus/websocket")) {
    std::ostringstream bytes;
    bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    SCOPED_TRACE(entry.path().filename().string());
    fuzz::websocket(bytes.str());
    ++files;
  }
  EXPECT_GE(files, 8U) << "the corpus is there";
}

}  // namespace
}  // namespace redoubtful::proxy::test
