#include "proxy/gateway.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

Host host(std::string_view text) { return Host::parse(text).value(); }
Gateway gateway(std::string_view url) { return Gateway::parse(url).value(); }

TEST(Gateway, ReadsAnHttpsUrlWithAPlainPath) {
  struct Case {
    const char *url, *authority, *prefix;
  };
  const Case cases[] = {
      {"https://gateway.corp", "gateway.corp", ""},
      {"https://gateway.corp/", "gateway.corp", ""},
      {"HTTPS://Gateway.Corp/v1", "gateway.corp", "/v1"},
      {"https://gateway.corp:443/v1/anthropic/", "gateway.corp", "/v1/anthropic"},
      {"https://gateway.corp:8443/v1", "gateway.corp:8443", "/v1"},
      {"https://10.1.2.3:8443", "10.1.2.3:8443", ""},
      {"https://[2001:db8::1]/x", "[2001:db8::1]", "/x"},
      {"https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443", "/x"},
  };
  for (const auto& [url, authority, prefix] : cases) {
    const auto parsed = Gateway::parse(url);
    ASSERT_TRUE(parsed) << url << ": " << parsed.error().what();
    EXPECT_EQ(parsed->authority(), authority);
    EXPECT_EQ(parsed->prefix(), prefix);
  }
  for (const auto* url : {"",
                          "gateway.corp",
                          "http://gateway.corp",
                          "https://",
                          "https:///v1",
                          "https://a@gateway.corp",
                          "https://gateway.corp?x",
                          "https://gateway.corp/v1?x=y",
                          "https://gateway.corp/v1#x",
                          "https://gateway.corp/../v1",
                          "https://gateway.corp//v1",
                          "https://gateway.corp/%2fv1",
                          "https://gateway.corp/v%31",
                          "https://gateway.corp/a\\b",
                          "https://gateway.corp/a b",
                          "https://gateway.corp:0/",
                          "https://gateway.corp:/",
                          "https://2001:db8::1/",
                          "https://[::1",
                          "https://[gateway.corp]/",
                          "https://0x7f.1/",
                          "https://gateway.corp\\@evil.test/"}) {
    EXPECT_FALSE(Gateway::parse(url)) << url;
  }
}

TEST(Gateway, PutsThePrefixInFrontOfTheTarget) {
  const auto with = gateway("https://gateway.corp/v1/anthropic");
  EXPECT_EQ(with.target("/v1/messages?beta=true"), "/v1/anthropic/v1/messages?beta=true");
  EXPECT_EQ(with.target("/"), "/v1/anthropic/");
  EXPECT_EQ(with.target("*"), "*");
  EXPECT_EQ(gateway("https://gateway.corp").target("/x"), "/x");
}

TEST(Gateway, MapsLocationsBack) {
  struct Case {
    const char *value, *mapped;
  };
  const Case cases[] = {
      {"https://gateway.corp:8443/v1/x/files/1?a=b#c", "https://api.example.com/files/1?a=b#c"},
      {"HTTPS://Gateway.Corp:8443/v1/x/files", "HTTPS://api.example.com/files"},
      {"https://gateway.corp:8443/v1/x", "https://api.example.com/"},
      {"https://gateway.corp:8443/v1/x?a", "https://api.example.com/?a"},
      {"//gateway.corp:8443/v1/x/y", "//api.example.com/y"},
      {"/v1/x/y", "/y"},
      {"/v1/x", "/"},
      {"/v1/x/", "/"},
      {"/v1/x?next=/v1/x/y", "/?next=/v1/x/y"},
      // Beside the prefix: it leads to the gateway itself.
      {"/v1/xy", "https://gateway.corp:8443/v1/xy"},
      {"/login", "https://gateway.corp:8443/login"},
      {"/v1/x/../login", "https://gateway.corp:8443/v1/x/../login"},
      {"/v1/x/%2e%2E/login", "https://gateway.corp:8443/v1/x/%2e%2E/login"},
      {"/v1/x//evil.test/", "https://gateway.corp:8443/v1/x//evil.test/"},
      // Not the gateway's, or the same on both sides.
      {"https://gateway.corp:8443/login", "https://gateway.corp:8443/login"},
      {"https://gateway.corp/v1/x/y", "https://gateway.corp/v1/x/y"},
      {"http://gateway.corp:8443/v1/x/y", "http://gateway.corp:8443/v1/x/y"},
      {"https://gateway.corp:8443@evil.test/v1/x/y", "https://gateway.corp:8443@evil.test/v1/x/y"},
      {"https://gateway.corp:8443.evil.test/v1/x", "https://gateway.corp:8443.evil.test/v1/x"},
      {"https://evil.test/v1/x/y", "https://evil.test/v1/x/y"},
      {"https://gateway.corp:8443\\v1/x/y", "https://gateway.corp:8443\\v1/x/y"},
      {"y", "y"},
      {"?a", "?a"},
      {"", ""},
      {"mailto:x@gateway.corp", "mailto:x@gateway.corp"},
  };
  const auto via = gateway("https://gateway.corp:8443/v1/x");
  for (const auto& [value, mapped] : cases) {
    EXPECT_EQ(via.location(value, "api.example.com"), mapped) << value;
  }
  EXPECT_EQ(via.location("https://gateway.corp:8443/v1/x/y", "api.example.com:444"),
            "https://api.example.com:444/y");
  EXPECT_EQ(gateway("https://gateway.corp").location("https://gateway.corp/y", "api.example.com"),
            "https://api.example.com/y");
  EXPECT_EQ(gateway("https://gateway.corp").location("/y?z", "api.example.com"), "/y?z");
}

TEST(Gateway, MapsCookiesBack) {
  struct Case {
    const char *value, *mapped;
  };
  const Case cases[] = {
      {"a=b", "a=b"},
      {"a=b; Secure; HttpOnly", "a=b; Secure; HttpOnly"},
      {"a=b; Domain=gateway.corp.example; Secure", "a=b; Domain=api.example.com; Secure"},
      {"a=b; domain=.GATEWAY.corp.example", "a=b; Domain=api.example.com"},
      {"a=b; Domain=corp.example; Secure", "a=b; Secure"},
      {"a=b; Domain=other.example", "a=b; Domain=other.example"},
      {"a=b; Path=/", "a=b; Path=/"},
      {"a=b; Path=/v1", "a=b; Path=/"},
      {"a=b; Path=/v1/", "a=b; Path=/"},
      {"a=b; path=/v1/x", "a=b; Path=/"},
      {"a=b; Path=/v1/x/", "a=b; Path=/"},
      {"a=b; Path=/v1/x/y; Max-Age=1", "a=b; Path=/y; Max-Age=1"},
      {"a=b; Path=/v1/xy", "a=b; Path=/v1/xy"},
      {"a=b; Path=", "a=b; Path="},
      {"a=b; Path", "a=b; Path"},
      {"Domain=gateway.corp.example", "Domain=gateway.corp.example"},
      {"a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT"},
      {"", ""},
  };
  const auto via = gateway("https://gateway.corp.example/v1/x");
  for (const auto& [value, mapped] : cases) {
    EXPECT_EQ(via.set_cookie(value, host("api.example.com")), mapped) << value;
  }
  EXPECT_EQ(via.set_cookie("a=b; Domain=gateway.corp.example", host("203.0.113.7")), "a=b");
}

TEST(Gateway, MapsAnAnswersFieldsInPlace) {
  Fields fields{{"Location", "/v1/x/a"},
                {"content-location", "https://gateway.corp/v1/x/b"},
                {"Set-Cookie", "a=b; Path=/v1/x"},
                {"SET-COOKIE", "c=d; Domain=gateway.corp"},
                {"X-Location", "/v1/x/a"}};
  gateway("https://gateway.corp/v1/x").map_back(fields, host("api.example.com"), "api.example.com");
  EXPECT_EQ(fields[0].value, "/a");
  EXPECT_EQ(fields[1].value, "https://api.example.com/b");
  EXPECT_EQ(fields[2].value, "a=b; Path=/");
  EXPECT_EQ(fields[3].value, "c=d; Domain=api.example.com");
  EXPECT_EQ(fields[4].value, "/v1/x/a");
}

}  // namespace
}  // namespace redoubtful::proxy
