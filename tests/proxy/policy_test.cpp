// Who may connect where: admit() and opaque(), before anything is looked up.

#include "proxy/policy.hpp"

#include <gtest/gtest.h>

#include "proxy/denial.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::admitted;
using test::denied;
using test::host;
using test::outcome;
using test::port;
using test::RuleList;

struct Row {
  const char* name;
  int port;
  Carried carried;
  const char* outcome;
};

void expect(const Policy& policy, std::initializer_list<Row> rows) {
  for (const auto& [name, number, carried, wanted] : rows) {
    EXPECT_EQ(outcome(policy.admit(host(name), port(number), carried)), wanted)
        << name << ":" << number << " " << static_cast<int>(carried);
  }
}

TEST(Policy, DeniesWhatNoRuleNames) {
  const Policy policy({}, {});
  for (const auto carried : {Carried::kTls, Carried::kHttp, Carried::kOpaque}) {
    const auto denial = denied(policy, "a.example", 443, carried);
    EXPECT_EQ(denial.reason, DenyReason::kNoMatchingRule);
    EXPECT_EQ(denial.rule, "");
    EXPECT_EQ(denial.place, "");
  }
}

TEST(Policy, AdmitsTheNamedSchemeOnTheNamedPortAlone) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .allow("*.w.example:8443")
                            .allow("http://h.example")
                            .allow("http://alt.example:8080")
                            .allow("tcp://db.example:5432")
                            .allow("ssh://git.example")
                            .allow("[2001:db8::7]:443")
                            .allow("192.0.2.7")
                            .splice("pinned.example")
                            .policy();
  expect(policy, {
                     {"a.example", 443, Carried::kTls, "intercept"},
                     {"x.w.example", 8443, Carried::kTls, "intercept"},
                     {"y.x.w.example", 8443, Carried::kTls, "intercept"},
                     {"h.example", 80, Carried::kHttp, "plain"},
                     {"alt.example", 8080, Carried::kHttp, "plain"},
                     {"db.example", 5432, Carried::kOpaque, "tunnel"},
                     {"db.example", 5432, Carried::kTls, "tunnel"},
                     {"db.example", 5432, Carried::kHttp, "tunnel"},
                     {"git.example", 22, Carried::kOpaque, "tunnel"},
                     {"2001:db8::7", 443, Carried::kTls, "intercept"},
                     {"192.0.2.7", 443, Carried::kTls, "intercept"},
                     {"pinned.example", 443, Carried::kTls, "splice"},

                     {"a.example", 443, Carried::kHttp, "scheme_not_allowed"},
                     {"a.example", 443, Carried::kOpaque, "scheme_not_allowed"},
                     {"a.example", 8443, Carried::kTls, "port_not_allowed"},
                     {"a.example", 80, Carried::kHttp, "scheme_not_allowed"},
                     {"www.a.example", 443, Carried::kTls, "no_matching_rule"},
                     {"aa.example", 443, Carried::kTls, "no_matching_rule"},
                     {"a.example.evil.test", 443, Carried::kTls, "no_matching_rule"},
                     {"w.example", 8443, Carried::kTls, "no_matching_rule"},
                     {"x.w.example", 443, Carried::kTls, "port_not_allowed"},
                     {"xw.example", 8443, Carried::kTls, "no_matching_rule"},
                     {"h.example", 80, Carried::kTls, "scheme_not_allowed"},
                     {"h.example", 443, Carried::kTls, "scheme_not_allowed"},
                     {"h.example", 8080, Carried::kHttp, "port_not_allowed"},
                     {"db.example", 5433, Carried::kOpaque, "port_not_allowed"},
                     {"db.example", 443, Carried::kTls, "scheme_not_allowed"},
                     {"git.example", 443, Carried::kTls, "scheme_not_allowed"},
                     {"git.example", 2222, Carried::kOpaque, "scheme_not_allowed"},
                     {"pinned.example", 443, Carried::kHttp, "scheme_not_allowed"},
                     {"2001:db8::8", 443, Carried::kTls, "ip_literal"},
                     {"192.0.2.8", 443, Carried::kTls, "ip_literal"},
                     {"8.8.8.8", 443, Carried::kTls, "ip_literal"},
                     {"192.0.2.7", 80, Carried::kHttp, "scheme_not_allowed"},
                 });
}

TEST(Policy, NothingInsideAnAddressIsMatchedByAWildcard) {
  const Policy policy = RuleList().allow("*.0.0.example").policy();
  EXPECT_EQ(denied(policy, "10.0.0.1").reason, DenyReason::kIpLiteral);
}

TEST(Policy, DenyBeatsAskBeatsAllowInWhateverOrderTheyStand) {
  const Policy policy = RuleList()
                            .deny("deny.example")
                            .ask("deny.example")
                            .ask("ask.example")
                            .allow("deny.example")
                            .allow("ask.example")
                            .allow("*.deny.example")
                            .deny("*.b.deny.example")
                            .ask("tcp://ask.example:25")
                            .allow("tcp://ask.example:25")
                            .policy();
  expect(policy, {
                     {"deny.example", 443, Carried::kTls, "explicit_deny"},
                     {"deny.example", 80, Carried::kHttp, "explicit_deny"},
                     {"deny.example", 25, Carried::kOpaque, "explicit_deny"},
                     {"ask.example", 443, Carried::kTls, "asked_nobody"},
                     {"ask.example", 25, Carried::kOpaque, "asked_nobody"},
                     {"a.deny.example", 443, Carried::kTls, "intercept"},
                     {"b.deny.example", 443, Carried::kTls, "intercept"},
                     {"a.b.deny.example", 443, Carried::kTls, "explicit_deny"},
                 });
  const auto denial = denied(policy, "deny.example");
  EXPECT_EQ(denial.rule, "deny.example");
  EXPECT_EQ(denial.place, "p.yaml:1");
  EXPECT_EQ(denial.remedy, "") << "no allow undoes a deny";
  const auto asked = denied(policy, "ask.example");
  EXPECT_EQ(asked.place, "p.yaml:3");
  EXPECT_NE(asked.detail.find("nobody here to ask"), std::string::npos) << asked.detail;
  EXPECT_EQ(asked.remedy, "");
}

TEST(Policy, ADenyOfOneSchemeOrPortLeavesTheOthers) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .allow("http://a.example")
                            .allow("a.example:8443")
                            .deny("http://a.example")
                            .deny("a.example:8443")
                            .policy();
  expect(policy, {
                     {"a.example", 443, Carried::kTls, "intercept"},
                     {"a.example", 80, Carried::kHttp, "explicit_deny"},
                     {"a.example", 8443, Carried::kTls, "explicit_deny"},
                 });
}

TEST(Policy, ADenyOfMethodsDoesNotDenyTheConnectionButEveryTunnel) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .deny("a.example", {"DELETE"})
                            .allow("b.example")
                            .deny("b.example", {}, {"/admin/**"})
                            .allow("c.example")
                            .ask("c.example", {"POST"})
                            .splice("pinned.example")
                            .deny("pinned.example", {"DELETE"})
                            .splice("asked.example")
                            .ask("asked.example", {}, {"/x"})
                            .allow("tcp://t.example:443")
                            .deny("t.example", {"DELETE"})
                            .policy();
  expect(policy, {
                     {"a.example", 443, Carried::kTls, "intercept"},
                     {"b.example", 443, Carried::kTls, "intercept"},
                     {"c.example", 443, Carried::kTls, "intercept"},
                     {"pinned.example", 443, Carried::kTls, "explicit_deny"},
                     {"asked.example", 443, Carried::kTls, "asked_nobody"},
                     {"t.example", 443, Carried::kOpaque, "explicit_deny"},
                     {"t.example", 443, Carried::kTls, "explicit_deny"},
                 });
  EXPECT_NE(denied(policy, "pinned.example").detail.find("unopened"), std::string::npos);
}

TEST(Policy, TheMostSpecificRuleSaysHowAConnectionIsCarried) {
  const Policy policy = RuleList()
                            .splice("*.a.example")
                            .allow("open.a.example")
                            .allow("*.b.example")
                            .splice("pinned.b.example")
                            .allow("c.example")
                            .splice("c.example")
                            .policy();
  expect(policy, {
                     {"x.a.example", 443, Carried::kTls, "splice"},
                     {"open.a.example", 443, Carried::kTls, "intercept"},
                     {"x.b.example", 443, Carried::kTls, "intercept"},
                     {"pinned.b.example", 443, Carried::kTls, "splice"},
                     {"c.example", 443, Carried::kTls, "splice"},
                 });
  EXPECT_EQ(admitted(policy, "open.a.example").rule(), "open.a.example");
  EXPECT_EQ(admitted(policy, "open.a.example").place(), "p.yaml:2");
}

TEST(Policy, IsOpaqueOnlyWhereNothingButATunnelRuleSpeaks) {
  const Policy policy = RuleList()
                            .allow("tcp://a.example:443")
                            .allow("tcp://b.example:443")
                            .allow("b.example")
                            .allow("ssh://c.example")
                            .allow("tcp://d.example:80")
                            .allow("http://d.example")
                            .policy();
  EXPECT_TRUE(policy.opaque(host("a.example"), port(443)));
  EXPECT_TRUE(policy.opaque(host("c.example"), port(22)));
  for (const auto& [name, number] : {std::pair("a.example", 80),
                                     {"b.example", 443},
                                     {"c.example", 443},
                                     {"d.example", 80},
                                     {"x.example", 443}}) {
    EXPECT_FALSE(policy.opaque(host(name), port(number))) << name;
  }
  expect(policy, {
                     {"b.example", 443, Carried::kTls, "intercept"},
                     {"d.example", 80, Carried::kTls, "tunnel"},
                     {"d.example", 80, Carried::kHttp, "plain"},
                 });
}

TEST(Policy, ModeNoneAdmitsNothingWhateverTheRulesSay) {
  const Policy policy = RuleList()
                            .mode(NetworkMode::kNone)
                            .allow("a.example")
                            .splice("b.example")
                            .allow("tcp://c.example:25")
                            .ask("d.example")
                            .policy();
  expect(policy, {
                     {"a.example", 443, Carried::kTls, "no_matching_rule"},
                     {"b.example", 443, Carried::kTls, "no_matching_rule"},
                     {"c.example", 25, Carried::kOpaque, "no_matching_rule"},
                     {"d.example", 443, Carried::kTls, "no_matching_rule"},
                     {"e.example", 443, Carried::kTls, "no_matching_rule"},
                     {"8.8.8.8", 443, Carried::kTls, "no_matching_rule"},
                 });
  const auto denial = denied(policy, "a.example");
  EXPECT_EQ(denial.detail, "this box has no network");
  EXPECT_EQ(denial.place, "p.yaml:1");
  EXPECT_EQ(denial.remedy, "");
}

TEST(Policy, DiscoverAdmitsEveryNameButWhatIsDeniedOrAsked) {
  const Policy policy = RuleList()
                            .mode(NetworkMode::kDiscover)
                            .deny("deny.example")
                            .ask("ask.example")
                            .splice("pinned.example")
                            .allow("192.0.2.7")
                            .deny("half.example", {"DELETE"})
                            .policy();
  expect(policy, {
                     {"any.example", 443, Carried::kTls, "intercept"},
                     {"any.example", 9443, Carried::kTls, "intercept"},
                     {"any.example", 80, Carried::kHttp, "plain"},
                     {"pinned.example", 443, Carried::kTls, "splice"},
                     {"half.example", 443, Carried::kTls, "intercept"},
                     {"half.example", 25, Carried::kOpaque, "explicit_deny"},
                     {"192.0.2.7", 443, Carried::kTls, "intercept"},
                     {"deny.example", 443, Carried::kTls, "explicit_deny"},
                     {"deny.example", 80, Carried::kHttp, "explicit_deny"},
                     {"ask.example", 443, Carried::kTls, "asked_nobody"},
                     {"8.8.8.8", 443, Carried::kTls, "ip_literal"},
                     {"10.0.0.1", 80, Carried::kHttp, "ip_literal"},
                     {"2606:4700::1", 443, Carried::kTls, "ip_literal"},
                 });
  EXPECT_EQ(admitted(policy, "any.example").rule(), "");
}

TEST(Policy, DangerouslyOpenIsJudgedAsFiltered) {
  const Policy policy = RuleList().mode(NetworkMode::kDangerouslyOpen).allow("a.example").policy();
  expect(policy, {
                     {"a.example", 443, Carried::kTls, "intercept"},
                     {"b.example", 443, Carried::kTls, "no_matching_rule"},
                     {"b.example", 25, Carried::kOpaque, "no_matching_rule"},
                 });
}

TEST(Policy, ADenialSaysWhatIsAllowedAndWhatWouldAllowIt) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .allow("a.example:8443")
                            .allow("http://h.example")
                            .allow("b.example:444")
                            .policy();
  struct Words {
    const char* name;
    int port;
    Carried carried;
    const char* text;
  };
  const Words cases[] = {
      {"new.example", 443, Carried::kTls,
       "new.example: no rule allows it. Allow it with: redoubtful allow new.example"},
      {"new.example", 8443, Carried::kTls,
       "new.example:8443: no rule allows it. Allow it with: redoubtful allow new.example:8443"},
      {"new.example", 80, Carried::kHttp,
       "new.example:80: no rule allows it. Allow it with: redoubtful allow http://new.example"},
      {"new.example", 8080, Carried::kHttp,
       "new.example:8080: no rule allows it. Allow it with: redoubtful allow "
       "http://new.example:8080"},
      {"new.example", 22, Carried::kOpaque,
       "new.example:22: no rule allows it. Allow it with: redoubtful allow ssh://new.example"},
      {"new.example", 5432, Carried::kOpaque,
       "new.example:5432: no rule allows it. Allow it with: redoubtful allow "
       "tcp://new.example:5432"},
      {"b.example", 443, Carried::kTls,
       "b.example: this port of it is not allowed (rule b.example:444, p.yaml:4); only port 444 of "
       "it is allowed. Allow it with: redoubtful allow b.example"},
      {"a.example", 9443, Carried::kTls,
       "a.example:9443: this port of it is not allowed (rule a.example:8443, p.yaml:2); only ports "
       "443, 8443 of it are allowed. Allow it with: redoubtful allow a.example:9443"},
      {"h.example", 443, Carried::kTls,
       "h.example: this protocol is not allowed for it (rule http://h.example, p.yaml:3); it is "
       "allowed as http only. Allow it with: redoubtful allow h.example"},
      {"a.example", 80, Carried::kHttp,
       "a.example:80: this protocol is not allowed for it (rule a.example:8443, p.yaml:2); it is "
       "allowed as https only. Allow it with: redoubtful allow http://a.example"},
      {"8.8.8.8", 443, Carried::kTls,
       "8.8.8.8: no rule names this address; a bare address is reached only where a rule names "
       "exactly it. Allow it with: redoubtful allow 8.8.8.8"},
      {"2606:4700::1", 443, Carried::kTls,
       "[2606:4700::1]: no rule names this address; a bare address is reached only where a rule "
       "names exactly it. Allow it with: redoubtful allow '[2606:4700::1]'"},
      {"169.254.169.254", 80, Carried::kHttp,
       "169.254.169.254:80: no rule names this address; it is not a public address."},
  };
  for (const auto& [name, number, carried, text] : cases) {
    EXPECT_EQ(denial_text(denied(policy, name, number, carried)), text);
  }
}

TEST(Policy, EveryRemedyIsARuleThatAllowsWhatWasRefused) {
  for (const auto& [name, number, carried] : {
           std::tuple("a.example", 443, Carried::kTls),
           {"a.example", 8443, Carried::kTls},
           {"a.example", 80, Carried::kHttp},
           {"a.example", 3000, Carried::kHttp},
           {"a.example", 22, Carried::kOpaque},
           {"a.example", 5432, Carried::kOpaque},
           {"8.8.8.8", 443, Carried::kTls},
           {"2606:4700::1", 8443, Carried::kTls},
           {"2606:4700::1", 80, Carried::kHttp},
       }) {
    const auto denial = denied(RuleList().policy(), name, number, carried);
    ASSERT_NE(denial.remedy, "");
    const Policy allowing = RuleList().allow(denial.remedy).policy();
    EXPECT_TRUE(
        std::holds_alternative<Admission>(allowing.admit(host(name), port(number), carried)))
        << denial.remedy;
  }
}

TEST(Policy, ReasonsHaveTheNamesThatLogsAreSearchedFor) {
  EXPECT_EQ(deny_reason_name(DenyReason::kNoMatchingRule), "no_matching_rule");
  EXPECT_EQ(deny_reason_name(DenyReason::kExplicitDeny), "explicit_deny");
  EXPECT_EQ(deny_reason_name(DenyReason::kAskedNobody), "asked_nobody");
  EXPECT_EQ(deny_reason_name(DenyReason::kPortNotAllowed), "port_not_allowed");
  EXPECT_EQ(deny_reason_name(DenyReason::kSchemeNotAllowed), "scheme_not_allowed");
  EXPECT_EQ(deny_reason_name(DenyReason::kIpLiteral), "ip_literal");
  EXPECT_EQ(deny_reason_name(DenyReason::kInvalidName), "invalid_name");
  EXPECT_EQ(deny_reason_name(DenyReason::kNonPublicAddress), "non_public_address");
  EXPECT_EQ(deny_reason_name(DenyReason::kNameNotIndicated), "name_not_indicated");
  EXPECT_EQ(deny_reason_name(DenyReason::kNameMismatch), "name_mismatch");
  EXPECT_EQ(deny_reason_name(DenyReason::kMethodOrPath), "method_or_path");
  EXPECT_EQ(deny_reason_name(DenyReason::kBadTarget), "bad_target");
  EXPECT_EQ(deny_reason_name(DenyReason::kMalformed), "malformed");
  EXPECT_EQ(deny_reason_name(DenyReason::kCredential), "credential");
  EXPECT_EQ(deny_reason_name(DenyReason::kAwsSignature), "aws_signature");
  EXPECT_EQ(deny_reason_name(DenyReason::kCredentialExpired), "credential_expired");
  EXPECT_EQ(deny_reason_name(DenyReason::kNoToken), "no_token");
  EXPECT_EQ(deny_reason_name(DenyReason::kUnvetted), "unvetted");
  EXPECT_EQ(deny_reason_name(DenyReason::kLimit), "limit");
}

TEST(Policy, AnAdmissionSpellsItsAuthorityWithoutTheUsualPort) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .allow("a.example:8443")
                            .allow("http://a.example")
                            .allow("tcp://a.example:5432")
                            .allow("[2001:db8::7]:8443")
                            .policy();
  EXPECT_EQ(admitted(policy, "a.example").authority(), "a.example");
  EXPECT_EQ(admitted(policy, "a.example", 8443).authority(), "a.example:8443");
  EXPECT_EQ(admitted(policy, "a.example", 80, Carried::kHttp).authority(), "a.example");
  EXPECT_EQ(admitted(policy, "a.example", 5432, Carried::kOpaque).authority(), "a.example:5432");
  EXPECT_EQ(admitted(policy, "2001:db8::7", 8443).authority(), "[2001:db8::7]:8443");
}

TEST(Policy, AFileNameWithControlBytesReachesNoTerminal) {
  NetworkProfile network = RuleList().deny("a.example").network();
  network.deny[0].origin.file = "/x\x1b[31m\n.yaml";
  network.deny[0].origin.option = "--deny \x07";
  const auto denial = denied(Policy(network, {}), "a.example");
  for (const char c : denial.place) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << denial.place;
}

}  // namespace
}  // namespace redoubtful::proxy
