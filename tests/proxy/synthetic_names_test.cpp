#include "proxy/synthetic_names.hpp"

#include <gtest/gtest.h>

#include <set>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

namespace ip = boost::asio::ip;
using std::chrono::seconds;

Host host(const std::string& text) { return Host::parse(text).value(); }

class SyntheticNamesTest : public testing::Test {
 protected:
  std::chrono::steady_clock::time_point now_{};
  SyntheticNames names_{[this] { return now_; }};
};

TEST_F(SyntheticNamesTest, TheSameNameHasTheSameAddressesAndTheyNameIt) {
  const auto first = names_.addresses(host("api.example.com")).value();
  EXPECT_TRUE(first.fresh);
  EXPECT_EQ(first.v4.to_string(), "198.18.0.2");
  EXPECT_EQ(first.v6.to_string(), "fd72:6564:6f75:6274::2");
  const auto other = names_.addresses(host("b.example.com")).value();
  EXPECT_NE(other.v4, first.v4);
  EXPECT_NE(other.v6, first.v6);
  const auto again = names_.addresses(host("API.example.com.")).value();
  EXPECT_FALSE(again.fresh);
  EXPECT_EQ(again.v4, first.v4);
  EXPECT_EQ(names_.name(first.v4)->text(), "api.example.com");
  EXPECT_EQ(names_.name(first.v6)->text(), "api.example.com");
  EXPECT_EQ(names_.name(ip::make_address_v6(ip::v4_mapped, first.v4))->text(), "api.example.com");
}

TEST_F(SyntheticNamesTest, ItsOwnNameIsThereFromTheStart) {
  EXPECT_EQ(names_.name(ip::make_address("198.18.0.1"))->text(), kOwnName);
  EXPECT_EQ(names_.name(ip::make_address("fd72:6564:6f75:6274::1"))->text(), kOwnName);
  EXPECT_FALSE(names_.addresses(host(std::string(kOwnName)))->fresh);
}

TEST_F(SyntheticNamesTest, NoOtherAddressHasAName) {
  for (int i = 0; i < 600; ++i)
    ASSERT_TRUE(names_.addresses(host("n" + std::to_string(i) + ".test")));
  for (const auto* text : {"198.18.0.0",
                           "198.18.0.255",
                           "198.18.1.0",
                           "198.18.1.255",
                           "198.18.40.1",
                           "198.19.255.254",
                           "198.20.0.1",
                           "198.17.255.254",
                           "0.0.0.0",
                           "127.0.0.1",
                           "255.255.255.255",
                           "10.0.0.1",
                           "::",
                           "::1",
                           "fd72:6564:6f75:6274::",
                           "fd72:6564:6f75:6274::ff",
                           "fd72:6564:6f75:6274::100",
                           "fd72:6564:6f75:6274:1::1",
                           "fd72:6564:6f75:6274::1:0:1",
                           "fd72:6564:6f75:6275::1",
                           "fd72:6564:6f75:6274:8000::1",
                           "::198.18.0.1",
                           "::ffff:198.18.0.0",
                           "::ffff:10.0.0.1",
                           "fd72:6564:6f75:6274::ffff:ffff"}) {
    EXPECT_FALSE(names_.name(ip::make_address(text))) << text;
  }
}

TEST_F(SyntheticNamesTest, AnAddressLiteralGetsNone) {
  EXPECT_FALSE(names_.addresses(host("203.0.113.7")));
  EXPECT_FALSE(names_.addresses(host("2001:db8::1")));
  EXPECT_EQ(names_.refused(), 0u);
}

TEST_F(SyntheticNamesTest, NewNamesAreLimitedPerMinuteAndKnownOnesAreNot) {
  const auto name = [](std::size_t i) { return host("n" + std::to_string(i) + ".example"); };
  for (std::size_t i = 0; i < limits::kNamesPerMinute; ++i) ASSERT_TRUE(names_.addresses(name(i)));
  EXPECT_FALSE(names_.addresses(name(limits::kNamesPerMinute)));
  EXPECT_TRUE(names_.addresses(name(0)));
  now_ += seconds(59);
  EXPECT_FALSE(names_.addresses(name(limits::kNamesPerMinute)));
  EXPECT_EQ(names_.refused(), 2u);
  now_ += seconds(1);
  EXPECT_TRUE(names_.addresses(name(limits::kNamesPerMinute)));
}

TEST_F(SyntheticNamesTest, ASessionHasSoManyNamesEachWithAnAddressOfItsOwn) {
  std::set<ip::address_v4> fours;
  std::set<ip::address_v6> sixes;
  for (std::size_t i = 0; i < limits::kSyntheticNames; ++i) {
    now_ += seconds(1);
    const Host name = host("n" + std::to_string(i) + ".example");
    const auto given = names_.addresses(name);
    ASSERT_TRUE(given) << i;
    const auto last = given->v4.to_bytes()[3];
    EXPECT_TRUE(last != 0 && last != 255) << given->v4;
    EXPECT_TRUE(ip::make_network_v4("198.18.0.0/15").hosts().find(given->v4) !=
                ip::make_network_v4("198.18.0.0/15").hosts().end());
    ASSERT_EQ(names_.name(given->v4), name);
    ASSERT_EQ(names_.name(given->v6), name);
    fours.insert(given->v4);
    sixes.insert(given->v6);
  }
  EXPECT_EQ(fours.size(), limits::kSyntheticNames);
  EXPECT_EQ(sixes.size(), limits::kSyntheticNames);
  now_ += seconds(120);
  EXPECT_FALSE(names_.addresses(host("one-too-many.example")));
  EXPECT_TRUE(names_.addresses(host("n0.example")));
  EXPECT_EQ(names_.refused(), 1u);
}

}  // namespace
}  // namespace redoubtful::proxy
