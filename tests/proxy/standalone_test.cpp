// The command line and the files of a standalone proxy. What it serves is tried by
// tests/box/standalone_suite.py, for it confines its whole process.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/child_process.hpp"
#include "proxy/standalone_files.hpp"
#include "proxy/standalone_options.hpp"

namespace redoubtful::proxy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

using Words = std::vector<std::string_view>;

TEST(StandaloneOptions, SayWhereToListenAndWhatToWrite) {
  const auto plain = parse_standalone({"--config", "c.json"});
  ASSERT_TRUE(plain) << plain.error().what();
  EXPECT_EQ(plain->config, "c.json");
  ASSERT_TRUE(plain->listen);
  EXPECT_EQ(plain->listen->address().to_string(), "127.0.0.1");
  EXPECT_EQ(plain->listen->port(), 3128);
  EXPECT_FALSE(plain->redirected_tls || plain->redirected_http);
  EXPECT_EQ(plain->token_file + plain->ca_certificate + plain->environment_file + plain->audit, "");

  const auto all =
      parse_standalone({"--config=-", "--listen=[::1]:0", "--redirected-tls", "0.0.0.0:8443",
                        "--redirected-http", "127.0.0.1:8080", "--token-file", "-t",
                        "--ca-certificate=a=b.pem", "--environment-file", "e", "--audit", "-"});
  ASSERT_TRUE(all) << all.error().what();
  EXPECT_EQ(all->config, "-");
  EXPECT_EQ(all->listen->address().to_string(), "::1");
  EXPECT_EQ(all->listen->port(), 0);
  EXPECT_EQ(all->redirected_tls->port(), 8443);
  EXPECT_EQ(all->redirected_http->port(), 8080);
  EXPECT_EQ(all->token_file, "-t");
  EXPECT_EQ(all->ca_certificate, "a=b.pem");
  EXPECT_EQ(all->audit, "-");

  const auto redirected =
      parse_standalone({"--config", "c", "--listen", "none", "--redirected-tls", "127.0.0.1:1"});
  ASSERT_TRUE(redirected) << redirected.error().what();
  EXPECT_FALSE(redirected->listen);
}

TEST(StandaloneOptions, WhatIsNotOneIsRefusedByName) {
  struct Row {
    Words words;
    const char* says;
  };
  for (const auto& [words, says] : {
           Row{{}, "--config is missing"},
           {{"--listen", "127.0.0.1:1"}, "--config is missing"},
           {{"c.json"}, "unknown word \"c.json\""},
           {{"--config"}, "--config needs a value"},
           {{"--config="}, "--config needs a value"},
           {{"--config", ""}, "--config needs a value"},
           {{"--config", "--audit"}, "--config needs a value"},
           {{"--conifg", "c"}, "did you mean --config"},
           {{"--control", "3"}, "unknown word"},
           {{"--config", "c", "--config", "d"}, "stands there twice"},
           {{"--config", "c", "--listen", "none", "--listen", "[::1]:1"}, "stands there twice"},
           {{"--config", "c", "--listen", "none"}, "no other place"},
           {{"--config", "c", "--listen", "none", "--redirected-tls", "127.0.0.1:1", "--token-file",
             "t"},
            "--token-file is for the port of --listen"},
           {{"--config", "c", "--listen", "0.0.0.0:3128"}, "needs --token-file"},
           {{"--config", "c", "--listen", "[::]:3128"}, "needs --token-file"},
           {{"--config", "c", "--listen", "3128"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", ":3128"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "localhost:3128"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "127.0.0.1"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "127.0.0.1:"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "127.0.0.1:x"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "127.0.0.1:65536"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "127.0.0.1:-1"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "127.1:1"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "::1:3128"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--listen", "[127.0.0.1]:1"}, "not ADDRESS:PORT"},
           {{"--config", "c", "--redirected-tls", "none"}, "not ADDRESS:PORT"},
       }) {
    const auto refused = parse_standalone(words);
    ASSERT_FALSE(refused) << says;
    EXPECT_EQ(refused.error().code(), Errc::kUsage);
    EXPECT_THAT(refused.error().what(), HasSubstr(says));
    EXPECT_THAT(refused.error().hint(), HasSubstr("--help"));
  }
}

TEST(StandaloneOptions, EachOneIsInTheHelp) {
  for (const char* option :
       {"--config", "--listen", "--token-file", "--redirected-tls", "--redirected-http",
        "--ca-certificate", "--environment-file", "--audit"}) {
    EXPECT_THAT(std::string(standalone_help()), HasSubstr(std::string(option) + " "));
  }
}

class StandaloneFiles : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(top_.data()), nullptr); }
  void TearDown() override { fs::remove_all(top_); }

  std::string path(const std::string& name) const { return top_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path(name), std::ios::binary) << text;
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }
  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static mode_t mode_of(const std::string& file) {
    struct stat facts {};
    EXPECT_EQ(::stat(file.c_str(), &facts), 0) << file;
    return facts.st_mode & 07777;
  }

  std::string top_ = "/tmp/standalone-XXXXXX";
};

TEST_F(StandaloneFiles, ATokenIsReadOrMadeForItsOwnerAlone) {
  const std::string file = path("token");
  const mode_t before = ::umask(0);
  const auto made = read_or_make_token(file);
  ::umask(before);
  ASSERT_TRUE(made) << made.error().what();
  EXPECT_EQ(mode_of(file), 0600u);
  EXPECT_EQ(read(file), made->text() + "\n");
  const auto again = read_or_make_token(file);
  ASSERT_TRUE(again) << again.error().what();
  EXPECT_EQ(again->text(), made->text());
  EXPECT_EQ(read_or_make_token(write("given", "abcdefghijklmnop\n", 0400)).value().text(),
            "abcdefghijklmnop");
}

TEST_F(StandaloneFiles, ATokenThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0640, 0604, 0660, 0644, 0610, 0777}) {
    const auto refused = read_or_make_token(write("token", "abcdefghijklmnop\n", mode));
    ASSERT_FALSE(refused) << mode;
    EXPECT_EQ(exit_status(refused.error().code()), 78);
    EXPECT_THAT(refused.error().what(), HasSubstr("others may read it"));
    EXPECT_EQ(refused.error().hint(), "chmod 600 " + path("token"));
  }
}

TEST_F(StandaloneFiles, ATokenOfAnotherUserIsRefused) {
  if (::geteuid() != 0) return;  // who else could give a file away
  const auto file = write("token", "abcdefghijklmnop\n");
  ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  const auto refused = read_or_make_token(file);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what(), HasSubstr("belongs to another user"));
  EXPECT_EQ(refused.error().hint(), "chown 0 " + file);
}

TEST_F(StandaloneFiles, WhatIsNoTokenIsRefusedAndNotShown) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  for (const auto& file :
       {write("short", "secret\n"), write("empty", ""), write("two", "secretsecretsecret\nx\n"),
        write("long", std::string(5000, 's')), path("fifo"), top_, path("no/where")}) {
    const auto refused = read_or_make_token(file);
    ASSERT_FALSE(refused) << file;
    EXPECT_EQ(exit_status(refused.error().code()), 78) << refused.error().what();
    EXPECT_THAT(refused.error().what(), HasSubstr("--token-file"));
    EXPECT_THAT(refused.error().what(), HasSubstr(file));
    EXPECT_THAT(refused.error().what() + refused.error().hint(), Not(HasSubstr("secret")));
  }
}

TEST_F(StandaloneFiles, AConfigurationIsReadFromWhateverHasAnEnd) {
  EXPECT_EQ(read_config(write("c.json", "{}")).value(), "{}");
  // As in --config <(redoubtful show --json).
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  ASSERT_EQ(::write(to.get(), "{1}", 3), 3);
  to.reset();
  EXPECT_EQ(read_config("/dev/fd/" + std::to_string(from.get())).value(), "{1}");
  struct Row {
    std::string file;
    const char* says;
  };
  for (const auto& [file, says] : {Row{path("absent"), "No such file"}, Row{top_, "Is a directory"},
                                   Row{"/dev/zero", "too large"}}) {
    const auto refused = read_config(file);
    ASSERT_FALSE(refused) << file;
    EXPECT_EQ(exit_status(refused.error().code()), 78);
    EXPECT_THAT(refused.error().what(), HasSubstr("--config \"" + file + "\": "));
    EXPECT_THAT(refused.error().what(), HasSubstr(says));
  }
  EXPECT_THAT(read_config(path("absent")).error().hint(), HasSubstr("redoubtful show --json"));
}

TEST_F(StandaloneFiles, WhatIsWrittenReplacesTheFileAsAWhole) {
  const auto file = write("ca.pem", "old", 0600);
  ASSERT_TRUE(write_for_clients("--ca-certificate", file, "new", 0644));
  EXPECT_EQ(read(file), "new");
  EXPECT_EQ(mode_of(file), 0644u);
  // A link that somebody put there is replaced, and what it leads to is left alone.
  const auto other = write("other", "untouched");
  ASSERT_EQ(::symlink(other.c_str(), path("link").c_str()), 0);
  ASSERT_TRUE(write_for_clients("--environment-file", path("link"), "A=b\n", 0600));
  EXPECT_EQ(read(other), "untouched");
  EXPECT_FALSE(fs::is_symlink(path("link")));
  for (const auto& place : {path("no/ca.pem"), top_ + "/", top_ + "/..", file + "/x"}) {
    const auto refused = write_for_clients("--ca-certificate", place, "new", 0644);
    ASSERT_FALSE(refused) << place;
    EXPECT_EQ(exit_status(refused.error().code()), 78);
    EXPECT_THAT(refused.error().what(), HasSubstr("--ca-certificate \"" + place + "\": "));
  }
}

TEST_F(StandaloneFiles, AnAuditLogIsAppendedTo) {
  const auto file = write("audit", "before\n");
  ASSERT_EQ(::write(open_audit(file).value().get(), "after\n", 6), 6);
  EXPECT_EQ(read(file), "before\nafter\n");
  const mode_t before = ::umask(0);
  ASSERT_TRUE(open_audit(path("made")));
  ::umask(before);
  EXPECT_EQ(mode_of(path("made")), 0600u);
  EXPECT_GT(open_audit("-").value().get(), 2);
  EXPECT_EQ(exit_status(open_audit(top_).error().code()), 78);
}

// In a process of its own, which is started with the secret as a real one is.
TEST(StandaloneEnvironment, WhatWasTakenIsNoLongerShownByProc) {
  const char* self = "/proc/self/exe";
  if (std::getenv("STANDALONE_TEST_SECRET") == nullptr) {
    auto child = ChildProcess::fork([&]() -> int {
      const char* words[] = {self, "--gtest_filter=StandaloneEnvironment.*", nullptr};
      const char* environment[] = {"PATH=/usr/bin:/bin", "STANDALONE_TEST_SECRET=very-secret",
                                   "EMPTY=", nullptr};
      ::execve(self, const_cast<char**>(words), const_cast<char**>(environment));
      return 127;
    });
    ASSERT_TRUE(child);
    EXPECT_EQ(shell_status(child->wait()), 0);
    return;
  }
  const auto shown = [] {
    std::ifstream in("/proc/self/environ", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  ASSERT_THAT(shown(), HasSubstr("very-secret"));
  const auto taken = take_environment();
  EXPECT_THAT(shown(), Not(HasSubstr("very-secret")));
  EXPECT_EQ(shown().find_first_not_of('\0'), std::string::npos);
  EXPECT_EQ(std::getenv("STANDALONE_TEST_SECRET"), nullptr);
  std::map<std::string, std::string> values;
  for (const auto& value : taken) values[value.name] = value.value;
  EXPECT_EQ(values["STANDALONE_TEST_SECRET"], "very-secret");
  EXPECT_EQ(values["PATH"], "/usr/bin:/bin");
  EXPECT_EQ(values["EMPTY"], "");
}

}  // namespace
}  // namespace redoubtful::proxy
