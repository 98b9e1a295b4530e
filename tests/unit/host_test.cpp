#include "common/host.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace redoubtful {
namespace {

HostRule rule(std::string_view text, HostRule::List list = HostRule::List::kAllow) {
  return HostRule::parse(text, list).value();
}

TEST(Port, IsADecimalNumberFrom1To65535) {
  for (const auto* text : {"1", "80", "443", "65535"}) {
    ASSERT_TRUE(Port::parse(text)) << text;
    EXPECT_EQ(std::to_string(Port::parse(text)->number()), text);
  }
  for (const auto* text : {"", "0", "65536", "99999", "100000", "4294967297", "-1", "+80", " 80",
                           "80 ", "080", "0x50", "8e1", "http", "80\n"}) {
    EXPECT_FALSE(Port::parse(text)) << text;
  }
}

TEST(Host, AcceptsNamesAndCanonicalAddresses) {
  const std::pair<const char*, const char*> table[] = {
      {"example.com", "example.com"},
      {"EXAMPLE.Com", "example.com"},
      {"example.com.", "example.com"},
      {"localhost", "localhost"},
      {"a-b.example", "a-b.example"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"r3---sn-x.example", "r3---sn-x.example"},
      {"1password.com", "1password.com"},
      {"bücher.example", "xn--bcher-kva.example"},
      {"Bücher.EXAMPLE", "xn--bcher-kva.example"},
      {"faß.example", "xn--fa-hia.example"},
      {"127.0.0.1", "127.0.0.1"},
      {"::1", "::1"},
      {"2001:db8::1", "2001:db8::1"},
  };
  for (const auto& [text, parsed] : table) {
    ASSERT_TRUE(Host::parse(text)) << text;
    EXPECT_EQ(Host::parse(text)->text(), parsed);
  }
  EXPECT_TRUE(Host::parse("127.0.0.1")->is_address());
  EXPECT_FALSE(Host::parse("example.com")->is_address());
}

TEST(Host, RefusesEveryOtherSpelling) {
  using namespace std::string_literals;
  std::string long_label(64, 'a');
  long_label += ".example";
  const std::vector<std::string> table = {
      "",
      ".",
      "..",
      ".example.com",
      "a..example",
      "example.com..",
      "-a.example",
      "a-.example",
      "a_b.example",
      "a b.example",
      "a%2eb",
      "user@example.com",
      "example.com:443",
      "example.com/",
      "exa\0mple.com"s,
      "example.com\0.evil.example"s,
      "example.com\n",
      "\texample.com",
      "*",
      "*.example.com",
      long_label,
      std::string(4096, 'a'),
      "1",
      "127.1",
      "2130706433",
      "0x7f000001",
      "0x7f.0.0.1",
      "0177.0.0.1",
      "127.0.0.01",
      "127.0.0.1.",
      "127.0.0.256",
      "1.2.3.4.5",
      "example.1",
      "::0001",
      "::ABCD",
      "0:0:0:0:0:0:0:1",
      "::ffff:127.0.0.1",
      "fe80::1%lo",
      "[::1]",
      "１２７.0.0.1",  // full-width digits that IDNA maps to an address
      "example。com/evil",
      "bücher.example/x",
      "é@b.example",
      "é_b.example",
      "ａ.example",         // full-width letter
      "a\u00adb.example",   // soft hyphen
      "ex\u200bample.com",  // zero-width space
      "BÜCHER.example",
      "℀.example",  // maps to "a/c"
      "ex\xC3mple.com",
      "\xFF",
  };
  for (const auto& text : table) EXPECT_FALSE(Host::parse(text)) << testing::PrintToString(text);
}

TEST(Host, NeverGrowsBeyondADnsName) {
  std::string name(253, 'a');
  for (std::size_t i = 7; i < name.size(); i += 8) name[i] = '.';
  EXPECT_TRUE(Host::parse(name));
  name.push_back('a');
  EXPECT_FALSE(Host::parse(name));
}

TEST(HostPattern, MatchesBelowTheApexAndNotTheApex) {
  const auto wildcard = HostPattern::parse("*.example.com").value();
  for (const auto* name : {"a.example.com", "a.b.example.com", "A.EXAMPLE.COM."}) {
    EXPECT_TRUE(wildcard.matches(Host::parse(name).value())) << name;
  }
  for (const auto* name :
       {"example.com", "badexample.com", "example.com.evil.net", "com", "127.0.0.1"}) {
    EXPECT_FALSE(wildcard.matches(Host::parse(name).value())) << name;
  }
  const auto exact = HostPattern::parse("example.com").value();
  EXPECT_TRUE(exact.matches(Host::parse("example.com").value()));
  EXPECT_FALSE(exact.matches(Host::parse("a.example.com").value()));
}

TEST(HostPattern, IsNeverWiderThanASecondLevelDomain) {
  for (const auto* text :
       {"*", "*.", "*.com", "*.*.example.com", "a.*.example.com", "a*.example.com", "*example.com",
        "*.127.0.0.1", "**.example.com", "*.localhost"}) {
    EXPECT_FALSE(HostPattern::parse(text)) << text;
  }
}

TEST(HostPattern, CoversWhatItMatches) {
  const auto pattern = [](const char* text) { return HostPattern::parse(text).value(); };
  EXPECT_TRUE(pattern("*.example.com").covers(pattern("a.example.com")));
  EXPECT_TRUE(pattern("*.example.com").covers(pattern("*.a.example.com")));
  EXPECT_TRUE(pattern("*.example.com").covers(pattern("*.example.com")));
  EXPECT_TRUE(pattern("a.example").covers(pattern("a.example")));
  EXPECT_FALSE(pattern("*.example.com").covers(pattern("example.com")));
  EXPECT_FALSE(pattern("*.a.example.com").covers(pattern("*.example.com")));
  EXPECT_FALSE(pattern("a.example.com").covers(pattern("*.a.example.com")));
}

TEST(HostRule, ReadsSchemeHostAndPort) {
  struct Row {
    const char* text;
    const char* host;
    Scheme scheme;
    int port;
  };
  for (const auto& row : {Row{"api.example", "api.example", Scheme::kHttps, 443},
                          Row{"*.npm.example:8443", "*.npm.example", Scheme::kHttps, 8443},
                          Row{"https://a.example", "a.example", Scheme::kHttps, 443},
                          Row{"http://localhost.test", "localhost.test", Scheme::kHttp, 80},
                          Row{"ssh://github.example", "github.example", Scheme::kSsh, 22},
                          Row{"tcp://db.example:5432", "db.example", Scheme::kTcp, 5432},
                          Row{"tcp://[::1]:5432", "::1", Scheme::kTcp, 5432},
                          Row{"127.0.0.1:80", "127.0.0.1", Scheme::kHttps, 80}}) {
    const auto parsed = rule(row.text);
    EXPECT_EQ(parsed.pattern.text(), row.host);
    EXPECT_EQ(parsed.scheme, row.scheme);
    EXPECT_EQ(parsed.port, row.port);
    EXPECT_FALSE(parsed.any_port || parsed.any_scheme);
    EXPECT_EQ(parsed.text, row.text);
  }
}

TEST(HostRule, InDenyStandsForWhatItDoesNotName) {
  const auto bare = rule("a.example", HostRule::List::kDeny);
  EXPECT_TRUE(bare.any_port && bare.any_scheme);
  const auto with_port = rule("a.example:80", HostRule::List::kDeny);
  EXPECT_TRUE(!with_port.any_port && with_port.any_scheme);
  const auto with_scheme = rule("https://a.example", HostRule::List::kAsk);
  EXPECT_TRUE(!with_scheme.any_port && !with_scheme.any_scheme);
}

TEST(HostRule, RefusesWhatIsNoRule) {
  for (const auto* text : {"",
                           ":443",
                           "https://",
                           "htps://a.example",
                           "HTTPS://a.example",
                           "a.example:",
                           "a.example:0",
                           "a.example:65536",
                           "a.example:http",
                           "tcp://a.example",
                           "a.example/x",
                           "https://a.example/x",
                           "https://u@a.example",
                           "::1",
                           "[::1",
                           "[::1]x",
                           "[127.0.0.1]:80",
                           "[a.example]:80",
                           "a.example:1:2",
                           "://a.example",
                           "a.example?x",
                           "a.example#x"}) {
    EXPECT_FALSE(HostRule::parse(text)) << text;
  }
  EXPECT_NE(HostRule::parse("htps://a.example").error().what().find("did you mean https"),
            std::string::npos);
}

}  // namespace
}  // namespace redoubtful
