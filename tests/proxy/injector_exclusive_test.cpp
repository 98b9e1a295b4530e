// A credential that is exclusive, and its ports: what is refused although the host is its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/request_fields.hpp"
#include "tests/proxy/injector_support.hpp"

namespace redoubtful::proxy::test {
namespace {

using testing::HasSubstr;

TEST_F(InjectorTest, WhereItIsExclusiveAnothersCredentialAndNoneAreRefused) {
  const auto exclusive = [](LiveCredential& one) { one.exclusive = true; };
  const auto bearer = [](const char* key) {
    return Fields{{"Authorization", std::string("Bearer ") + key}};
  };
  EXPECT_FALSE(send_with(exclusive, bearer(kFake)).denial);
  EXPECT_FALSE(send_with(exclusive, {{"Authorization", kBasicFake}}).denial);
  EXPECT_FALSE(send_with(exclusive, {{"Authorization", kUserFake}}).denial);
  EXPECT_FALSE(send_with(exclusive, {{"X-Api-Key", kFake}}).denial);

  const auto none = send_with(exclusive, {{"Accept", "*/*"}});
  ASSERT_TRUE(none.denial);
  EXPECT_EQ(none.denial->reason, DenyReason::kCredentialMissing);
  for (const Fields& fields :
       {bearer("attackers"), bearer(kReal), Fields{{"Authorization", kUserReal}},
        Fields{{"X-Api-Key", "attackers"}},
        Fields{{"Authorization", std::string("Bearer ") + kFake}, {"X-Api-Key", "attackers"}},
        Fields{{"Authorization", std::string("Bearer ") + kFake},
               {"Authorization", "Bearer attackers"}}}) {
    const auto foreign = send_with(exclusive, fields);
    ASSERT_TRUE(foreign.denial) << fields[0].value;
    EXPECT_EQ(foreign.denial->reason, DenyReason::kCredential);
    for (const auto& field : foreign.head.fields) {
      if (field.value != std::string("Bearer ") + kReal) {
        EXPECT_EQ(field.value.find(kReal), std::string::npos) << "nothing was put in";
      }
    }
  }
  // Also where its own surface is another place.
  const auto in_query = [](LiveCredential& one) {
    one.exclusive = true;
    one.surfaces = {{SurfaceKind::kQuery, "key", "", ""}};
  };
  EXPECT_FALSE(send_with(in_query, {}, std::string("/?key=") + kFake).denial);
  EXPECT_TRUE(send_with(in_query, {}, "/?key=attackers").denial);
  EXPECT_TRUE(send_with(in_query, bearer("attackers"), std::string("/?key=") + kFake).denial);
}

TEST_F(InjectorTest, ABodyIsSwappedOnlyWhereASurfaceSaysSo) {
  const auto bound = [](LiveCredential& one) {
    one.surfaces = {{SurfaceKind::kBody, "token", "POST", "/login"}};
    one.exclusive = true;
  };
  const Fields json = {{"Content-Type", "application/json; charset=utf-8"}};
  auto out = send_with(bound, json, "/login", "POST");
  ASSERT_FALSE(out.denial);
  ASSERT_NE(out.body, nullptr) << "it is in the body's hands now";
  EXPECT_EQ(send_with(bound, json, "/other", "POST").denial->reason,
            DenyReason::kCredentialMissing);
  EXPECT_TRUE(send_with(bound, {{"Content-Type", "text/plain"}}, "/login", "POST").denial);
  EXPECT_TRUE(send_with(bound, {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}},
                        "/login", "POST")
                  .denial);
}

TEST_F(InjectorTest, ABodyThatMustHaveTheCredentialIsNotSentWithAnothers) {
  auto all = credentials();
  all[0].surfaces = {{SurfaceKind::kBody, "token", {}, {}}};
  all[0].exclusive = true;
  const Injector injector(std::move(all));
  const auto out =
      send_to(injector, "api.github.com", {{"Content-Type", "application/json"}}, "/", "POST");
  ASSERT_NE(out.body, nullptr);
  std::string sent;
  out.body->feed(R"({"token":"attackers"})", sent);
  EXPECT_THAT(std::string(out.body->fault()), HasSubstr("this one is exclusive"));
  EXPECT_EQ(out.body->fault_status(), 403u);
  EXPECT_EQ(sent, "");
}

TEST_F(InjectorTest, MessagesOfAWebSocketAreNoPromiseOfAnExclusiveCredential) {
  const auto in_frames = [](LiveCredential& one) {
    one.surfaces = {{SurfaceKind::kHeader, {}, {}, {}}, {SurfaceKind::kWebSocket, {}, {}, {}}};
    one.exclusive = true;
  };
  EXPECT_FALSE(send_with(in_frames, {{"authorization", std::string("Bearer ") + kFake}}).denial);
  EXPECT_EQ(send_with(in_frames, {}).denial->reason, DenyReason::kCredentialMissing);
}

TEST_F(InjectorTest, AnothersCredentialBesideAnExclusiveOneIsRefused) {
  const auto exclusive = [](LiveCredential& one) {
    one.surfaces = {{SurfaceKind::kHeader, {}, {}, {}}, {SurfaceKind::kQuery, "key", {}, {}}};
    one.exclusive = true;
  };
  const std::string fake(kFake);
  const std::string theirs = "0123456789abcdef0123";
  const auto basic = [](const std::string& text) { return basic_field(text); };
  for (const std::string& value :
       {"Bearer " + fake, "token token=\"" + fake + "\"", fake, basic("me:" + fake),
        basic(fake + ":"), basic(fake + ":x-oauth-basic"),
        basic("first.last@company.example:" + fake), basic("x-access-token:" + fake),
        basic(fake + ":" + fake)}) {
    EXPECT_FALSE(send_with(exclusive, {{"authorization", value}}).denial) << value;
  }
  for (const std::string& value :
       {"Bearer " + theirs + ", Bearer " + fake, "Bearer " + theirs + " " + fake, fake + theirs,
        basic(theirs + ":" + fake), basic(fake + ":" + theirs)}) {
    const auto out = send_with(exclusive, {{"authorization", value}});
    ASSERT_TRUE(out.denial) << value;
    EXPECT_EQ(out.denial->reason, DenyReason::kCredential) << value;
    const auto mild = [](LiveCredential&) {};
    EXPECT_FALSE(send_with(mild, {{"authorization", value}}).denial) << value;
  }
  EXPECT_FALSE(send_with(exclusive, {}, "/?key=" + fake).denial);
  EXPECT_TRUE(send_with(exclusive, {}, "/?key=" + fake + "," + theirs).denial);
}

TEST_F(InjectorTest, AnotherPortOfItsHostIsAnotherPlace) {
  const auto elsewhere = [](LiveCredential& one) {
    one.hosts = {};
    ASSERT_TRUE(one.hosts.add("api.github.com:8443"));
  };
  const Fields fields = {{"authorization", std::string("Bearer ") + kFake}};
  EXPECT_FALSE(send("api.github.com", fields).denial);
  const auto refused = send_with(elsewhere, fields);
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->reason, DenyReason::kCredential);
  EXPECT_THAT(refused.denial->detail, HasSubstr("a port that it is not for"));
  EXPECT_EQ(refused.head.fields[0].value, fields[0].value);
}

}  // namespace
}  // namespace redoubtful::proxy::test
