#include "proxy/source_reader.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proxy/command_source.hpp"

namespace redoubtful::proxy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kReal = "S3cretS3cretS3cretS3cretS3cret";

class SourceReaderTest : public ::testing::Test {
 protected:
  SourceReaderTest() {
    char name[] = "/tmp/redoubtful-source-XXXXXX";
    top_ = ::mkdtemp(name);
  }
  ~SourceReaderTest() override { fs::remove_all(top_); }

  std::string file(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const std::string path = top_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  Result<std::string> read(const std::string& source, std::vector<std::string> words = {}) {
    CredentialProfile credential;
    credential.source = source;
    credential.command = std::move(words);
    return SourceReader(variables_, commands_).read(credential);
  }

  struct Row {
    std::string source;
    Errc code;
    std::string words;
  };
  void refuses(const std::vector<Row>& rows) {
    for (const auto& [source, code, words] : rows) {
      const auto value = read(source);
      ASSERT_FALSE(value) << source;
      EXPECT_EQ(value.error().code(), code) << source << ": " << value.error().what();
      EXPECT_THAT(value.error().what(), HasSubstr(words)) << source;
      EXPECT_THAT(value.error().what() + value.error().hint(), Not(HasSubstr("S3cret"))) << source;
      EXPECT_EQ(value.error().what().find('\n'), std::string::npos) << source;
    }
  }

  std::string top_;
  std::vector<control::NamedValue> variables_ = {{"KEY", kReal}, {"EMPTY", ""}};
  std::vector<std::string> commands_ = {"PATH=/usr/bin:/bin", "HOME=/h"};
};

TEST_F(SourceReaderTest, ReadsWhatIsThere) {
  const std::string json =
      R"({"a":{"token":")" + std::string(kReal) + R"("},"list":[1,{"b/c":"x y"}],"n":5})";
  const std::string path = file("login.json", json);
  const std::pair<std::string, std::string> rows[] = {
      {"env:KEY", kReal},
      {"file:" + file("plain", kReal), kReal},
      {"file:" + file("newline", std::string(kReal) + "\n"), kReal},
      {"file:" + file("dos", std::string(kReal) + "\r\n"), kReal},
      {"file:" + file("read-only", kReal, 0400), kReal},
      {"json:" + path + "#/a/token", kReal},
      {"json:" + path + "#/list/1/b~1c", "x y"},
      {"command:printf %s S3cret", "S3cret"},
      {"command:echo one; echo two", "one\ntwo"},
      {"command:echo fine; echo noise >&2", "fine"},
  };
  for (const auto& [source, expected] : rows) {
    const auto value = read(source);
    ASSERT_TRUE(value) << source << ": " << value.error().what();
    EXPECT_EQ(*value, expected) << source;
  }
  EXPECT_EQ(read("command:", {"/bin/echo", "a b", "$HOME"}).value(), "a b $HOME") << "no shell";
  EXPECT_EQ(read("command:", {"echo", "found"}).value(), "found") << "by PATH";
}

TEST_F(SourceReaderTest, FindsTheHomeWhereTheProxyStandsAlone) {
  file("token", kReal);
  EXPECT_FALSE(read("file:~/token")) << "nobody says where that is";
  variables_.push_back({"HOME", top_});
  EXPECT_EQ(read("file:~/token").value(), kReal);
}

TEST_F(SourceReaderTest, FollowsALinkOfTheUsersOwn) {
  const std::string path = file("real", kReal);
  fs::create_symlink(path, top_ + "/link");
  EXPECT_EQ(read("file:" + top_ + "/link").value(), kReal);
}

// What an optional credential goes on without.
TEST_F(SourceReaderTest, SaysWhatIsAbsent) {
  const std::string json = file("login.json", R"({"a":{"token":"","n":null}})");
  refuses({
      {"env:NO", Errc::kInvalidProfile, "NO is not set"},
      {"env:EMPTY", Errc::kInvalidProfile, "EMPTY is not set"},
      {"file:" + top_ + "/no", Errc::kInvalidProfile, "does not exist"},
      {"file:" + file("empty", ""), Errc::kInvalidProfile, "is empty"},
      {"file:" + file("newline", "\n"), Errc::kInvalidProfile, "is empty"},
      {"json:" + top_ + "/no#/a", Errc::kInvalidProfile, "does not exist"},
      {"json:" + json + "#/b", Errc::kInvalidProfile, "has nothing at \"/b\""},
      {"json:" + json + "#/a/n", Errc::kInvalidProfile, "has nothing at \"/a/n\""},
      {"json:" + json + "#/a/token", Errc::kInvalidProfile, "has an empty text"},
      {"command:exit 3", Errc::kInvalidProfile, "the command: ended with status 3"},
      {"command:echo S3cret; echo why not >&2; exit 1", Errc::kInvalidProfile, "\"why not\""},
      {"command:kill -9 $$", Errc::kInvalidProfile, "status 137"},
      {"command:true", Errc::kInvalidProfile, "prints nothing"},
      {"command:/no/such/program", Errc::kInvalidProfile, "status 127"},
      {"vault:secret/a#b", Errc::kInvalidProfile, "VAULT_ADDR is not set"},
      {"keyring:nonsense", Errc::kInvalidProfile, "the form is keyring:"},
  });
}

// What is an error whether it is optional or not.
TEST_F(SourceReaderTest, RefusesWhatMustNotBeUsed) {
  ASSERT_EQ(::mkfifo((top_ + "/fifo").c_str(), 0600), 0);
  const std::string value = kReal;
  refuses({
      {"file:" + file("group", value, 0640), Errc::kInvalidSecret, "read or written by others"},
      {"file:" + file("other", value, 0604), Errc::kInvalidSecret, "read or written by others"},
      {"file:" + file("written", value, 0620), Errc::kInvalidSecret, "read or written by others"},
      {"file:" + top_, Errc::kInvalidSecret, "not a regular file"},
      {"file:" + top_ + "/fifo", Errc::kInvalidSecret, "not a regular file"},
      {"file:/dev/zero", Errc::kInvalidSecret, "not a regular file"},
      {"file:" + file("long", std::string(2'000'000, 'x')), Errc::kInvalidSecret, "long"},
      {"json:" + file("group.json", "{}", 0640) + "#/a", Errc::kInvalidSecret, "by others"},
      {"json:" + file("bad.json", "{\"a\": \"S3cret\", oh}") + "#/a", Errc::kInvalidSecret,
       "not JSON"},
      {"json:" + file("twice.json", R"({"a":"S3cret","a":"b"})") + "#/a", Errc::kInvalidSecret,
       "stands twice"},
      {"json:" + file("n.json", R"({"a":5,"b":{}})") + "#/a", Errc::kInvalidSecret, "has no text"},
      {"command:yes S3cret", Errc::kInvalidSecret, "prints more than 64 KiB"},
      {"aws-profile:default", Errc::kNotYet, "not of this version"},
  });
}

TEST_F(SourceReaderTest, AnErrorLineThatRepeatsTheValueIsNotShown) {
  const auto value = read("command:echo S3cretS3cret; echo got S3cretS3cret >&2; exit 1");
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().what(), Not(HasSubstr("S3cret")));
}

TEST_F(SourceReaderTest, ACommandHasTheRootForADirectoryAndOnlyItsOwnEnvironment) {
  EXPECT_EQ(read("command:pwd").value(), "/");
  EXPECT_EQ(read("command:env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | sort | tr '\\n' ' '").value(),
            "HOME=/h PATH=/usr/bin:/bin ");
  const UniqueFd inherited(::dup(2));  // as the control channel is: not close-on-exec
  EXPECT_EQ(read("command:ls /proc/self/fd | grep -c -v '^[012]$'").value(), "1") << "ls's own";
  EXPECT_EQ(read("command:cat; echo over").value(), "over") << "standard input is empty";
}

TEST_F(SourceReaderTest, ACommandThatDoesNotEndIsEndedWithAllItStarted) {
  const std::string lock = top_ + "/lock";
  const auto begun = std::chrono::steady_clock::now();
  const auto value =
      run_source_command({shell_words("flock " + lock + " sleep 100 & sleep 100"), commands_},
                         std::chrono::milliseconds(500));
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().what(), HasSubstr("took longer"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_EQ(read("command:flock -w 8 " + lock + " echo free").value(), "free");
  const auto daemon = run_source_command({shell_words("echo out; (sleep 100) & exit 0"), commands_},
                                         std::chrono::seconds(9));
  EXPECT_EQ(daemon.value(), "out") << "one that keeps the pipe open does not hold us up";
}

}  // namespace
}  // namespace redoubtful::proxy
