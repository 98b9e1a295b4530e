#include "common/credential_places.hpp"

#include <gtest/gtest.h>

#include "cli/layers.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

using Texts = std::vector<std::string>;

Host host(const char* text) { return Host::parse(text).value(); }
Port port(const char* text) { return Port::parse(text).value(); }

TEST(CredentialPlaces, AHostTakesItOnItsPortsAlone) {
  CredentialPlaces places;
  for (const char* text : {"a.example", "b.example:8443", "b.example:9443", "::1", "[::2]:8443"}) {
    ASSERT_TRUE(places.add(text)) << text;
  }
  EXPECT_EQ(places.texts(),
            (Texts{"a.example", "b.example:8443", "b.example:9443", "[::1]", "[::2]:8443"}));
  EXPECT_EQ(places.size(), 4u);
  const struct {
    const char* host;
    const char* port;
    bool takes;
  } rows[] = {{"a.example", "443", true},  {"a.example", "8443", false},
              {"b.example", "443", false}, {"b.example", "8443", true},
              {"b.example", "9443", true}, {"::1", "443", true},
              {"::2", "8443", true},       {"::2", "443", false},
              {"c.example", "443", false}, {"x.a.example", "443", false}};
  for (const auto& row : rows) {
    EXPECT_EQ(places.takes(host(row.host), port(row.port)), row.takes) << row.host << row.port;
  }
  EXPECT_TRUE(places.names(host("b.example")));
  EXPECT_FALSE(places.names(host("c.example")));
}

TEST(CredentialPlaces, WhatIsNoPlaceIsRefused) {
  CredentialPlaces places;
  ASSERT_TRUE(places.add("a.example"));
  ASSERT_TRUE(places.add("b.example:1"));
  for (const char* text :
       {"", "a.example", "b.example:1", "a.example:8443", "b.example", ":443",
        "c.example:", "c.example:0", "c.example:65536", "c.example:x", "*.example.com",
        "https://c.example", "[::1", "[c.example:1", "::1]:1", "c.example/x"}) {
    EXPECT_FALSE(places.add(text)) << text;
  }
  EXPECT_EQ(places.texts(), (Texts{"a.example", "b.example:1"}));
}

// What a run with this file allows, and where its one credential goes.
struct Settled {
  Texts rules;
  Texts places;
};
Settled settled(const std::string& allow, const std::string& hosts) {
  const TemporaryTree tree;
  tree.write("builtin/base.yaml", "network: {mode: filtered}\n");
  Selection selection;
  selection.use = {tree.write("p.yaml", "network: {allow: [" + allow +
                                            "]}\ncredentials:\n  a: {source: env:A, hosts: [" +
                                            hosts + "], expose: {env: A}}\n")};
  const Profile profile = compose(tree.places(), selection).value().profile;
  Settled out;
  for (const auto& rule : profile.network.allow) out.rules.push_back(rule.value.text);
  out.places = profile.credentials.front().hosts.texts();
  return out;
}

TEST(CredentialPlaces, RulesSayThePortWhereTheCredentialDoesNot) {
  EXPECT_EQ(settled("", "x.example").places, (Texts{"x.example"}));
  EXPECT_EQ(settled("", "x.example").rules, (Texts{"x.example"}));
  EXPECT_EQ(settled("", "\"x.example:8443\"").rules, (Texts{"x.example:8443"}));
  EXPECT_EQ(settled("\"x.example:8443\"", "x.example").places, (Texts{"x.example:8443"}));
  EXPECT_EQ(settled("\"*.example.com:8443\"", "x.example.com").places,
            (Texts{"x.example.com:8443"}));
  EXPECT_EQ(settled("x.example, \"x.example:8443\"", "x.example").places, (Texts{"x.example"}))
      << "another service of the host";
  EXPECT_EQ(settled("x.example", "\"x.example:8443\"").rules, (Texts{"x.example"}))
      << "the rules alone decide";
}

}  // namespace
}  // namespace redoubtful::cli
