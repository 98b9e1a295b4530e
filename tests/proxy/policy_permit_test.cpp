// Which requests may be sent on an admitted connection: permit().

#include <gtest/gtest.h>

#include "proxy/denial.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::admitted;
using test::reason_of;
using test::RuleList;

struct Row {
  const char* name;
  const char* method;
  const char* target;
  const char* outcome;
};

void expect(const Policy& policy, std::initializer_list<Row> rows) {
  for (const auto& [name, method, target, wanted] : rows) {
    EXPECT_EQ(reason_of(policy.permit(admitted(policy, name), method, target)), wanted)
        << method << " " << name << target;
  }
}

TEST(PolicyPermit, MethodsAndPathsNarrowBothWays) {
  const Policy policy = RuleList()
                            .allow("api.example", {"GET", "HEAD"}, {"/repos/acme/**", "/user"})
                            .allow("api.example", {"POST"}, {"/repos/acme/*/issues"})
                            .deny("api.example", {"GET"}, {"/repos/acme/secret/**"})
                            .ask("api.example", {}, {"/repos/acme/*/keys"})
                            .allow("free.example")
                            .deny("free.example", {"DELETE"})
                            .policy();
  expect(policy, {
                     {"api.example", "GET", "/user", "ok"},
                     {"api.example", "GET", "/user?page=2", "ok"},
                     {"api.example", "HEAD", "/repos/acme/x/y/z", "ok"},
                     {"api.example", "POST", "/repos/acme/x/issues", "ok"},
                     {"api.example", "GET", "/repos/acme/%78", "ok"},
                     {"api.example", "GET", "/repos/other/../acme/x", "ok"},
                     {"free.example", "GET", "/any//where;x=%2F", "ok"},
                     {"free.example", "OPTIONS", "*", "ok"},

                     {"api.example", "POST", "/user", "method_or_path"},
                     {"api.example", "PUT", "/repos/acme/x", "method_or_path"},
                     {"api.example", "GET", "/users", "method_or_path"},
                     {"api.example", "GET", "/user/", "method_or_path"},
                     {"api.example", "GET", "/", "method_or_path"},
                     {"api.example", "GET", "/repos/acme/../other/x", "method_or_path"},
                     {"api.example", "GET", "/repos/acme/%2e%2e/other/x", "bad_target"},
                     {"api.example", "POST", "/repos/acme/a/b/issues", "method_or_path"},
                     {"api.example", "POST", "/repos/acme/a%2Fb/issues", "bad_target"},
                     {"api.example", "GET", "/repos/acme//x", "bad_target"},
                     {"api.example", "GET", "/repos/acme/x;y", "bad_target"},
                     {"api.example", "GET", "/repos/acme/secret/x", "explicit_deny"},
                     {"api.example", "GET", "/repos/acme/%73ecret/x", "explicit_deny"},
                     {"api.example", "GET", "/repos/acme/x/../secret/x", "explicit_deny"},
                     {"api.example", "GET", "/repos/acme/x/keys", "asked_nobody"},
                     {"api.example", "OPTIONS", "*", "asked_nobody"},
                     {"free.example", "DELETE", "/", "explicit_deny"},
                     {"free.example", "DELETE", "/any//where", "explicit_deny"},
                 });
}

TEST(PolicyPermit, WhatTheOriginGetsIsWhatWasJudged) {
  const Policy policy = RuleList().allow("a.example").policy();
  const auto sent = [&](const char* target) {
    const auto permitted = policy.permit(admitted(policy, "a.example"), "GET", target);
    return std::get<RequestPermit>(permitted).target();
  };
  EXPECT_EQ(sent("/a/../b/%7euser/%c3%a9?q=%2e%2E/"), "/b/~user/%C3%A9?q=%2e%2E/");
  EXPECT_EQ(sent("/"), "/");
  EXPECT_EQ(sent("/?"), "/?");
}

TEST(PolicyPermit, AMethodInLowerCaseIsNoWayAroundARule) {
  const Policy limited = RuleList().allow("a.example").deny("a.example", {"DELETE"}).policy();
  expect(limited, {
                      {"a.example", "delete", "/", "malformed"},
                      {"a.example", "Delete", "/", "malformed"},
                      {"a.example", "get", "/", "malformed"},
                      {"a.example", "GET", "/", "ok"},
                      {"a.example", "M-SEARCH", "/", "ok"},
                  });
  const Policy free = RuleList().allow("a.example").policy();
  expect(free, {{"a.example", "get", "/", "ok"}});
}

TEST(PolicyPermit, RefusesMethodsThatAreNoneOrNeverPass) {
  const Policy policy = RuleList().allow("a.example").policy();
  const std::string longest(64, 'A');
  const std::string too_long(65, 'A');
  expect(policy, {
                     {"a.example", longest.c_str(), "/", "ok"},
                     {"a.example", too_long.c_str(), "/", "malformed"},
                     {"a.example", "", "/", "malformed"},
                     {"a.example", "GET ", "/", "malformed"},
                     {"a.example", "GE\tT", "/", "malformed"},
                     {"a.example", "GET\r\nX:", "/", "malformed"},
                     {"a.example", "G\xc3\x89T", "/", "malformed"},
                     {"a.example", "TRACE", "/", "method_or_path"},
                     {"a.example", "trace", "/", "method_or_path"},
                     {"a.example", "CONNECT", "/", "method_or_path"},
                     {"a.example", "GET", "*", "bad_target"},
                     {"a.example", "GET", "http://a.example/", "bad_target"},
                     {"a.example", "GET", "", "bad_target"},
                     {"a.example", "GET", "/\x01", "bad_target"},
                 });
}

TEST(PolicyPermit, TheAsteriskIsTakenAtItsWorst) {
  const Policy policy = RuleList()
                            .allow("a.example")
                            .deny("a.example", {}, {"/**"})
                            .allow("b.example", {}, {"/**"})
                            .allow("c.example")
                            .policy();
  expect(policy, {
                     {"a.example", "OPTIONS", "*", "explicit_deny"},
                     {"b.example", "OPTIONS", "*", "method_or_path"},
                     {"c.example", "OPTIONS", "*", "ok"},
                 });
}

TEST(PolicyPermit, AGlobMeansTheSameHoweverItIsEncoded) {
  const Policy policy =
      RuleList().allow("a.example", {}, {"/a%20b/*", "/%7Euser", "/x:y", "/100%25"}).policy();
  expect(policy, {
                     {"a.example", "GET", "/a%20b/c", "ok"},
                     {"a.example", "GET", "/~user", "ok"},
                     {"a.example", "GET", "/%7euser", "ok"},
                     {"a.example", "GET", "/x:y", "ok"},
                     {"a.example", "GET", "/x%3Ay", "ok"},
                     {"a.example", "GET", "/100%25", "ok"},
                     {"a.example", "GET", "/a%20b/%2A", "ok"},
                     {"a.example", "GET", "/a+b/c", "method_or_path"},
                     {"a.example", "GET", "/a%20b/c/d", "method_or_path"},
                 });
  const Policy star = RuleList().allow("a.example", {}, {"/x%2Ay"}).policy();
  expect(star, {
                   {"a.example", "GET", "/x*y", "ok"},
                   {"a.example", "GET", "/x%2ay", "ok"},
                   {"a.example", "GET", "/xzy", "method_or_path"},
               });
}

TEST(PolicyPermit, SaysWhichRuleOrThatNoneHolds) {
  const Policy policy = RuleList()
                            .allow("a.example", {"GET"})
                            .allow("*.a.example")
                            .deny("a.example", {}, {"/x"})
                            .policy();
  const auto on_a = admitted(policy, "a.example");
  const auto sent = policy.permit(on_a, "GET", "/");
  EXPECT_EQ(std::get<RequestPermit>(sent).rule(), "a.example");
  EXPECT_EQ(std::get<RequestPermit>(sent).place(), "p.yaml:1");
  EXPECT_TRUE(std::get<RequestPermit>(sent).method_limited());
  EXPECT_TRUE(std::get<RequestPermit>(sent).path_limited());
  const auto posted = std::get<Denial>(policy.permit(on_a, "POST", "/secret?token=1"));
  EXPECT_EQ(denial_text(posted),
            "POST https://a.example/secret: this method or path is not allowed (rule a.example, "
            "p.yaml:1); the host is allowed, but not for this method and path. Allow it with: "
            "redoubtful allow a.example");
  const auto refused = std::get<Denial>(policy.permit(on_a, "GET", "/x"));
  EXPECT_EQ(denial_text(refused),
            "GET https://a.example/x: a rule denies it (rule a.example, p.yaml:3).");
  const auto other = policy.permit(admitted(policy, "b.a.example"), "GET", "/");
  EXPECT_FALSE(std::get<RequestPermit>(other).method_limited());
  EXPECT_FALSE(std::get<RequestPermit>(other).path_limited());
}

TEST(PolicyPermit, ALongPathIsCutInWhatIsSaid) {
  const Policy policy = RuleList().allow("a.example", {"GET"}).policy();
  const std::string target = "/" + std::string(5000, 'x');
  const auto refused =
      std::get<Denial>(policy.permit(admitted(policy, "a.example"), "POST", target));
  EXPECT_LT(refused.target.size(), 300u);
}

TEST(PolicyPermit, ARequestInATunnelIsNotJudgedButRefused) {
  const Policy policy = RuleList().splice("pinned.example").allow("tcp://db.example:80").policy();
  EXPECT_EQ(reason_of(policy.permit(admitted(policy, "pinned.example"), "GET", "/")),
            "scheme_not_allowed");
  EXPECT_EQ(
      reason_of(policy.permit(admitted(policy, "db.example", 80, Carried::kHttp), "GET", "/")),
      "scheme_not_allowed");
}

TEST(PolicyPermit, PlainHttpIsJudgedByHttpRules) {
  const Policy policy = RuleList()
                            .allow("http://a.example", {"GET"})
                            .allow("a.example")
                            .deny("https://a.example", {}, {"/only-tls"})
                            .policy();
  const auto plain = admitted(policy, "a.example", 80, Carried::kHttp);
  const auto secure = admitted(policy, "a.example");
  EXPECT_EQ(reason_of(policy.permit(plain, "GET", "/only-tls")), "ok");
  EXPECT_EQ(reason_of(policy.permit(plain, "POST", "/")), "method_or_path");
  EXPECT_EQ(reason_of(policy.permit(secure, "GET", "/only-tls")), "explicit_deny");
  EXPECT_EQ(reason_of(policy.permit(secure, "POST", "/")), "ok");
}

TEST(PolicyPermit, DiscoverLetsThroughWhatIsNotDenied) {
  const Policy policy = RuleList()
                            .mode(NetworkMode::kDiscover)
                            .allow("a.example", {"GET"})
                            .deny("b.example", {"DELETE"})
                            .allow("10.0.0.1", {"GET"})
                            .policy();
  expect(policy, {
                     {"a.example", "POST", "/", "ok"},
                     {"b.example", "POST", "/", "ok"},
                     {"b.example", "DELETE", "/", "explicit_deny"},
                     {"10.0.0.1", "POST", "/", "method_or_path"},
                 });
}

// The address was dialled because one rule opens 10.0.0.0/8; requests of another rule must not
// reach it.
TEST(PolicyPermit, ARequestDoesNotBorrowThePrivateRangesOfAnotherRule) {
  const Policy policy = RuleList()
                            .allow("ci.w.example", {"GET"}, {"/status"})
                            .with_private({"10.0.0.0/8"})
                            .allow("*.w.example")
                            .policy();
  const auto on = admitted(policy, "ci.w.example");
  ASSERT_EQ(reason_of(policy.vet(on, test::address("10.1.2.3"))), "ok");
  EXPECT_EQ(reason_of(policy.permit(on, "GET", "/status")), "ok");
  EXPECT_EQ(reason_of(policy.permit(on, "POST", "/admin")), "non_public_address");
}

TEST(PolicyPermit, NothingClimbsOutOfAGatewaysPrefix) {
  const Policy policy = RuleList()
                            .allow("api.example")
                            .origin("api.example", "", "https://gw.example/v1/api")
                            .allow("free.example")
                            .policy();
  for (const char* target : {"/..%2fother", "/a/..%2F..%2F..%2Fother", "/%252e%252e/other",
                             "/..%252fother", "/..;/other", "/a/..;x=y/..;/other", "/..%3B/other",
                             "/%2e%2e%2fother", "/a%2f..", "/..%255cother"}) {
    EXPECT_EQ(reason_of(policy.permit(admitted(policy, "api.example"), "GET", target)),
              "bad_target")
        << target;
    EXPECT_EQ(reason_of(policy.permit(admitted(policy, "free.example"), "GET", target)), "ok")
        << target;
  }
  for (const char* target : {"/projects/group%2Fproject", "/a;b", "/..", "/../x", "/..x", "/a//b",
                             "/%2e%2e/x", "/...", "/a?x=../.."}) {
    EXPECT_EQ(reason_of(policy.permit(admitted(policy, "api.example"), "GET", target)), "ok")
        << target;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
