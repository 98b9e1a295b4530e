#include "proxy/policy.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

Host host(std::string_view text) { return Host::parse(text).value(); }
Port port(int number) { return Port::parse(std::to_string(number)).value(); }

TEST(Policy, DeniesWhatNoRuleNames) {
  const Policy policy({}, {});
  for (const auto carried : {Carried::kTls, Carried::kHttp, Carried::kOpaque}) {
    const auto verdict = policy.admit(host("a.example"), port(443), carried);
    ASSERT_TRUE(std::holds_alternative<Denial>(verdict));
    EXPECT_EQ(std::get<Denial>(verdict).reason, DenyReason::kNoMatchingRule);
  }
}

}  // namespace
}  // namespace redoubtful::proxy
