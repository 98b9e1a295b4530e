#include "proxy/credential_source.hpp"

#include <gmock/gmock.h>

namespace redoubtful::proxy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kReal = "ghp_RealRealRealRealRealRealRealReal0000";

CredentialProfile credential(std::string name, std::string source) {
  CredentialProfile out;
  out.name = std::move(name);
  out.source = std::move(source);
  out.hosts = {*Host::parse("api.example"), *Host::parse("b.example")};
  out.expose_env = {"KEY"};
  out.origin = {"p.yaml", 3, 1, {}};
  return out;
}

bool is_erased(const std::vector<control::NamedValue>& environment) {
  for (const auto& value : environment) {
    if (value.value.find_first_not_of('\0') != std::string::npos) return false;
  }
  return true;
}

TEST(CredentialSource, AVariableBecomesALiveCredentialAndASurrogate) {
  std::vector<control::NamedValue> environment = {{"KEY", kReal}, {"OTHER", "value"}};
  std::vector<std::string> commands = {"A=value"};
  const auto read = read_credentials({credential("github", "env:KEY")}, environment, commands);
  ASSERT_TRUE(read) << read.error().what();
  ASSERT_EQ(read->live.size(), 1u);
  EXPECT_EQ(read->live[0].name, "github");
  EXPECT_EQ(read->live[0].hosts.size(), 2u);
  EXPECT_EQ(read->live[0].secret.size(), std::string(kReal).size());
  ASSERT_EQ(read->surrogates.size(), 1u);
  EXPECT_EQ(read->surrogates[0].value, read->live[0].surrogate);
  EXPECT_NE(read->surrogates[0].value, kReal);
  EXPECT_THAT(read->surrogates[0].value, testing::StartsWith("ghp_"));
  EXPECT_THAT(read->notes, ElementsAre("credential github is live for api.example, b.example"));
  EXPECT_TRUE(is_erased(environment)) << "also what no credential asked for";
  EXPECT_EQ(commands[0].find_first_not_of('\0'), std::string::npos);
}

TEST(CredentialSource, TwoCredentialsOfOneVariableHaveTwoSurrogates) {
  std::vector<control::NamedValue> environment = {{"KEY", kReal}};
  std::vector<std::string> commands;
  const auto read = read_credentials({credential("one", "env:KEY"), credential("two", "env:KEY")},
                                     environment, commands);
  ASSERT_TRUE(read) << read.error().what();
  EXPECT_NE(read->live[0].surrogate, read->live[1].surrogate);
}

TEST(CredentialSource, WhatIsOptionalAndAbsentIsNamedAndLeftOut) {
  auto optional = credential("github", "env:KEY");
  optional.optional = true;
  for (auto environment :
       {std::vector<control::NamedValue>{}, std::vector<control::NamedValue>{{"KEY", ""}}}) {
    std::vector<std::string> commands;
    const auto read = read_credentials({optional}, environment, commands);
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->live.empty());
    EXPECT_TRUE(read->surrogates.empty());
    EXPECT_THAT(read->notes, ElementsAre("credential github is off: the variable KEY is not set"));
  }
}

TEST(CredentialSource, WhatIsOptionalIsOffWhereTheSourceHasNothingOfAnyKind) {
  std::vector<control::NamedValue> environment;
  std::vector<std::string> commands = {"PATH=/usr/bin:/bin"};
  std::vector<CredentialProfile> all;
  for (const char* source :
       {"file:/no/such/file", "json:/no/such/file#/a", "command:exit 1", "vault:secret/a#b"}) {
    all.push_back(credential("c" + std::to_string(all.size()), source));
    all.back().optional = true;
  }
  const auto read = read_credentials(all, environment, commands);
  ASSERT_TRUE(read) << read.error().what();
  EXPECT_TRUE(read->live.empty());
  EXPECT_THAT(read->notes, ElementsAre("credentials that are not there: c0, c1, c2, c3"))
      << "one line for all that a profile might know";
  for (const auto& one : all) {
    const auto alone = read_credentials({one}, environment, commands);
    ASSERT_TRUE(alone);
    EXPECT_THAT(alone->notes, ElementsAre(HasSubstr(" is off: ")));
  }
}

TEST(CredentialSource, WhatIsOptionalAndMustNotBeUsedIsAnErrorAllTheSame) {
  auto open = credential("open", "file:/etc/passwd");
  open.optional = true;
  std::vector<control::NamedValue> environment;
  std::vector<std::string> commands;
  const auto read = read_credentials({open}, environment, commands);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().what(), HasSubstr("p.yaml:3: the credential \"open\""));
  EXPECT_THAT(read.error().what(), HasSubstr("read or written by others"));
}

TEST(CredentialSource, SaysWhatIsWrongAndNeverTheValue) {
  struct Row {
    const char* source;
    std::string value;
    Errc code;
    const char* words;
  };
  const std::string secret = "S3cretS3cretS3cretS3cretS3cret";
  for (const auto& [source, value, code, words] : {
           Row{"env:KEY", "", Errc::kInvalidProfile, "the variable KEY is not set"},
           {"env:KEY", secret + "\n", Errc::kInvalidSecret, "p.yaml:3: the credential"},
           {"env:KEY", secret + std::string(20'000, 'x'), Errc::kInvalidSecret, "(env:KEY)"},
           {"env:KEY", "short", Errc::kInvalidSecret, "(env:KEY)"},
           {"aws-profile:x", secret, Errc::kNotYet, "aws-profile:x"},
           {"KEY", secret, Errc::kNotYet, "KEY"},
       }) {
    std::vector<control::NamedValue> environment = {{"KEY", value}, {"OTHER", secret}};
    std::vector<std::string> commands;
    const auto read = read_credentials({credential("github", source)}, environment, commands);
    ASSERT_FALSE(read) << source;
    EXPECT_EQ(read.error().code(), code) << read.error().what();
    EXPECT_THAT(read.error().what(), HasSubstr(words));
    EXPECT_THAT(read.error().what(), HasSubstr("github"));
    EXPECT_THAT(read.error().what() + read.error().hint(), Not(HasSubstr("S3cret")));
    EXPECT_TRUE(is_erased(environment)) << "however it ends";
  }
}

TEST(CredentialSource, AHostileNameReachesNoTerminal) {
  auto hostile = credential("a\x1b[2J", "env:KEY\x1b");
  hostile.origin.file = "/x\x1b\n";
  std::vector<control::NamedValue> environment;
  std::vector<std::string> commands;
  const auto read = read_credentials({hostile}, environment, commands);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().what().find_first_of("\x1b\n"), std::string::npos);
  hostile.optional = true;
  const auto off = read_credentials({hostile}, environment, commands);
  EXPECT_EQ(off->notes.at(0).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace redoubtful::proxy
