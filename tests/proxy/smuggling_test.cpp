// Requests that two programs could read in two ways. Each is either refused, or what the origin
// receives is compared byte for byte with what was judged; delivered whole, and a byte at a time.

#include <gtest/gtest.h>

#include <optional>

#include "tests/proxy/http1_rig.hpp"
#include "tests/proxy/smuggling_cases.hpp"

namespace redoubtful::proxy::test {
namespace {

std::string judged_head(const RequestHead& head) {
  std::string text =
      head.method + " " + head.target + " HTTP/1.1\r\nHost: " + head.authority + "\r\n";
  for (const Field& field : head.fields) {
    if (!equals_ignoring_case(field.name, "content-length")) {
      text += field.name + ": " + field.value + "\r\n";
    }
  }
  return text + "Connection: ";
}

enum class Delivery { kWhole, kByteByByte };

void deliver(Peer& client, std::string_view raw, Delivery delivery) {
  const std::size_t step = delivery == Delivery::kWhole ? raw.size() : 1;
  for (std::size_t at = 0; at < raw.size(); at += step) {
    if (!client.try_send(raw.substr(at, step))) return;  // refused before its end
  }
}

void check(const SmugglingCase& attack, Delivery delivery) {
  Rig rig(attack.entry);
  Peer client = rig.client();
  deliver(client, attack.raw, delivery);
  if (!attack.received.empty()) {
    Peer origin = rig.origin();
    for (std::size_t i = 0; i < attack.received.size(); ++i) {
      const std::string& expected = attack.received[i];
      ASSERT_EQ(origin.read(expected.size()), expected);
      const auto seen = rig.seen();
      ASSERT_EQ(seen.size(), i + 1) << "judged once for each that was sent";
      EXPECT_TRUE(expected.starts_with(judged_head(seen[i].head))) << judged_head(seen[i].head);
      origin.send(answer("ok"));
      EXPECT_EQ(client.read_message(), answer("ok"));
    }
    if (attack.status == 0) client.half_close();
    if (attack.status != 0) {
      EXPECT_TRUE(client.read_message().starts_with("HTTP/1.1 " + std::to_string(attack.status)));
    }
    client.close();
    EXPECT_EQ(origin.read_to_end(), "");
  } else {
    const std::string got = client.read_message();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 " + std::to_string(attack.status) + " ")) << got;
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
    client.close();
  }
  rig.all_ended();
  EXPECT_EQ(rig.seen().size(), attack.received.size());
  EXPECT_FALSE(rig.origin_waiting());
  EXPECT_EQ(rig.malformed().size(), attack.status == 0 ? 0u : 1u);
}

// A chunked body that breaks. Byte by byte it begins when the origin has the head.
void check_body(const SmugglingCase& attack, Delivery delivery) {
  Rig rig(attack.entry);
  Peer client = rig.client();
  std::optional<Peer> origin;
  std::string received;
  std::string_view rest = attack.raw;
  if (delivery == Delivery::kByteByByte) {
    const std::size_t head = rest.find("\r\n\r\n") + 4;
    client.send(rest.substr(0, head));
    rest.remove_prefix(head);
    origin.emplace(rig.origin());
    received = origin->read_until("\r\n\r\n");
  }
  deliver(client, rest, delivery);
  const std::string got = client.read_message();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 " + std::to_string(attack.status) + " ")) << got;
  EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
  client.close();
  rig.all_ended();
  if (!origin) origin.emplace(rig.origin());
  received += origin->read_to_end();
  const auto seen = rig.seen();
  ASSERT_EQ(seen.size(), 1u);
  const std::string judged =
      judged_head(seen[0].head) + "keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";
  const bool at_once = delivery == Delivery::kWhole && received.empty();
  EXPECT_TRUE(at_once || received == judged || received == judged + attack.passed) << received;
  EXPECT_FALSE(rig.origin_waiting());
  EXPECT_EQ(rig.malformed().size(), 1u);
}

void check_delivered(const SmugglingCase& attack, Delivery delivery) {
  attack.where == Where::kBody ? check_body(attack, delivery) : check(attack, delivery);
}

class Smuggling : public ::testing::TestWithParam<SmugglingCase> {};

TEST_P(Smuggling, IsRefusedOrReceivedAsJudged) { check_delivered(GetParam(), Delivery::kWhole); }
TEST_P(Smuggling, IsRefusedOrReceivedAsJudgedByteByByte) {
  check_delivered(GetParam(), Delivery::kByteByByte);
}

INSTANTIATE_TEST_SUITE_P(Corpus, Smuggling, ::testing::ValuesIn(smuggling_cases()),
                         [](const auto& case_info) { return case_info.param.name; });

TEST(SmugglingCorpus, HasAtLeastSixtyAttacks) { EXPECT_GE(smuggling_cases().size(), 60u); }

}  // namespace
}  // namespace redoubtful::proxy::test
