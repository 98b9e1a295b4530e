#include "proxy/injector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/injector_support.hpp"

namespace redoubtful::proxy::test {
namespace {

using testing::HasSubstr;

TEST_F(InjectorTest, SwapsInKnownCredentialFieldsOfItsOwnHosts) {
  const struct {
    const char* name;
    std::string sent;
    std::string received;
  } cases[] = {
      {"Authorization", std::string("Bearer ") + kFake, std::string("Bearer ") + kReal},
      {"authorization", std::string("token ") + kFake, std::string("token ") + kReal},
      {"AUTHORIZATION", kBasicFake, kBasicReal},
      {"authorization", std::string("basic") + std::string(kBasicFake).substr(5), kBasicReal},
      {"Authorization", kUserFake, kUserReal},
      {"Authorization", kBothFake, kBothReal},
      {"X-Api-Key", kFake, kReal},
      {"PRIVATE-TOKEN", kFake, kReal},
      {"x-goog-api-key", kFake, kReal},
  };
  for (const auto& c : cases) {
    const auto out = send("api.github.com", {{"Accept", "*/*"}, {c.name, c.sent}});
    EXPECT_FALSE(out.denial) << c.name;
    EXPECT_EQ(out.injected, std::vector<std::string>{"github"}) << c.name;
    EXPECT_EQ(out.head.fields[1].value, c.received) << c.name;
  }
}

TEST_F(InjectorTest, SwapsEveryDuplicate) {
  const auto out = send("api.github.com", {{"Authorization", std::string("Bearer ") + kFake},
                                           {"Authorization", std::string("Bearer ") + kFake}});
  EXPECT_EQ(out.head.fields[0].value, std::string("Bearer ") + kReal);
  EXPECT_EQ(out.head.fields[1].value, std::string("Bearer ") + kReal);
}

TEST_F(InjectorTest, AnothersCredentialIsTakenOut) {
  const auto out = send("api.github.com", {{"Accept", "*/*"},
                                           {"Authorization", "Bearer somebody-elses"},
                                           {"X-Api-Key", "somebody-elses"},
                                           {"X-Note", "somebody-elses"}});
  EXPECT_FALSE(out.denial);
  EXPECT_TRUE(out.injected.empty());
  EXPECT_EQ(out.removed,
            (std::vector<std::string>{"the field Authorization", "the field X-Api-Key"}));
  ASSERT_EQ(out.head.fields.size(), 2u);
  EXPECT_EQ(out.head.fields[1].name, "X-Note");

  const auto beside = send("api.github.com", {{"Authorization", "Bearer somebody-elses"},
                                              {"Authorization", std::string("Bearer ") + kFake}});
  ASSERT_EQ(beside.head.fields.size(), 1u);
  EXPECT_EQ(beside.head.fields[0].value, std::string("Bearer ") + kReal);

  const auto elsewhere = send("evil.example", {{"Authorization", "Bearer of-that-host"}});
  EXPECT_EQ(elsewhere.head.fields.size(), 1u) << "a host without a credential is nobody's business";
}

TEST_F(InjectorTest, SwapsOnTheSurfacesThatAreNamedAndOnNoOther) {
  const std::string fake = kFake;
  const std::string real = kReal;
  struct Row {
    const char* what;
    Surface surface;
    Fields fields;
    std::string target;
    // Where it then stands; empty: refused.
    std::string expected;
  };
  const Surface header{SurfaceKind::kNamedHeader, "X-Deploy", "", ""};
  const Surface query{SurfaceKind::kQuery, "key", "", ""};
  const Surface cookie{SurfaceKind::kCookie, "session", "", ""};
  for (const auto& row : {
           Row{"a named field", header, {{"x-deploy", "v1 " + fake}}, "/", "v1 " + real},
           {"another field", header, {{"x-deployed", fake}}, "/", ""},
           {"not the known ones then", header, {{"Authorization", fake}}, "/", ""},
           {"a parameter", query, {}, "/a?x=1&key=" + fake + "&y=2", "/a?x=1&key=" + real + "&y=2"},
           {"each of two",
            query,
            {},
            "/?key=" + fake + "&key=" + fake,
            "/?key=" + real + "&key=" + real},
           {"its name encoded", query, {}, "/?k%65y=" + fake, "/?k%65y=" + real},
           {"encoded itself",
            query,
            {},
            "/?key=%67hp_" + fake.substr(4) + "%21",
            "/?key=" + real + "%21"},
           {"another parameter", query, {}, "/?note=" + fake, ""},
           {"another one, encoded", query, {}, "/?note=%67hp_" + fake.substr(4), ""},
           {"a name", query, {}, "/?" + fake + "=1", ""},
           {"both", query, {}, "/?key=" + fake + "&note=" + fake, ""},
           {"the path", query, {}, "/" + fake + "?key=" + fake, ""},
           {"a cookie",
            cookie,
            {{"Cookie", "a=1; session=" + fake + "; b=2"}},
            "/",
            "a=1; session=" + real + "; b=2"},
           {"another cookie", cookie, {{"Cookie", "a=" + fake + "; session=" + fake}}, "/", ""},
           {"a cookie's name", cookie, {{"Cookie", fake + "=1"}}, "/", ""},
       }) {
    const auto out = send_with([&](LiveCredential& one) { one.surfaces = {row.surface}; },
                               row.fields, row.target);
    if (row.expected.empty()) {
      ASSERT_TRUE(out.denial) << row.what;
      EXPECT_EQ(out.denial->reason, DenyReason::kCredential) << row.what;
      continue;
    }
    EXPECT_FALSE(out.denial) << row.what;
    EXPECT_EQ(out.injected, std::vector<std::string>{"github"}) << row.what;
    EXPECT_EQ(row.fields.empty() ? out.head.target : out.head.fields[0].value, row.expected)
        << row.what;
  }
}

TEST_F(InjectorTest, ASurfaceHoldsForItsMethodAndPathAlone) {
  const auto bound = [](LiveCredential& one) {
    one.surfaces = {{SurfaceKind::kQuery, "key", "POST", "/v1/**"}};
  };
  const std::string query = std::string("?key=") + kFake;
  EXPECT_FALSE(send_with(bound, {}, "/v1/a" + query, "POST").denial);
  for (const auto& [method, path] : {std::pair{"GET", "/v1/a"},
                                     {"POST", "/v2/a"},
                                     {"POST", "/"},
                                     {"POST", "/v1"},
                                     {"POST", "/v1/a//b"},
                                     {"POST", "/v1/..%2Fa"}}) {
    EXPECT_TRUE(send_with(bound, {}, path + query, method).denial) << method << path;
  }
}

TEST_F(InjectorTest, AnothersValueInANamedPlaceIsTakenOut) {
  const auto places = [](LiveCredential& one) {
    one.surfaces = {{SurfaceKind::kQuery, "key", "", ""},
                    {SurfaceKind::kCookie, "session", "", ""}};
  };
  const auto out = send_with(places, {{"Cookie", "session=x; a=1"}, {"Authorization", "Bearer y"}},
                             "/a?key=attackers&x=1");
  EXPECT_FALSE(out.denial);
  EXPECT_EQ(out.head.target, "/a?x=1");
  EXPECT_EQ(out.head.fields[0].value, "a=1");
  EXPECT_EQ(out.head.fields.size(), 2u) << "a field that is no place of it stays";
  EXPECT_EQ(send_with(places, {}, "/a?key=attackers").head.target, "/a");
}

TEST_F(InjectorTest, AValueCannotEndItsOwnField) {
  const auto odd = [](const Surface& surface) {
    return [surface](LiveCredential& one) {
      one.secret = *Secret::take("a&b=c; d\"e%");
      one.surfaces = {surface};
    };
  };
  EXPECT_EQ(send_with(odd({SurfaceKind::kQuery, "key", "", ""}), {}, std::string("/?key=") + kFake)
                .head.target,
            "/?key=a%26b%3Dc%3B%20d%22e%25");
  const auto cookie =
      send_with(odd({SurfaceKind::kCookie, "s", "", ""}), {{"Cookie", std::string("s=") + kFake}});
  EXPECT_EQ(cookie.head.fields[0].value, std::string("s=") + kFake) << "it cannot be written there";
}

TEST_F(InjectorTest, AttachesWhateverTheClientSends) {
  const auto attach = [](LiveCredential& one) {
    one.attach = {"Authorization", "Bearer {}"};
    one.exclusive = true;
  };
  for (const Fields& fields :
       {Fields{}, Fields{{"Authorization", std::string("Basic ") + kFake}}}) {
    const auto out = send_with(attach, fields);
    ASSERT_FALSE(out.denial) << out.denial->detail;
    ASSERT_EQ(out.head.fields.size(), 1u);
    EXPECT_EQ(out.head.fields[0].value, std::string("Bearer ") + kReal);
    EXPECT_EQ(out.injected, std::vector<std::string>{"github"});
  }
  EXPECT_TRUE(send_with(attach, {{"authorization", "Bearer attackers"}}).denial);
  const auto mild = [](LiveCredential& one) { one.attach = {"Authorization", "Bearer {}"}; };
  const auto out = send_with(mild, {{"authorization", "Bearer attackers"}});
  ASSERT_EQ(out.head.fields.size(), 1u);
  EXPECT_EQ(out.head.fields[0].value, std::string("Bearer ") + kReal);
}

TEST_F(InjectorTest, ASurrogateOnItsWayAnywhereElseIsRefusedAndNothingIsSwapped) {
  const struct {
    const char* what;
    const char* host;
    Fields fields;
    std::string target;
  } cases[] = {
      {"another host", "evil.example", {{"Authorization", std::string("Bearer ") + kFake}}, "/"},
      {"another host, Basic", "evil.example", {{"Authorization", kBasicFake}}, "/"},
      {"another host, Basic's user", "evil.example", {{"Authorization", kUserFake}}, "/"},
      {"plain HTTP", "plain.example", {{"Authorization", std::string("Bearer ") + kFake}}, "/"},
      {"a field that is stored", "api.github.com", {{"X-Amz-Meta-Note", kFake}}, "/"},
      {"plain HTTP, Basic", "plain.example", {{"Authorization", kBasicFake}}, "/"},
      {"plain HTTP, Basic's user", "plain.example", {{"Authorization", kUserFake}}, "/"},
      {"a cookie", "api.github.com", {{"Cookie", std::string("a=") + kFake}}, "/"},
      {"beside a good one",
       "api.github.com",
       {{"Authorization", std::string("Bearer ") + kFake}, {"X-Note", kFake}},
       "/"},
      {"a field's name", "api.github.com", {{kFake, "x"}}, "/"},
      {"the query", "api.github.com", {}, std::string("/?token=") + kFake},
      {"the path", "api.github.com", {}, std::string("/") + kFake},
  };
  for (const auto& c : cases) {
    const auto out = send(c.host, c.fields, c.target);
    ASSERT_TRUE(out.denial) << c.what;
    EXPECT_EQ(out.denial->reason, DenyReason::kCredential) << c.what;
    EXPECT_TRUE(out.denial->remedy.empty()) << c.what;
    for (const auto& field : out.head.fields) {
      EXPECT_EQ(field.value.find(kReal), std::string::npos) << c.what;
    }
  }
}

TEST_F(InjectorTest, BasicWithBytesBehindItsPaddingIsNotDecoded) {
  const auto out = send("api.github.com", {{"Authorization", std::string(kBasicFake) + "x"}});
  EXPECT_TRUE(out.injected.empty());
}

TEST_F(InjectorTest, FindsASurrogateInAnyPartOfAHead) {
  RequestHead head;
  head.fields = {{"Authorization", kBasicFake}};
  ASSERT_NE(injector_.surrogate_in(head), nullptr);
  EXPECT_EQ(injector_.surrogate_in(head)->name, "github");
  head.fields = {{"Authorization", kBasicReal}};
  EXPECT_EQ(injector_.surrogate_in(head), nullptr);
}

}  // namespace
}  // namespace redoubtful::proxy::test
