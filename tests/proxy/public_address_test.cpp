// Which addresses a name may lead to: special-purpose ranges, own addresses, `private`, overrides.

#include "proxy/public_address.hpp"

#include <gtest/gtest.h>

#include "proxy/denial.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::address;
using test::admitted;
using test::reason_of;
using test::RuleList;

TEST(PublicAddress, KnowsWhatTheInternetRoutes) {
  for (const char* text : {
           "1.1.1.1",
           "8.8.8.8",
           "9.255.255.255",
           "11.0.0.0",
           "100.63.255.255",
           "100.128.0.0",
           "126.255.255.255",
           "128.0.0.0",
           "168.63.129.15",
           "169.253.255.255",
           "169.255.0.0",
           "172.15.255.255",
           "172.32.0.0",
           "192.0.1.0",
           "192.167.255.255",
           "192.169.0.0",
           "198.17.255.255",
           "198.20.0.0",
           "223.255.255.255",
           "2606:4700:4700::1111",
           "2001:4860:4860::8888",
           "2001:200::1",
           "2a00:1450::1",
           "3ffe:ffff::1",
           "64:ff9b::808:808",
       }) {
    EXPECT_TRUE(is_public_address(address(text))) << text;
  }
}

TEST(PublicAddress, RefusesEverySpecialPurposeRangeAtBothItsEnds) {
  for (const char* text : {
           "0.0.0.0",         "0.255.255.255",    // this network
           "10.0.0.0",        "10.255.255.255",   // RFC 1918
           "100.64.0.0",      "100.127.255.255",  // carrier-grade NAT
           "100.100.100.200",                     // Alibaba's metadata
           "127.0.0.0",       "127.0.0.1",        // loopback
           "127.255.255.255",                     //
           "168.63.129.16",                       // Azure's host
           "169.254.0.0",     "169.254.169.254",  // link-local, metadata
           "169.254.170.2",   "169.254.255.255",  // ECS credentials
           "172.16.0.0",      "172.31.255.255",   // RFC 1918
           "192.0.0.0",       "192.0.0.192",      // IETF; Oracle's metadata
           "192.0.0.255",     "192.0.2.0",        // documentation
           "192.0.2.255",     "192.88.99.1",      // 6to4 relay
           "192.168.0.0",     "192.168.255.255",  // RFC 1918
           "198.18.0.0",      "198.19.255.255",   // benchmarking: our own synthetic range
           "198.51.100.1",    "203.0.113.1",      // documentation
           "224.0.0.0",       "239.255.255.255",  // multicast
           "240.0.0.0",       "255.255.255.254",  // reserved
           "255.255.255.255",                     // broadcast
       }) {
    EXPECT_FALSE(is_public_address(address(text))) << text;
  }
}

TEST(PublicAddress, RefusesEverySpecialFormOfIpv6) {
  for (const char* text : {
           "::",                                       // unspecified
           "::1",                                      // loopback
           "::7f00:1",                                 // IPv4-compatible
           "::ffff:8.8.8.8",                           // IPv4-mapped, even of a public one
           "::ffff:127.0.0.1",                         //
           "::ffff:0:127.0.0.1",                       // IPv4-translated (RFC 2765)
           "64:ff9b::7f00:1",                          // NAT64 of loopback
           "64:ff9b::10.0.0.1",                        // … of RFC 1918
           "64:ff9b::169.254.169.254",                 // … of metadata
           "64:ff9b::a9fe:a9fe",                       //
           "64:ff9b:1::1",                             // NAT64, local use
           "64:ff9b:0:0:0:1:808:808",                  // beside the /96
           "100::1",                                   // discard only
           "2001::1",                                  // Teredo
           "2001:0:4136:e378:8000:63bf:3fff:fdd2",     //
           "2001:2::1",                                // benchmarking
           "2001:10::1",                               // ORCHID
           "2001:20::1",                               // ORCHIDv2
           "2001:db8::1",                              // documentation
           "2002:7f00:1::",                            // 6to4 of loopback
           "2002:808:808::1",                          // … of anything
           "3fff::1",                                  // documentation
           "5f00::1",                                  // segment routing
           "fc00::1",                                  // unique local
           "fd00:ec2::254",                            // Amazon's metadata
           "fd20:ce::254",                             // Google's
           "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",  //
           "fe80::1",                                  // link-local
           "fe80::a9fe:a9fe",                          //
           "fec0::1",                                  // site-local
           "ff02::1",                                  // multicast
           "4000::1",                                  // not given to anybody
           "1000::1",                                  //
       }) {
    EXPECT_FALSE(is_public_address(address(text))) << text;
  }
  auto scoped = address("2606:4700::1").to_v6();
  scoped.scope_id(3);
  EXPECT_FALSE(is_public_address(scoped));
}

TEST(PublicAddress, ReadsRangesStrictly) {
  struct Row {
    const char* range;
    const char* address;
    bool in;
  };
  for (const auto& [range, text, in] : {
           Row{"10.0.0.0/8", "10.255.0.1", true},
           {"10.0.0.0/8", "11.0.0.1", false},
           {"10.1.2.3/32", "10.1.2.3", true},
           {"10.1.2.3/32", "10.1.2.2", false},
           {"10.1.2.0/23", "10.1.3.255", true},
           {"10.1.2.0/23", "10.1.4.0", false},
           {"0.0.0.0/0", "8.8.8.8", true},
           {"0.0.0.0/0", "::1", false},
           {"10.0.0.0/8", "::ffff:10.0.0.1", true},
           {"10.0.0.0/8", "64:ff9b::10.0.0.1", false},
           {"fd00::/8", "fd12::1", true},
           {"fd00::/8", "fc12::1", false},
           {"fd00::/7", "fc12::1", true},
           {"::/0", "10.0.0.1", false},
           {"fd00::1/128", "fd00::1", true},
           {"fd00::1/128", "fd00::2", false},
           {"10.0.0.0", "10.0.0.0", false},
           {"10.0.0.0/", "10.0.0.0", false},
           {"10.0.0.0/33", "10.0.0.0", false},
           {"10.0.0.0/-1", "10.0.0.0", false},
           {"10.0.0.0/8 ", "10.0.0.0", false},
           {"10.0.0.0/0008", "10.0.0.0", false},
           {"fd00::/129", "fd00::", false},
           {"x/8", "10.0.0.0", false},
           {"", "10.0.0.0", false},
           {"/8", "10.0.0.0", false},
       }) {
    EXPECT_EQ(in_range(range, address(text)), in) << range << " " << text;
  }
}

TEST(PublicAddress, ReadsTheAddressOfAnOverride) {
  struct Row {
    const char* text;
    const char* address;
    int port;
  };
  for (const auto& [text, wanted, number] : {Row{"192.0.2.1", "192.0.2.1", 0},
                                             {"192.0.2.1:443", "192.0.2.1", 443},
                                             {"::1", "::1", 0},
                                             {"[::1]", "::1", 0},
                                             {"[::1]:8443", "::1", 8443}}) {
    const auto read = parse_literal_endpoint(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->address, address(wanted)) << text;
    EXPECT_EQ(read->port ? read->port->number() : 0, number) << text;
  }
  const std::string with_nul("192.0.2.1\0x", 11);
  for (const std::string& text :
       {std::string(""), std::string("localhost"), std::string("192.0.2.1:"),
        std::string("192.0.2.1:0"), std::string("192.0.2.1:65536"), std::string("192.0.2.1:44 3"),
        std::string("[192.0.2.1]:443"), std::string("[::1"), std::string("[::1]443"),
        std::string("::1]:443"), std::string("fe80::1%lo"), std::string("192.0.2"),
        std::string("192.0.2.01"), std::string("0x7f.0.0.1"), std::string("2130706433"),
        std::string("192.0.2.1/24"), std::string(" 192.0.2.1"), with_nul}) {
    EXPECT_FALSE(parse_literal_endpoint(text)) << text;
  }
}

TEST(PolicyVet, ANameLeadsToPublicAddressesAlone) {
  const Policy policy =
      RuleList()
          .allow("a.example")
          .policy({address("203.0.113.9"), address("93.184.216.34"), address("2606:4700::99")});
  const auto on = admitted(policy, "a.example");
  const auto endpoint = policy.vet(on, address("8.8.8.8"));
  ASSERT_EQ(reason_of(endpoint), "ok");
  EXPECT_EQ(std::get<Endpoint>(endpoint).address(), address("8.8.8.8"));
  EXPECT_EQ(std::get<Endpoint>(endpoint).port().number(), 443);
  EXPECT_EQ(reason_of(policy.vet(on, address("64:ff9b::808:808"))), "ok");
  for (const char* text :
       {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "fd00:ec2::254", "0.0.0.0", "::", "198.18.0.1", "93.184.216.34",
        "2606:4700::99", "::ffff:93.184.216.34", "64:ff9b::93.184.216.34"}) {
    EXPECT_EQ(reason_of(policy.vet(on, address(text))), "non_public_address") << text;
  }
}

TEST(PolicyVet, SaysWhichAddressAndWhichRule) {
  const Policy policy = RuleList().allow("a.example").policy({address("93.184.216.34")});
  const auto on = admitted(policy, "a.example");
  EXPECT_EQ(denial_text(std::get<Denial>(policy.vet(on, address("10.0.0.1")))),
            "a.example: it leads to an address that is not public (rule a.example, p.yaml:1); its "
            "address 10.0.0.1 is not a public one; a rule with `private` ranges in a profile can "
            "allow it.");
  EXPECT_NE(std::get<Denial>(policy.vet(on, address("64:ff9b::93.184.216.34")))
                .detail.find("this host's own"),
            std::string::npos);
}

TEST(PolicyVet, PrivateRangesAreOfThatVeryRule) {
  const Policy policy = RuleList()
                            .allow("*.corp.example")
                            .allow("ci.corp.example")
                            .with_private({"10.1.0.0/16", "fd00:1::/32"})
                            .allow("own.example")
                            .with_private({"192.168.7.0/24"})
                            .allow("127.0.0.1:8080")
                            .with_private({"127.0.0.1/32"})
                            .policy({address("192.168.7.5")});
  const auto ci = admitted(policy, "ci.corp.example");
  const auto other = admitted(policy, "x.corp.example");
  for (const char* text : {"10.1.2.3", "fd00:1::7", "8.8.8.8"}) {
    EXPECT_EQ(reason_of(policy.vet(ci, address(text))), "ok") << text;
  }
  for (const char* text : {"10.2.0.1", "127.0.0.1", "fd00:2::1", "64:ff9b::10.1.2.3"}) {
    EXPECT_EQ(reason_of(policy.vet(ci, address(text))), "non_public_address") << text;
  }
  EXPECT_EQ(reason_of(policy.vet(other, address("10.1.2.3"))), "non_public_address");
  // The user wrote the range, and so wants this host's own address in it.
  EXPECT_EQ(reason_of(policy.vet(admitted(policy, "own.example"), address("192.168.7.5"))), "ok");
  EXPECT_EQ(reason_of(policy.vet(admitted(policy, "127.0.0.1", 8080), address("127.0.0.1"))), "ok");
}

TEST(PolicyVet, DiscoverOpensNoPrivateAddress) {
  const Policy policy = RuleList().mode(NetworkMode::kDiscover).policy({address("93.184.216.34")});
  const auto on = admitted(policy, "any.example");
  EXPECT_EQ(reason_of(policy.vet(on, address("8.8.8.8"))), "ok");
  for (const char* text : {"10.0.0.1", "127.0.0.1", "169.254.169.254", "93.184.216.34"}) {
    EXPECT_EQ(reason_of(policy.vet(on, address(text))), "non_public_address") << text;
  }
}

TEST(PolicyOrigins, AnOverrideIsDialledWhateverItIs) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .allow("a.example:8443")
                            .allow("b.example")
                            .allow("*.w.example")
                            .origin("a.example", "127.0.0.1")
                            .origin("b.example", "[::1]:9443")
                            .policy();
  const auto usual = policy.override_of(admitted(policy, "a.example"));
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->address(), address("127.0.0.1"));
  EXPECT_EQ(usual->port().number(), 443);
  EXPECT_EQ(policy.override_of(admitted(policy, "a.example", 8443))->port().number(), 8443);
  const auto named = policy.override_of(admitted(policy, "b.example"));
  EXPECT_EQ(named->address(), address("::1"));
  EXPECT_EQ(named->port().number(), 9443);
  EXPECT_FALSE(policy.override_of(admitted(policy, "x.w.example")));
}

TEST(PolicyOrigins, AnOverrideAllowsNothing) {
  const Policy policy = RuleList()
                            .origin("a.example", "127.0.0.1")
                            .deny("b.example")
                            .origin("b.example", "::1")
                            .policy();
  EXPECT_EQ(test::denied(policy, "a.example").reason, DenyReason::kNoMatchingRule);
  EXPECT_EQ(test::denied(policy, "b.example").reason, DenyReason::kExplicitDeny);
}

TEST(PolicyOrigins, AGatewayStandsForInterceptedConnectionsAlone) {
  const Policy policy = RuleList()
                            .allow("api.example")
                            .allow("http://api.example")
                            .allow("tcp://api.example:25")
                            .splice("pinned.example")
                            .origin("api.example", "", "https://gw.example:8443/v1")
                            .origin("pinned.example", "", "https://gw.example/v1")
                            .policy();
  const auto gateway = policy.gateway_of(admitted(policy, "api.example"));
  ASSERT_TRUE(gateway);
  EXPECT_EQ(gateway->host().text(), "gw.example");
  EXPECT_EQ(gateway->port().number(), 8443);
  EXPECT_EQ(gateway->handling(), Handling::kIntercept);
  EXPECT_EQ(gateway->rule(), "api.example");
  EXPECT_EQ(reason_of(policy.vet(*gateway, address("10.0.0.1"))), "ok");
  EXPECT_EQ(reason_of(policy.vet(*gateway, address("fd00::1"))), "ok");
  EXPECT_FALSE(policy.gateway_of(admitted(policy, "api.example", 80, Carried::kHttp)));
  EXPECT_FALSE(policy.gateway_of(admitted(policy, "api.example", 25, Carried::kOpaque)));
  EXPECT_FALSE(policy.gateway_of(admitted(policy, "pinned.example")));
  // The gateway is not thereby a host that the agent may ask for.
  EXPECT_EQ(test::denied(policy, "gw.example", 8443).reason, DenyReason::kNoMatchingRule);
}

TEST(PolicyOrigins, WhatCannotBeReadIsRefusedAndNotResolved) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .allow("b.example")
                            .origin("a.example", "localhost")
                            .origin("b.example", "", "http://gw.example")
                            .policy();
  for (const char* name : {"a.example", "b.example"}) {
    const auto denial = test::denied(policy, name);
    EXPECT_EQ(denial.reason, DenyReason::kInvalidName);
    EXPECT_NE(denial.detail.find("cannot be read"), std::string::npos);
    EXPECT_NE(denial.place, "");
  }
}

}  // namespace
}  // namespace redoubtful::proxy
