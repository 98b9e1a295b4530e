#include "proxy/injector.hpp"

#include <gtest/gtest.h>

#include "proxy/policy.hpp"

namespace redoubtful::proxy {
namespace {

constexpr const char* kReal = "ghp_RealRealRealRealRealRealRealReal0000";
constexpr const char* kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";
// base64 of "x-access-token:" and then each.
constexpr const char* kBasicReal =
    "Basic eC1hY2Nlc3MtdG9rZW46Z2hwX1JlYWxSZWFsUmVhbFJlYWxSZWFsUmVhbFJlYWxSZWFsMDAwMA==";
constexpr const char* kBasicFake =
    "Basic eC1hY2Nlc3MtdG9rZW46Z2hwX0Zha2VGYWtlRmFrZUZha2VGYWtlRmFrZUZha2VGYWtlMTExMQ==";

class InjectorTest : public ::testing::Test {
 protected:
  InjectorTest() : policy_(network(), {}), injector_(credentials()) {}

  static NetworkProfile network() {
    NetworkProfile out;
    for (const char* rule : {"api.github.com", "evil.example", "http://plain.example"}) {
      out.allow.push_back({*HostRule::parse(rule), {}});
    }
    return out;
  }
  static std::vector<LiveCredential> credentials() {
    std::vector<LiveCredential> out;
    out.push_back({"github",
                   {*Host::parse("api.github.com"), *Host::parse("plain.example")},
                   std::move(*Secret::take(kReal)),
                   kFake});
    return out;
  }

  struct Outcome {
    std::vector<std::string> injected;
    std::optional<Denial> denial;
    RequestHead head;
  };
  Outcome send(const char* host, Fields fields, std::string target = "/") {
    const bool plain = std::string(host) == "plain.example";
    const auto admitted = policy_.admit(*Host::parse(host), *Port::parse(plain ? "80" : "443"),
                                        plain ? Carried::kHttp : Carried::kTls);
    const auto& admission = std::get<Admission>(admitted);
    auto permitted = policy_.permit(admission, "GET", target);
    Outcome out;
    out.head.method = "GET";
    out.head.target = target;
    out.head.fields = std::move(fields);
    auto result =
        injector_.inject(std::get<RequestPermit>(permitted), admission.handling(), out.head);
    if (auto* denial = std::get_if<Denial>(&result)) out.denial = std::move(*denial);
    if (auto* names = std::get_if<0>(&result)) out.injected = std::move(*names);
    return out;
  }

  Policy policy_;
  Injector injector_;
};

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

TEST_F(InjectorTest, ARequestWithoutTheSurrogateStaysAsItIs) {
  const auto out = send("api.github.com", {{"Authorization", "Bearer somebody-elses"}});
  EXPECT_FALSE(out.denial);
  EXPECT_TRUE(out.injected.empty());
  EXPECT_EQ(out.head.fields[0].value, "Bearer somebody-elses");
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
      {"plain HTTP", "plain.example", {{"Authorization", std::string("Bearer ") + kFake}}, "/"},
      {"a field that is stored", "api.github.com", {{"X-Amz-Meta-Note", kFake}}, "/"},
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
}  // namespace redoubtful::proxy
