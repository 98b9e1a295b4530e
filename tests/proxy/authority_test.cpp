#include "proxy/authority.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

TEST(Authority, IsAHostAndAPortInOneSpelling) {
  struct Row {
    const char* text;
    const char* host;
    int port;
    const char* spelt;
  };
  for (const auto& [text, host, port, spelt] : {
           Row{"a.example", "a.example", 443, "a.example"},
           {"a.example:443", "a.example", 443, "a.example:443"},
           {"a.example:1", "a.example", 1, "a.example:1"},
           {"a.example:65535", "a.example", 65535, "a.example:65535"},
           {"A.Example.", "a.example", 443, "a.example"},
           {"A.Example.:80", "a.example", 80, "a.example:80"},
           {"b\xc3\xbc"
            "cher.example",
            "xn--bcher-kva.example", 443, "xn--bcher-kva.example"},
           {"localhost:3000", "localhost", 3000, "localhost:3000"},
           {"192.0.2.7:8080", "192.0.2.7", 8080, "192.0.2.7:8080"},
           {"[::1]", "::1", 443, "[::1]"},
           {"[2001:db8::7]:8443", "2001:db8::7", 8443, "[2001:db8::7]:8443"},
       }) {
    const auto parsed = parse_authority(text, https_port());
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().what();
    EXPECT_EQ(parsed->host.text(), host) << text;
    EXPECT_EQ(parsed->port.number(), port) << text;
    EXPECT_EQ(authority_text(*parsed), spelt) << text;
  }
  const auto six = *parse_authority("[::1]:80", https_port());
  EXPECT_EQ(authority_text(six.host, six.port, http_port()), "[::1]");
  EXPECT_EQ(authority_text(six.host, six.port, https_port()), "[::1]:80");
}

TEST(Authority, RefusesEverythingElse) {
  const std::string with_nul("a.example\0.evil.test", 20);
  for (const std::string& text : {
           std::string(""),
           std::string(":443"),
           std::string("a.example:"),
           std::string("a.example:0"),
           std::string("a.example:00443"),
           std::string("a.example:65536"),
           std::string("a.example:99999999999999999999"),
           std::string("a.example:+443"),
           std::string("a.example:-1"),
           std::string("a.example: 443"),
           std::string("a.example:443 "),
           std::string("a.example:443:443"),
           std::string("a.example:https"),
           std::string(" a.example"),
           std::string("a.example "),
           std::string("user@a.example"),
           std::string("user:password@a.example"),
           std::string("@a.example"),
           std::string("a.example@"),
           std::string("a.example/"),
           std::string("a.example/x"),
           std::string("a.example?x"),
           std::string("a.example#x"),
           std::string("a.example\\x"),
           std::string("a%2eexample"),
           std::string("a.example%00"),
           std::string("a,b.example"),
           std::string("a.example,b.example"),
           std::string("a..example"),
           std::string(".a.example"),
           std::string("a.example.."),
           std::string("*.example"),
           std::string("a_b.example"),
           std::string("http://a.example"),
           std::string("::1"),
           std::string("::1:443"),
           std::string("[::1"),
           std::string("[::1]443"),
           std::string("[::1]:"),
           std::string("[::1]x:443"),
           std::string("[::1%25lo]"),
           std::string("[fe80::1%lo]"),
           std::string("[::0:1]"),
           std::string("[::FFFF]"),
           std::string("[::ffff:192.0.2.7]"),
           std::string("[192.0.2.7]"),
           std::string("[a.example]"),
           std::string("[]"),
           std::string("]a.example"),
           std::string("127.1"),
           std::string("0x7f.0.0.1"),
           std::string("2130706433"),
           std::string("0177.0.0.1"),
           std::string("192.0.2.7."),
           std::string("a.example\r\nX: y"),
           std::string("a.example\n"),
           std::string(254, 'a'),
           with_nul,
       }) {
    const auto parsed = parse_authority(text, https_port());
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Errc::kInvalidHost);
    EXPECT_EQ(parsed.error().what().find_first_of("\r\n"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
