// The explicit port's absolute-form requests, and the site that answers about the policy itself.

#include <gmock/gmock.h>

#include "proxy/internal_site.hpp"
#include "tests/proxy/gate_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::exchange_of;
using test::GateWorld;
using test::kFake;
using test::request;
using test::RuleList;
using test::status_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(ForwardGate, EachRequestSaysWhereItGoes) {
  GateWorld world(RuleList()
                      .allow("http://a.example")
                      .allow("http://b.example:8080", {"GET"})
                      .allow("tls.example")
                      .allow("tcp://db.example:80")
                      .deny("http://deny.example"));
  const auto gate = forward_gate(world.services(), nullptr);
  struct Row {
    const char* authority;
    const char* method;
    unsigned status;
  };
  for (const auto& [authority, method, status] : {
           Row{"a.example", "GET", 0},
           {"A.example.:80", "GET", 0},
           {"b.example:8080", "GET", 0},
           {"b.example:8080", "POST", 403},
           {"b.example", "GET", 403},
           {"tls.example", "GET", 403},
           {"tls.example:443", "GET", 403},
           {"deny.example", "GET", 403},
           {"unknown.example", "GET", 403},
           {"db.example", "GET", 403},
           {"10.0.0.1", "GET", 403},
           {"[::1]:80", "GET", 403},
           {"127.1", "GET", 403},
           {"user@a.example", "GET", 403},
           {"a.example:", "GET", 403},
           {"", "GET", 403},
       }) {
    EXPECT_EQ(status_of(gate->judge(request(authority, "/", {}, method))), status) << authority;
  }
  const auto judged = gate->judge(request("A.example.:80", "/x/../y"));
  EXPECT_EQ(exchange_of(judged).request().authority, "a.example:80");
  EXPECT_EQ(exchange_of(judged).request().target, "/y");
  const auto& admission = dynamic_cast<AdmittedExchange&>(exchange_of(judged)).admission();
  EXPECT_EQ(admission.handling(), Handling::kPlainHttp);
  EXPECT_EQ(admission.host().text(), "a.example");
  for (const auto& line : world.log()) EXPECT_EQ(line.at("way").as_string(), "absolute-form");
}

// A client that resolved by itself was given one of our own addresses.
TEST(ForwardGate, ASyntheticAddressIsTheNameThatItStandsFor) {
  GateWorld world(RuleList().allow("http://a.example").allow("http://a.example:8080"));
  const auto addresses = *world.names().addresses(test::host("a.example"));
  const auto denied = *world.names().addresses(test::host("b.example"));
  const auto gate = forward_gate(world.services(), nullptr);
  const auto four = gate->judge(request(addresses.v4.to_string()));
  ASSERT_EQ(status_of(four), 0u);
  EXPECT_EQ(exchange_of(four).request().authority, "a.example");
  const auto six = gate->judge(request("[" + addresses.v6.to_string() + "]:8080"));
  ASSERT_EQ(status_of(six), 0u);
  EXPECT_EQ(exchange_of(six).request().authority, "a.example:8080");
  const auto refused = gate->judge(request(denied.v4.to_string()));
  EXPECT_EQ(status_of(refused), 403u);
  EXPECT_THAT(std::get<Refusal>(refused).body, HasSubstr("b.example"));
  EXPECT_EQ(status_of(gate->judge(request("198.18.77.77"))), 403u) << "given to nobody";
}

TEST(ForwardGate, ASurrogateInTheClearIsAlarmed) {
  GateWorld world(RuleList().allow("http://api.example"));
  const auto gate = forward_gate(world.services(), nullptr);
  const Fields key = {{"Authorization", std::string("Bearer ") + kFake}};
  EXPECT_EQ(status_of(gate->judge(request("api.example", "/", key))), 403u);
  EXPECT_EQ(status_of(gate->judge(request("evil.example", "/", key))), 403u);
  EXPECT_EQ(status_of(gate->judge(request("not a host", "/", key))), 403u);
  EXPECT_EQ(world.alarms(), 3u);
}

TEST(ForwardGate, AnswersForTheInternalSiteWithoutALookup) {
  GateWorld world(RuleList().allow("http://a.example"));
  const auto gate = forward_gate(world.services(), nullptr);
  for (const char* name : {"redoubtful.internal", "Redoubtful.Internal.:80"}) {
    const auto judged = gate->judge(request(name, "/policy"));
    ASSERT_EQ(status_of(judged), 200u) << name;
    EXPECT_THAT(std::get<Refusal>(judged).body, HasSubstr("allow  http://a.example  # p.yaml:1"));
  }
  EXPECT_EQ(status_of(gate->judge(request("x.redoubtful.internal"))), 403u);
}

TEST(ForwardGate, NothingIsJudgedWithoutTheToken) {
  GateWorld world(RuleList().allow("http://a.example"));
  const auto token = AccessToken::take("abcdefghijklmnop").value();
  const auto gate = forward_gate(world.services(), &token);
  for (const char* name : {"a.example", "b.example", "redoubtful.internal", "not a host"}) {
    EXPECT_EQ(status_of(gate->judge(request(name))), 407u) << name;
  }
  auto with = request("a.example");
  with.proxy_authorization = "Bearer abcdefghijklmnoq";
  EXPECT_EQ(status_of(gate->judge(with)), 407u);
  with.proxy_authorization = "Bearer abcdefghijklmnop";
  EXPECT_EQ(status_of(gate->judge(with)), 0u);
  EXPECT_EQ(world.log().front().at("reason").as_string(), "no_token");
}

TEST(RedirectedGate, EachRequestIsForThePortThatWasDialled) {
  GateWorld world(RuleList()
                      .allow("http://a.example")
                      .allow("http://a.example:8080")
                      .allow("http://b.example")
                      .allow("tls.example"));
  struct Row {
    const char* port;
    const char* authority;
    unsigned status;
  };
  for (const auto& [port, authority, status] : {
           Row{"80", "a.example", 0},
           {"80", "a.example:80", 0},
           {"80", "b.example", 0},
           {"80", "a.example:8080", 421},
           {"80", "redoubtful.internal", 200},
           {"80", "tls.example", 403},
           {"80", "tls.example:443", 421},
           {"80", "unknown.example", 403},
           {"80", "10.0.0.1", 403},
           {"80", "", 403},
           {"443", "a.example", 403},
           {"443", "a.example:80", 421},
           {"443", "tls.example", 403},
       }) {
    const auto gate = redirected_gate(world.services(), *Port::parse(port));
    EXPECT_EQ(status_of(gate->judge(request(authority))), status) << port << " " << authority;
  }
  for (const auto& line : world.log()) EXPECT_EQ(line.at("way").as_string(), "transparent");
}

TEST(InternalSite, HasThreePagesAndNothingElse) {
  const Policy policy = RuleList().allow("a.example").policy();
  const auto ask = [&](std::string target) {
    return internal_answer(policy, request("redoubtful.internal", std::move(target)));
  };
  EXPECT_EQ(ask("/").status, 200u);
  EXPECT_EQ(ask("/policy").status, 200u);
  EXPECT_EQ(ask("/policy?x").status, 200u);
  EXPECT_EQ(ask("/why?url=https://a.example/").body, "allowed by a.example (p.yaml:1)\n");
  EXPECT_EQ(ask("/why?x=1&url=https%3A%2F%2Fa.example%2F").body,
            "allowed by a.example (p.yaml:1)\n");
  for (const char* target : {"/why", "/why?", "/why?url", "/why?url=", "/why?xurl=a"}) {
    EXPECT_EQ(ask(target).status, 400u) << target;
  }
  for (const char* target : {"/policy/", "//policy", "/x", "*", "/../policy"}) {
    EXPECT_EQ(ask(target).status, 404u) << target;
  }
}

TEST(InternalSite, SaysThePolicyAsItIsWritten) {
  const auto text = policy_text(RuleList()
                                    .allow("a.example")
                                    .allow("api.example", {"GET", "HEAD"}, {"/x/**", "/y"})
                                    .splice("pinned.example")
                                    .allow("tcp://db.example:5432")
                                    .ask("asked.example")
                                    .deny("*.evil.test")
                                    .network());
  for (const char* line :
       {"\nallow  a.example  # p.yaml:1\n",
        "\nallow  api.example  methods GET,HEAD  paths /x/**,/y  # p.yaml:2\n",
        "\nallow  pinned.example  (unchecked)  # p.yaml:3\n",
        "\nallow  tcp://db.example:5432  (unchecked)  # p.yaml:4\n",
        "\nask    asked.example  # p.yaml:5\n", "\ndeny   *.evil.test  # p.yaml:6\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(policy_text(RuleList().network()), HasSubstr("(no host is allowed)"));
  EXPECT_THAT(policy_text(RuleList().mode(NetworkMode::kNone).network()),
              HasSubstr("nothing is allowed"));
  EXPECT_THAT(policy_text(RuleList().mode(NetworkMode::kDiscover).network()),
              HasSubstr("every public host is allowed"));
}

TEST(InternalSite, NoRuleOrPlaceReachesATerminalRaw) {
  auto network = RuleList().allow("a.example", {}, {"/a%1b%0ab"}).network();
  network.allow[0].origin.file = "/x\x1b[2J\n";
  const auto text = policy_text(Policy(network, {}).network());
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_THAT(text, Not(HasSubstr("\nb")));
}

TEST(InternalSite, ExplainsAUrlAsTheProxyWouldJudgeIt) {
  const Policy policy = RuleList()
                            .allow("a.example", {"GET"}, {"/x/**"})
                            .allow("http://h.example")
                            .splice("pinned.example")
                            .allow("tcp://db.example:5432")
                            .allow("ssh://git.example")
                            .allow("[2001:db8::7]:8443")
                            .deny("deny.example")
                            .policy();
  struct Row {
    const char* url;
    const char* method;
    bool allowed;
    const char* words;
  };
  for (const auto& [url, method, allowed, words] : {
           Row{"https://a.example/x/y", "GET", true, "allowed by a.example (p.yaml:1)"},
           {"HTTPS://A.example./x/y?q#f", "GET", true, "allowed by a.example"},
           {"a.example", "GET", true, "allowed by a.example"},
           {"a.example:443/x/y", "GET", true, "allowed by a.example"},
           {"https://a.example/x/y", "POST", false, "this method or path is not allowed"},
           {"https://a.example/y", "GET", false, "this method or path is not allowed"},
           {"https://a.example?x", "GET", false, "this method or path is not allowed"},
           {"https://a.example/x/%2e%2e/y", "GET", false, "no single meaning"},
           {"http://a.example/", "GET", false, "it is allowed as https only"},
           {"http://h.example/", "GET", true, "allowed by http://h.example"},
           {"https://pinned.example/x", "GET", true, "what goes through is not checked"},
           {"tcp://db.example:5432", "GET", true, "what goes through is not checked"},
           {"tcp://db.example", "GET", false, "needs a port"},
           {"ssh://git.example", "GET", true, "allowed by ssh://git.example"},
           {"https://[2001:db8::7]:8443/", "GET", true, "allowed by [2001:db8::7]:8443"},
           {"https://deny.example/", "GET", false,
            "a rule denies it (rule deny.example, p.yaml:7)"},
           {"https://new.example/", "GET", false, "redoubtful allow new.example"},
           {"https://169.254.169.254/", "GET", false, "not a public address"},
           {"ftp://a.example/", "GET", false, "is not"},
           {"https://user@a.example/", "GET", false, "is not"},
           {"https:///x", "GET", false, "is not"},
           {"https://a.example\x1b[2J/", "GET", false, "\\x1b"},
           {"", "GET", false, "is not"},
           {"https://a.example/x/y", "G T", false, "malformed"},
       }) {
    const auto explained = explain(policy, url, method);
    EXPECT_EQ(explained.allowed, allowed) << url << ": " << explained.text;
    EXPECT_THAT(explained.text, HasSubstr(words)) << url;
    EXPECT_TRUE(explained.text.ends_with('\n'));
    EXPECT_EQ(explained.text.find('\x1b'), std::string::npos);
  }
}

TEST(InternalGate, AnswersWhateverItIsAsked) {
  GateWorld world{RuleList()};
  const auto gate = internal_gate(world.services());
  EXPECT_EQ(status_of(gate->judge(request("redoubtful.internal", "/policy"))), 200u);
  EXPECT_EQ(status_of(gate->judge(request("redoubtful.internal", "/nothing"))), 404u);
  EXPECT_THAT(world.events(), ElementsAre());
}

}  // namespace
}  // namespace redoubtful::proxy
