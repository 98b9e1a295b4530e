#include "cli/value_syntax.hpp"

#include <gtest/gtest.h>

namespace redoubtful::cli {
namespace {

using namespace std::string_literals;

TEST(Paths, AreAbsoluteOrBelowHomeAndNormalised) {
  const std::pair<std::string, std::string> table[] = {
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a"},
      {"//a///b/./c/.", "/a/b/c"},
      {"~/a", "~/a"},
      {"~//a/", "~/a"},
      {"/a/~", "/a/~"},
      {"/~/a", "/~/a"},
      {"~/~", "~/~"},
      {"/a:b c\nd\xff", "/a:b c\nd\xff"},
      {"/..a/a..", "/..a/a.."},
  };
  for (const auto& [text, path] : table) {
    ASSERT_TRUE(parse_path(text)) << text;
    EXPECT_EQ(*parse_path(text), path);
  }
  for (const auto& text : {""s, "a"s, "./a"s, "../a"s, "~"s, "~/"s, "~/."s, "~user/a"s, "/a/.."s,
                           "/../a"s, "~/../a"s, "/a\0b"s, "/" + std::string(4095, 'a')}) {
    EXPECT_FALSE(parse_path(text)) << testing::PrintToString(text);
  }
  EXPECT_TRUE(parse_path("/" + std::string(4094, 'a')));
}

TEST(Globs, AreRelative) {
  for (const auto* text : {"**/.env", "secrets/", ".envrc", "!.husky", "a/b"}) {
    EXPECT_TRUE(parse_glob(text)) << text;
  }
  for (const auto* text : {"", "!", "/etc", "~/x", "!/x", "../x", "a/../b"}) {
    EXPECT_FALSE(parse_glob(text)) << text;
  }
}

TEST(Variables, HaveNames) {
  for (const auto* text : {"A", "_", "LC_ALL", "a1"})
    EXPECT_TRUE(parse_variable_name(text)) << text;
  for (const auto* text : {"", "1a", "A=B", "A B", "A-B", "É", "A*"}) {
    EXPECT_FALSE(parse_variable_name(text)) << text;
  }
  for (const auto* text : {"LC_*", "A*", "LANG"}) EXPECT_TRUE(parse_variable_pattern(text)) << text;
  for (const auto* text : {"*", "*A", "A*B", "A**", ""}) {
    EXPECT_FALSE(parse_variable_pattern(text)) << text;
  }
}

TEST(Forwards, ReadTheHostsSideLeft) {
  struct Row {
    const char* text;
    Transport transport;
    int host;
    int inside;
  };
  for (const auto& row :
       {Row{"8080", Transport::kTcp, 8080, 8080}, Row{"5432:15432", Transport::kTcp, 5432, 15432},
        Row{"udp:53", Transport::kUdp, 53, 53}, Row{"udp:53:5353", Transport::kUdp, 53, 5353},
        Row{"tcp:1:65535", Transport::kTcp, 1, 65535}}) {
    const auto forward = parse_forward(row.text);
    ASSERT_TRUE(forward) << row.text;
    EXPECT_EQ(forward->transport, row.transport);
    EXPECT_EQ(forward->host, row.host);
    EXPECT_EQ(forward->inside, row.inside);
  }
}

TEST(Forwards, TellWhatCannotBeParsedFromWhatIsOutOfRange) {
  for (const auto* text : {"", "a", "80:", ":80", "80:90:100", "+80", "80/udp", "sctp:80", "8 0",
                           "127.0.0.1:80", "80-90"}) {
    ASSERT_FALSE(parse_forward(text)) << text;
    EXPECT_EQ(exit_status(parse_forward(text).error().code()), 64) << text;
  }
  for (const auto* text : {"0", "65536", "80:0", "80:65536", "999999999999999999999", "080"}) {
    ASSERT_FALSE(parse_forward(text)) << text;
    EXPECT_EQ(exit_status(parse_forward(text).error().code()), 78) << text;
  }
}

TEST(Memory, IsDigitsAndAUnit) {
  EXPECT_EQ(parse_memory("8G").value(), 8ULL << 30U);
  EXPECT_EQ(parse_memory("512M").value(), 512ULL << 20U);
  EXPECT_EQ(parse_memory("1024K").value(), 1ULL << 20U);
  EXPECT_EQ(parse_memory("1T").value(), 1ULL << 40U);
  for (const auto* text : {"", "8", "G", "8g", "8GB", "8 G", "-1G", "0G", "1K", "99999999999T",
                           "99999999999999999999G", "0x8G", "8.5G"}) {
    EXPECT_FALSE(parse_memory(text)) << text;
  }
}

TEST(Durations, AreDigitsAndUnits) {
  EXPECT_EQ(parse_duration("90s").value().count(), 90);
  EXPECT_EQ(parse_duration("4h").value().count(), 14400);
  EXPECT_EQ(parse_duration("1h30m").value().count(), 5400);
  EXPECT_EQ(parse_duration("365d").value().count(), 365 * 86400);
  for (const auto* text : {"", "4", "h", "0s", "-1s", "4x", "1h30", "366d", "9999999999s", "1.5h",
                           "4h ", "99999999999999999999d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Processes, AreAtLeastOne) {
  EXPECT_EQ(parse_processes("2048").value(), 2048U);
  for (const auto* text : {"", "0", "-1", "4194305", "99999999999999999999", "1k"}) {
    EXPECT_FALSE(parse_processes(text)) << text;
  }
}

TEST(Modes, SayWhatComesLater) {
  EXPECT_EQ(parse_mount_mode("cow").error().code(), Errc::kNotYet);
  EXPECT_EQ(parse_network_mode("discover").value(), NetworkMode::kDiscover);
  EXPECT_EQ(parse_network_mode("dangerously-open").value(), NetworkMode::kDangerouslyOpen);
  EXPECT_NE(parse_network_mode("filtred").error().what().find("did you mean filtered"),
            std::string::npos);
  EXPECT_FALSE(parse_home_mode("RW"));
}

TEST(AddressRanges, AreCanonicalAndNarrow) {
  for (const auto* text : {"10.0.0.0/8", "10.1.0.0/16", "127.0.0.1/32", "fd00::/8", "fc00::/7",
                           "::1/128", "192.168.1.0/24"}) {
    EXPECT_TRUE(parse_address_range(text)) << text;
  }
  for (const auto* text : {"", "10.0.0.0", "0.0.0.0/0", "10.0.0.0/7", "::/0", "10.1.0.0/8",
                           "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-8", "a.example/8",
                           "fd00::1/8", "::1/129", "10.0.0.0/8/8", "10.0.0.0/4294967304"}) {
    EXPECT_FALSE(parse_address_range(text)) << text;
  }
}

TEST(ProfileNames, AreOneComponentOfAPath) {
  for (const auto* text : {"a", "claude", "cursor-agent", "a.b_c-1", "0"}) {
    EXPECT_TRUE(parse_profile_name(text)) << text;
  }
  for (const auto& text : {""s, "."s, ".."s, ".a"s, "-a"s, "A"s, "a/b"s, "a b"s, "a\0"s, "a\n"s,
                           "é"s, std::string(65, 'a'), std::string(4096, 'a')}) {
    EXPECT_FALSE(parse_profile_name(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace redoubtful::cli
