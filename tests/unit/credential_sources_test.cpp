#include "cli/credential_sources.hpp"

#include <gmock/gmock.h>

#include <map>

#include "tests/support/fake_files.hpp"

namespace redoubtful::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CredentialProfile with_source(std::string source) {
  CredentialProfile out;
  out.name = "key";
  out.source = std::move(source);
  out.origin = {"p.yaml", 3, 1, {}};
  return out;
}

FakeFiles home() {
  FakeFiles files;
  files.directory("/usr/bin").directory("/home/u/bin").directory("/home/u/project/bin");
  files.file("/home/u/.config/ci/token").file("/home/u/project/token").file("/home/u/.ssh/id");
  files.link("/home/u/.tools", "/home/u/project/bin");
  files.link("/home/u/dot", "/home/u/.config/ci/token");
  files.link("/home/u/project/planted", "/home/u/.ssh/id");
  files.link("/home/u/through", "/home/u/project/planted");
  return files;
}
const std::vector<std::string> kWritten = {"/home/u/project"};

TEST(CommandEnvironment, IsTheUsersWithoutWhatRunsOtherCode) {
  const std::vector<std::string> environment = {
      "HOME=/home/u",
      "LANG=C",
      "DBUS_SESSION_BUS_ADDRESS=unix:x",
      "GITHUB_TOKEN=secret",
      "GIT_SSH_COMMAND=evil",
      "GIT_DIR=/x",
      "LD_PRELOAD=/x.so",
      "BASH_ENV=/x",
      "ENV=/x",
      "NODE_OPTIONS=-r x",
      "PYTHONPATH=/x",
      "PERL5LIB=/x",
      "PWD=/home/u/project",
      "=odd",
      "odd",
      "PATH=/usr/bin:/home/u/project/bin:.::bin:/home/u/.tools:/home/u/bin:/no/such",
      "HOME=/second"};
  EXPECT_THAT(
      command_environment({with_source("command:gh auth token"), with_source("env:GITHUB_TOKEN")},
                          environment, home(), kWritten),
      ElementsAre("HOME=/home/u", "LANG=C", "DBUS_SESSION_BUS_ADDRESS=unix:x",
                  "PATH=/usr/bin:/home/u/bin"));
  EXPECT_THAT(command_environment({with_source("env:A"), with_source("file:/a")}, environment,
                                  home(), kWritten),
              IsEmpty())
      << "nothing needs it";
}

TEST(SourceFiles, AreNeverTheAgentsToChoose) {
  for (const char* source :
       {"file:/home/u/.config/ci/token", "file:/home/u/dot", "json:/home/u/.config/ci/token#/a",
        "file:/home/u/absent", "command:cat /home/u/project/token", "env:A"}) {
    EXPECT_TRUE(check_source_files({with_source(source)}, {"HOME=/home/u"}, home(), kWritten))
        << source;
  }
  for (const char* source :
       {"file:/home/u/project/token", "file:/home/u/project/absent", "file:/home/u/project/planted",
        "file:/home/u/through", "json:/home/u/project/token#/a", "json:/home/u/through#/a"}) {
    const auto checked =
        check_source_files({with_source(source)}, {"HOME=/home/u"}, home(), kWritten);
    ASSERT_FALSE(checked) << source;
    EXPECT_EQ(checked.error().code(), Errc::kInvalidMount);
    EXPECT_THAT(checked.error().what(), HasSubstr("p.yaml:3:1: the credential key: "));
    EXPECT_TRUE(check_source_files({with_source(source)}, {"HOME=/home/u"}, home(), {}))
        << "control: " << source;
  }
}

TEST(SourceFiles, NorAreThoseThatAreShownInside) {
  CredentialProfile credential = with_source("env:A");
  credential.expose_file = {"/home/u/.config/ci/token", "/home/u/through"};
  EXPECT_FALSE(check_source_files({credential}, {"HOME=/home/u"}, home(), kWritten));
  EXPECT_TRUE(check_source_files({credential}, {"HOME=/home/u"}, home(), {})) << "control";
}

TEST(SourcePaths, AreAbsoluteForTheProxy) {
  const auto absolute = with_absolute_paths(
      {with_source("file:~/a"), with_source("json:~/b#/c"), with_source("command:cat ~/a")},
      "/home/u");
  EXPECT_EQ(absolute[0].source, "file:/home/u/a");
  EXPECT_EQ(absolute[1].source, "json:/home/u/b#/c");
  EXPECT_EQ(absolute[2].source, "command:cat ~/a") << "the shell's business";
}

TEST(SourceVariables, AreThoseThatSourcesAreReadFrom) {
  EXPECT_THAT(source_variable_names({with_source("env:A"), with_source("file:/a")}),
              ElementsAre("A"));
  EXPECT_THAT(source_variable_names({with_source("vault:a/b#c")}),
              ElementsAre("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT", "HOME"));
}

CredentialProfile aws(std::string source) {
  CredentialProfile out = with_source(std::move(source));
  out.type = CredentialType::kAws;
  out.services = {"s3"};
  return out;
}

TEST(SourceFiles, OfAnAwsProfileAreWhereTheHostsVariablesSay) {
  FakeFiles files = home();
  files.directory("/home/u/.aws").file("/home/u/.aws/credentials").file("/home/u/.aws/config");
  const auto profile = aws("aws-profile:work");
  EXPECT_TRUE(check_source_files({profile}, {"HOME=/home/u"}, files, kWritten));
  for (const char* variable :
       {"AWS_CONFIG_FILE=/home/u/project/token", "AWS_SHARED_CREDENTIALS_FILE=~/project/token"}) {
    const auto checked = check_source_files({profile}, {"HOME=/home/u", variable}, files, kWritten);
    ASSERT_FALSE(checked) << variable;
    EXPECT_THAT(checked.error().what(), HasSubstr("what a box may write"));
  }
  EXPECT_FALSE(check_source_files({profile}, {"HOME=/home/u"}, files, {"/home/u/.aws"}))
      << "a box may write the profile itself";
}

TEST(SourceVariables, OfAwsAreItsOwn) {
  EXPECT_THAT(held_variable_names({aws("env:")}),
              ElementsAre("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"));
  EXPECT_THAT(held_variable_names({aws("aws-profile:work")}), IsEmpty());
  EXPECT_THAT(source_variable_names({aws("aws-profile:work")}),
              ElementsAre("HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE",
                          "AWS_ENDPOINT_URL_SSO"));
  const std::vector<std::string> environment = {"HOME=/home/u", "AWS_ACCESS_KEY_ID=id",
                                                "PATH=/usr/bin"};
  EXPECT_THAT(
      command_environment({aws("aws-profile:work"), aws("env:")}, environment, home(), kWritten),
      ElementsAre("HOME=/home/u", "PATH=/usr/bin"))
      << "a credential_process gets no other credential";
}

}  // namespace
}  // namespace redoubtful::cli
