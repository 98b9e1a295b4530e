#include "cli/origin_loader.hpp"

#include <gtest/gtest.h>

#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"

namespace redoubtful::cli {
namespace {

TEST(DialAddress, IsAnAddressWithOrWithoutAPort) {
  for (const auto* text : {"127.0.0.1", "127.0.0.1:8443", "[::1]", "[::1]:8443", "10.0.0.1:1"}) {
    EXPECT_EQ(parse_dial_address(text).value(), text);
  }
  EXPECT_EQ(parse_dial_address("fd00::1").value(), "[fd00::1]");
  for (const auto* text : {"", "a.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.1",
                           "::1:x", "[::1", "[::1]x", "[::1]:", "[127.0.0.1]", "127.0.0.1:80:80",
                           "0x7f.0.0.1", "user@127.0.0.1", " 127.0.0.1"}) {
    EXPECT_FALSE(parse_dial_address(text)) << text;
  }
}

TEST(Gateway, IsHttpsWithAPrefix) {
  for (const auto* text :
       {"https://gw.example", "https://gw.example/", "https://gw.example:8443/v1",
        "https://gw.example/v1/anthropic", "https://127.0.0.1:8443/a", "https://[::1]:8443/a"}) {
    EXPECT_EQ(parse_gateway(text).value(), text);
  }
  for (const auto* text :
       {"", "gw.example", "http://gw.example", "https://", "https:///a", "https://u:p@gw.example",
        "https://gw.example:0", "https://gw.example/a?b", "https://gw.example/a#b",
        "https://gw.example/a b", "https://gw.example/../a", "https://gw.example//a",
        "https://gw.example/a%2f", "https://gw.example/a\\b", "https://*.gw.example"}) {
    EXPECT_FALSE(parse_gateway(text)) << text;
  }
}

TEST(OuterProxy, IsHttpWithAPortAndWithoutAPassword) {
  EXPECT_EQ(parse_outer_proxy("").value(), "");
  EXPECT_EQ(parse_outer_proxy("http://proxy.example:3128").value(), "http://proxy.example:3128");
  EXPECT_EQ(parse_outer_proxy("http://proxy.example:3128/").value(), "http://proxy.example:3128");
  for (const auto* text : {"proxy.example:3128", "http://proxy.example", "https://proxy.example:1",
                           "socks5://proxy.example:1", "http://u:hunter2@proxy.example:3128",
                           "http://proxy.example:3128/x", "http://:3128"}) {
    const auto refused = parse_outer_proxy(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().what().find("hunter2"), std::string::npos);
  }
}

std::string why(std::string_view yaml) {
  const auto layer = load_layer(yaml, "p", "p.yaml");
  return layer ? "accepted" : layer.error().what();
}

TEST(Origins, NameWhatIsWrong) {
  EXPECT_EQ(why("network: {origins: {}, ca: [], proxy: \"\"}\n"), "accepted");
  struct Row {
    const char* yaml;
    const char* expected;
  };
  for (const auto& row : {
           Row{"network: {origins: []}\n", "expected a mapping, found a list"},
           Row{"network: {origins: {a.example: {}}}\n", "needs one of the keys address, ca, via"},
           Row{"network: {origins: {a.example: x}}\n", "expected a mapping"},
           Row{"network: {origins: {\"*.a.example\": {ca: /a}}}\n", "p.yaml:1:21:"},
           Row{"network: {origins: {a.example: {ca: /a}, A.example: {ca: /b}}}\n",
               "p.yaml:1:42: the host a.example stands here twice"},
           Row{"network: {origins: {a.example: {adress: x}}}\n", "did you mean address?"},
           Row{"network: {origins: {a.example: {ca: x.pem}}}\n", "neither absolute nor begins"},
           Row{"network: {ca: [x.pem]}\n", "neither absolute nor begins"},
           Row{"network: {ca: x}\n", "expected a list"},
           Row{"network: {proxy: x}\n", "p.yaml:1:18: \"x\" is not http://HOST:PORT"},
       }) {
    EXPECT_NE(why(row.yaml).find(row.expected), std::string::npos) << row.yaml << why(row.yaml);
  }
}

TEST(NamedEntries, AreReplacedWholeByLaterLayers) {
  Profile profile;
  apply_layer(profile,
              load_layer("network: {origins: {a.example: {address: 10.0.0.1, ca: /a}, b.example: "
                         "{ca: /b}}, ca: [/one], proxy: http://p.example:1}\n"
                         "credentials: {k: {source: env:A, hosts: [a.example], expose: {env: "
                         "A}, optional: true}}\n",
                         "one", "one.yaml")
                  .value(),
              {}, {});
  apply_layer(
      profile,
      load_layer("network: {origins: {a.example: {via: \"https://gw.example\"}}, ca: "
                 "[/two], proxy: \"\"}\n"
                 "credentials: {k: {source: env:B, hosts: [b.example], expose: {env: B}}}\n",
                 "two", "two.yaml")
          .value(),
      {}, {});
  ASSERT_EQ(profile.network.origins.size(), 2U);
  EXPECT_EQ(profile.network.origins[0].address, "");
  EXPECT_EQ(profile.network.origins[0].ca, "");
  EXPECT_EQ(profile.network.origins[0].via, "https://gw.example");
  EXPECT_EQ(profile.network.origins[0].origin.file, "two.yaml");
  EXPECT_EQ(profile.network.ca.size(), 2U);
  EXPECT_EQ(profile.network.proxy->value, "");
  ASSERT_EQ(profile.credentials.size(), 1U);
  EXPECT_EQ(profile.credentials[0].source, "env:B");
  EXPECT_FALSE(profile.credentials[0].optional);
  EXPECT_EQ(profile.credentials[0].hosts.size(), 1U);
}

}  // namespace
}  // namespace redoubtful::cli
