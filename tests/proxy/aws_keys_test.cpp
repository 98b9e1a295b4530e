#include "proxy/aws_keys.hpp"

#include <gmock/gmock.h>

namespace redoubtful::proxy {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kGood =
    R"({"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"s/e+c","SessionToken":"t==",
        "Expiration":"2026-11-28T12:00:00Z","Extra":[1]})";

TEST(AwsKeys, AreWhatACredentialProcessPrints) {
  const auto keys = parse_aws_keys(kGood);
  ASSERT_TRUE(keys) << keys.error().what();
  EXPECT_EQ(keys->key_id, "ASIAEXAMPLE");
  EXPECT_EQ(keys->secret, "s/e+c");
  EXPECT_EQ(keys->session_token, "t==");
  ASSERT_TRUE(keys->expires);
  EXPECT_EQ(aws_time_text(*keys->expires), "2026-11-28T12:00:00Z");
  const auto again = parse_aws_keys(aws_keys_text(*keys));
  ASSERT_TRUE(again) << again.error().what();
  EXPECT_EQ(again->session_token, "t==");
  EXPECT_EQ(again->expires, keys->expires);
}

TEST(AwsKeys, OfLongTermHaveNeitherTokenNorEnd) {
  const auto keys = parse_aws_keys(R"({"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"s"})");
  ASSERT_TRUE(keys) << keys.error().what();
  EXPECT_EQ(keys->session_token, "");
  EXPECT_FALSE(keys->expires);
  EXPECT_THAT(aws_keys_text(*keys), Not(HasSubstr("SessionToken")));
}

TEST(AwsKeys, ThatAreNoneAreRefusedWithoutAValue) {
  struct Row {
    const char* text;
    const char* why;
  };
  const Row rows[] = {
      {"", "not JSON"},
      {"hunter2", "not JSON"},
      {"[]", "no JSON object"},
      {R"({"Version":2,"AccessKeyId":"hunter2","SecretAccessKey":"hunter2"})", "Version"},
      {R"({"Version":"1","AccessKeyId":"hunter2","SecretAccessKey":"hunter2"})", "Version"},
      {R"({"SecretAccessKey":"hunter2"})", "no AccessKeyId"},
      {R"({"AccessKeyId":"hunter2"})", "no SecretAccessKey"},
      {R"({"AccessKeyId":7,"SecretAccessKey":"hunter2"})", "no AccessKeyId"},
      {R"({"AccessKeyId":"","SecretAccessKey":"hunter2"})", "access key id"},
      {R"({"AccessKeyId":"hunter/2","SecretAccessKey":"hunter2"})", "access key id"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hunter 2"})", "secret access key"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hunter2\n"})", "secret access key"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"hunter 2"})", "session token"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"hunter2"})", "Expiration"},
  };
  for (const auto& [text, why] : rows) {
    const auto keys = parse_aws_keys(text);
    ASSERT_FALSE(keys) << text;
    EXPECT_THAT(keys.error().what(), HasSubstr(why)) << text;
    EXPECT_THAT(keys.error().what(), Not(HasSubstr("hunter"))) << text;
  }
}

TEST(AwsTime, IsReadInTheSpellingsOfAwssPrograms) {
  for (const char* text :
       {"2026-11-28T12:00:00Z", "2026-11-28T12:00:00.123456Z", "2026-11-28T12:00:00UTC",
        "2026-11-28T12:00:00+00:00", "2026-11-28T13:30:00+01:30", "2026-11-28T04:00:00-08:00"}) {
    const auto time = parse_aws_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(aws_time_text(*time), "2026-11-28T12:00:00Z") << text;
  }
  for (const char* text :
       {"", "2026-11-28", "2026-11-28T12:00:00", "2026-13-28T12:00:00Z", "2026-02-30T12:00:00Z",
        "2026-11-28 12:00:00Z", "2026-11-28T24:00:00Z", "2026-11-28T12:00:00.Z",
        "2026-11-28T12:00:00+0100", "2026-11-28T12:00:00+24:00", "2026-11-28T12:00:00ZZ",
        "x026-11-28T12:00:00Z"}) {
    EXPECT_FALSE(parse_aws_time(text)) << text;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
