#include "proxy/aws_profile.hpp"

#include <gmock/gmock.h>

namespace redoubtful::proxy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = AwsProfile::Kind;

constexpr const char* kConfig = R"(# a comment
[default]
region = eu-west-1
[profile work]
region=eu-central-1
s3 =
  max_concurrent_requests = 2
  aws_secret_access_key = nested
[profile "two words"]
credential_process = /opt/bin/keys --for "a b"
[profile inline]
aws_access_key_id = AKIAINLINE
aws_secret_access_key = inline
[profile role]
role_arn = arn:aws:iam::1:role/x
source_profile = work
[profile sso]
sso_session = corp
sso_account_id = 1
sso_role_name = Dev
[profile old-sso]
sso_start_url = https://corp.example/start
sso_region = us-east-1
sso_account_id = 1
sso_role_name = Dev
[profile half-sso]
sso_session = corp
[profile lost-sso]
sso_session = none
sso_account_id = 1
sso_role_name = Dev
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example/start
[profile empty]
region = eu-west-1
)";
constexpr const char* kCredentials = R"([default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = first
AWS_Secret_Access_Key = d/e+f
; a comment
[work]
aws_access_key_id=ASIAWORK
aws_secret_access_key=w
aws_session_token = t==
[only here]
aws_access_key_id = AKIAONLY
aws_secret_access_key = o
[old]
aws_access_key_id = ASIAOLD
aws_secret_access_key = o
aws_security_token = legacy
)";

Result<AwsProfile> found(std::string_view name) {
  return find_aws_profile(kConfig, kCredentials, name);
}

TEST(AwsProfile, HasStaticKeysFromEitherFile) {
  struct Row {
    const char* name;
    const char* key_id;
    const char* secret;
    const char* token;
  };
  const Row rows[] = {{"default", "AKIADEFAULT", "d/e+f", ""},
                      {"work", "ASIAWORK", "w", "t=="},
                      {"only here", "AKIAONLY", "o", ""},
                      {"old", "ASIAOLD", "o", "legacy"},
                      {"inline", "AKIAINLINE", "inline", ""}};
  for (const auto& row : rows) {
    const auto profile = found(row.name);
    ASSERT_TRUE(profile) << row.name << profile.error().what();
    EXPECT_EQ(profile->kind, Kind::kStatic) << row.name;
    EXPECT_EQ(profile->keys.key_id, row.key_id);
    EXPECT_EQ(profile->keys.secret, row.secret);
    EXPECT_EQ(profile->keys.session_token, row.token);
  }
}

TEST(AwsProfile, NamesAProcessOrAnSsoLogin) {
  const auto process = found("two words");
  ASSERT_TRUE(process) << process.error().what();
  EXPECT_EQ(process->kind, Kind::kProcess);
  EXPECT_THAT(process_words(process->process), ElementsAre("/opt/bin/keys", "--for", "a b"));
  const auto sso = found("sso");
  ASSERT_TRUE(sso) << sso.error().what();
  EXPECT_EQ(sso->kind, Kind::kSso);
  EXPECT_EQ(sso->sso.cache_key, "corp");
  EXPECT_EQ(sso->sso.region, "eu-west-1");
  const auto old = found("old-sso");
  ASSERT_TRUE(old) << old.error().what();
  EXPECT_EQ(old->sso.cache_key, "https://corp.example/start");
  EXPECT_EQ(old->sso.region, "us-east-1");
}

TEST(AwsProfile, WithoutKeysSaysWhatToWriteInstead) {
  const std::pair<const char*, const char*> rows[] = {
      {"absent", "neither in"},           {"wor", "neither in"},
      {"role", "assumes a role"},         {"half-sso", "only a part"},
      {"lost-sso", "which is not there"}, {"empty", "has no keys"},
      {"sso-session corp", "neither in"}, {"", "neither in"}};
  for (const auto& [name, why] : rows) {
    const auto profile = found(name);
    ASSERT_FALSE(profile) << name;
    EXPECT_EQ(profile.error().code(), Errc::kInvalidProfile);
    EXPECT_THAT(profile.error().what(), HasSubstr(why)) << name;
  }
  EXPECT_THAT(found("role").error().hint(), HasSubstr("export-credentials --profile role"));
}

TEST(AwsConfig, InsideSaysNothingOfWhereKeysComeFrom) {
  EXPECT_EQ(config_without_keys(kConfig),
            "[default]\nregion = eu-west-1\n[profile work]\nregion=eu-central-1\ns3 =\n"
            "  max_concurrent_requests = 2\n[profile \"two words\"]\n[profile inline]\n"
            "[profile role]\n[profile sso]\n[profile old-sso]\n[profile half-sso]\n"
            "[profile lost-sso]\n[profile empty]\nregion = eu-west-1\n");
  EXPECT_EQ(config_without_keys("region = before any section\n[]\nx = y\nno section"), "");
}

TEST(ProcessWords, ArePartedAsAShellWould) {
  EXPECT_THAT(process_words("a  b\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(process_words(R"('a b' "c \"d\" \x" e\ f '')"),
              ElementsAre("a b", "c \"d\" \\x", "e f", ""));
  EXPECT_THAT(process_words("a 'b"), IsEmpty());
  EXPECT_THAT(process_words("  "), IsEmpty());
}

}  // namespace
}  // namespace redoubtful::proxy
