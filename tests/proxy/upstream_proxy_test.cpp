#include "proxy/upstream_proxy.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

Port port(int number) { return Port::parse(std::to_string(number)).value(); }

TEST(UpstreamProxy, ReadsWhatHttpsProxyMayBe) {
  struct Case {
    const char *url, *text, *authorization;
  };
  const Case cases[] = {
      {"http://proxy.corp:3128", "proxy.corp:3128", ""},
      {"http://proxy.corp:3128/", "proxy.corp:3128", ""},
      {"HTTP://Proxy.Corp", "proxy.corp:80", ""},
      {"proxy:8080", "proxy:8080", ""},
      {"10.1.2.3:3128", "10.1.2.3:3128", ""},
      {"http://[2001:db8::1]:3128", "[2001:db8::1]:3128", ""},
      {"http://[2001:db8::1]", "[2001:db8::1]:80", ""},
      {"http://user:pass@proxy.corp:3128", "proxy.corp:3128", "Basic dXNlcjpwYXNz"},
      {"http://user@proxy.corp:3128", "proxy.corp:3128", "Basic dXNlcjo="},
      {"http://u:p%40ss%3A%2F@proxy.corp:3128", "proxy.corp:3128", "Basic dTpwQHNzOi8="},
      {"http://u:p@ss@proxy.corp:3128", "proxy.corp:3128", "Basic dTpwQHNz"},
      {"http://DOM%5Cuser:a:b@proxy.corp:3128", "proxy.corp:3128", "Basic RE9NXHVzZXI6YTpi"},
  };
  for (const auto& [url, text, authorization] : cases) {
    const auto proxy = UpstreamProxy::parse(url, "");
    ASSERT_TRUE(proxy) << url << ": " << proxy.error().what();
    EXPECT_EQ(proxy->text(), text);
    EXPECT_EQ(proxy->authorization(), authorization) << url;
  }
}

TEST(UpstreamProxy, RefusesTheRestAndNeverShowsThePassword) {
  for (const auto* url :
       {"", "http://", "https://u:hunter2@proxy.corp:443", "socks5://u:hunter2@proxy.corp:1080",
        "hunter2://proxy:1", "http://u:hunter2@", "http://u:hunter2@:3128",
        "http://u:hunter2@proxy.corp:0", "http://u:hunter2@proxy.corp:99999",
        "http://u:hunter2@proxy.corp:", "http://u:hunter2@proxy.corp:3128/path",
        "http://u:hunter2%@proxy.corp", "http://u:hunter2%zz@proxy.corp",
        "http://u:hunter2%0d%0aX@proxy.corp", "http://u%3Ax:hunter2@proxy.corp",
        "http://u:hunter2@pro xy.corp", "http://u:hunter2@0x7f.1", "http://u:hunter2@[::1",
        "http://u:hunter2@[::1]x"}) {
    const auto proxy = UpstreamProxy::parse(url, "");
    ASSERT_FALSE(proxy) << url;
    EXPECT_EQ(proxy.error().code(), Errc::kInvalidProfile);
    if (!std::string_view(url).starts_with("hunter2")) {
      EXPECT_EQ(proxy.error().what().find("hunter2"), std::string::npos) << proxy.error().what();
    }
  }
}

TEST(UpstreamProxy, NoProxyIsReadAsCurlAndGoDo) {
  struct Case {
    const char *list, *host;
    int port;
    bool bypassed;
  };
  const Case cases[] = {
      {"", "a.example", 443, false},
      {"*", "a.example", 443, true},
      {"*", "203.0.113.7", 443, true},
      {"example.com", "example.com", 443, true},
      {"example.com", "api.example.com", 443, true},
      {"example.com", "badexample.com", 443, false},
      {"example.com", "example.com.evil.test", 443, false},
      {".example.com", "api.example.com", 443, true},
      {".example.com", "example.com", 443, true},
      {"*.example.com", "api.example.com", 443, true},
      {"EXAMPLE.com.", "api.example.com", 443, true},
      {"a.test, b.test c.test\td.test", "b.test", 443, true},
      {"a.test, b.test c.test\td.test", "c.test", 443, true},
      {"a.test, b.test c.test\td.test", "d.test", 443, true},
      {",, ,", "a.test", 443, false},
      {"a.test:8443", "a.test", 8443, true},
      {"a.test:8443", "a.test", 443, false},
      {"*:8443", "a.test", 8443, true},
      {"*:8443", "a.test", 443, false},
      {"203.0.113.7", "203.0.113.7", 443, true},
      {"203.0.113.7", "203.0.113.70", 443, false},
      {"113.7", "203.0.113.7", 443, false},
      {".7", "203.0.113.7", 443, false},
      {"203.0.113.0/24", "203.0.113.7", 443, true},
      {"203.0.113.0/24", "203.0.114.7", 443, false},
      {"10.0.0.0/8", "a.test", 443, false},
      {"2001:db8::/32", "2001:db8::7", 443, true},
      {"2001:DB8::0:7", "2001:db8::7", 443, true},
      {"[2001:db8::7]:8443", "2001:db8::7", 8443, true},
      {"[2001:db8::7]:8443", "2001:db8::7", 443, false},
      {"a.test:x", "a.test", 443, false},
      {"a.test:", "a.test", 443, false},
      {".", "a.test", 443, false},
      {"*.", "a.test", 443, false},
      {"[", "a.test", 443, false},
  };
  for (const auto& [list, host, number, bypassed] : cases) {
    const auto proxy = UpstreamProxy::parse("http://proxy.corp:3128", list).value();
    EXPECT_EQ(proxy.bypassed(Host::parse(host).value(), port(number)), bypassed)
        << list << " " << host << " " << number;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
