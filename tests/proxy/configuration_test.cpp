#include "proxy/configuration.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

std::string with_allow(const std::string& rule) {
  return R"({"version":1,"network":{"allow":[)" + rule + "]}}";
}

TEST(Configuration, ReadsARuleFromItsFields) {
  const auto read = parse_configuration(with_allow(
      R"({"host":"*.a.example","scheme":"https","port":443,"methods":["GET"],"paths":["/x/**"],
          "private":["10.0.0.0/8"],"splice":false,"text":"*.a.example",
          "origin":{"file":{"hex":"2fff"},"line":3,"column":5}})"));
  ASSERT_TRUE(read) << read.error().what();
  ASSERT_EQ(read->network.allow.size(), 1u);
  const auto& rule = read->network.allow[0];
  EXPECT_EQ(rule.value.pattern.text(), "*.a.example");
  EXPECT_EQ(rule.value.methods, std::vector<std::string>{"GET"});
  EXPECT_EQ(rule.origin.file, "/\xff");
  EXPECT_EQ(rule.origin.line, 3);
}

TEST(Configuration, AbsentAndNullListsAllowNothing) {
  for (const char* text : {R"({"version":1})", R"({"version":1,"network":null,"credentials":null})",
                           R"({"version":1,"network":{"allow":null},"else":[1]})"}) {
    const auto read = parse_configuration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_TRUE(read->network.allow.empty());
    EXPECT_EQ(read->network.mode.value, NetworkMode::kFiltered);
  }
}

TEST(Configuration, RefusesWhatCouldMakeItWiderByMistake) {
  const std::string rest = R"("scheme":"https","port":443,"methods":[],"paths":[]})";
  const std::pair<std::string, std::string> refused[] = {
      {"", "JSON"},
      {"[]", "object"},
      {R"({"network":{}})", "version"},
      {R"({"version":2})", "version"},
      {R"({"version":1,"version":1})", "twice"},
      {R"({"version":1,"network":{"deny":[],"deny":[]}})", "twice"},
      {R"({"version":1,"network":{"deny":null}})", "network.deny"},
      {R"({"version":1,"network":{"alow":[]}})", "alow"},
      {with_allow(R"({"host":"*",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"*.com",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"a.example","scheme":null,"port":443,"methods":[],"paths":[]})"),
       "network.allow[0]"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":0,"methods":[],"paths":[]})"),
       "network.allow[0].port"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"paths":[]})"),
       "network.allow[0].methods"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"methods":null,"paths":[]})"),
       "network.allow[0].methods"},
      {with_allow(R"({"host":"a.example","private":["0.0.0.0/0"],)" + rest), "private"},
      {R"({"version":1,"credentials":[{"name":"a","source":"env:A","hosts":[]}]})", "hosts"},
      {std::string(100, '['), "JSON"},
  };
  for (const auto& [text, place] : refused) {
    const auto read = parse_configuration(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), Errc::kInvalidProfile);
    EXPECT_NE(read.error().what().find(place), std::string::npos) << read.error().what();
  }
}

}  // namespace
}  // namespace redoubtful::proxy
