// S7: however many renew a login at once, its endpoint is asked once, and no token is lost.

#include "proxy/login_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "proxy/login_lock.hpp"
#include "proxy/sigv4_key.hpp"

namespace redoubtful::proxy {
namespace {

using std::chrono::sys_seconds;
using testing::HasSubstr;
using testing::Not;

constexpr sys_seconds kNow{std::chrono::seconds(1'800'000'000)};

// A login file, and an endpoint whose refresh tokens are good once: a second use revokes all.
class Login : public testing::Test {
 protected:
  Login() : place_("/tmp/redoubtful-login-XXXXXX") {
    EXPECT_NE(::mkdtemp(place_.data()), nullptr);
    std::filesystem::create_directory(place_ + "/.claude");
    file_ = place_ + "/.claude/.credentials.json";
    put(text("A0", "R0"));
  }
  ~Login() override {
    std::filesystem::permissions(place_ + "/.claude", std::filesystem::perms::owner_all);
    std::filesystem::remove_all(place_);
  }

  static std::string text(const std::string& access, const std::string& refresh) {
    return R"({"other":1,"claudeAiOauth":{"accessToken":")" + access + R"(","refreshToken":")" +
           refresh + R"(","expiresAt":)" + "1800009000000" + R"(,"unknown":[1,2]}})";
  }
  void put(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(file_, std::ios::trunc) << text;
    ::chmod(file_.c_str(), mode);
  }
  std::string got() const {
    std::ostringstream out;
    out << std::ifstream(file_).rdbuf();
    return out.str();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& one : std::filesystem::directory_iterator(place_ + "/.claude")) {
      out.push_back(one.path().filename());
    }
    return out;
  }

  KeptLogin kept(const std::string& access = "A0",
                 sys_seconds expires = kNow + std::chrono::hours(2)) const {
    return {"claude-login",     file_, "/claudeAiOauth", grant_named("claude")->make(),
            sha256_hex(access), {},    expires};
  }
  LoginKeeper keeper(const std::string& access = "A0") {
    return LoginKeeper(
        kept(access),
        [this](const OauthGrant&, const std::string& body, const std::function<void()>& beat) {
          return asked(body, beat);
        },
        [this] { return now_; });
  }
  Result<WebAnswer> asked(const std::string& body, const std::function<void()>& beat) {
    const int number = ++asked_;
    beat();
    if (meanwhile_) meanwhile_();
    if (!answer_.body.empty()) return answer_;
    const std::string expected = "\"R" + std::to_string(number - 1) + "\"";
    if (body.find(expected) == std::string::npos) revoked_ = true;
    if (revoked_) return WebAnswer{400, R"({"error":"invalid_grant"})"};
    return WebAnswer{200, R"({"access_token":"A)" + std::to_string(number) +
                              R"(","refresh_token":"R)" + std::to_string(number) +
                              R"(","expires_in":3600})"};
  }

  std::string place_;
  std::string file_;
  sys_seconds now_ = kNow;
  std::atomic<int> asked_ = 0;
  std::atomic<bool> revoked_ = false;
  std::function<void()> meanwhile_;
  WebAnswer answer_{};
};

TEST_F(Login, IsRenewedAndWrittenBackWithAllThatIsUnknown) {
  put(text("A0", "R0"), 0400);
  put(text("A0", "R0"), 0600);
  auto fresh = keeper().renew();
  ASSERT_TRUE(fresh) << fresh.error().what();
  EXPECT_EQ(fresh->access_token, "A1");
  EXPECT_TRUE(fresh->ours);
  EXPECT_EQ(fresh->unwritten, "");
  EXPECT_EQ(got(), R"({"other":1,"claudeAiOauth":{"accessToken":"A1","refreshToken":"R1",)"
                   R"("expiresAt":1800003600000,"unknown":[1,2]}})"
                   "\n");
  struct stat facts {};
  ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0600U);
  EXPECT_EQ(names(), std::vector<std::string>{".credentials.json"}) << "nothing is left beside it";
  EXPECT_FALSE(std::filesystem::exists(place_ + "/.claude.lock"));
}

TEST_F(Login, FiftyAtOnceAskOnce) {
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < 50; ++i) {
    all.emplace_back([&] {
      auto fresh = keeper().renew();
      if (fresh && fresh->access_token == "A1") ++good;
    });
  }
  for (auto& one : all) one.join();
  EXPECT_EQ(good, 50);
  EXPECT_EQ(asked_, 1);
  EXPECT_FALSE(revoked_);
  EXPECT_THAT(got(), HasSubstr("\"R1\""));
}

TEST_F(Login, ControlWithoutTheLockTheSecondUseWouldRevokeIt) {
  asked(R"("R0")", [] {});
  const auto second = asked(R"("R0")", [] {});
  EXPECT_EQ(second.value().status, 400u);
}

TEST_F(Login, WhatSomebodyElseHasRenewedIsTaken) {
  put(text("A9", "R9"));
  auto fresh = keeper().renew();
  ASSERT_TRUE(fresh) << fresh.error().what();
  EXPECT_EQ(fresh->access_token, "A9");
  EXPECT_FALSE(fresh->ours);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Login, WaitsForTheProgramsOwnLockAndTakesWhatItHasWritten) {
  const auto locks = claude_locks(file_);
  ASSERT_EQ(locks, (std::vector<std::string>{place_ + "/.claude/.oauth_refresh.lock",
                                             place_ + "/.claude.lock"}));
  ASSERT_EQ(::mkdir(locks[1].c_str(), 0755), 0);
  std::thread host([&] {
    // Ours is there: it waits for the second.
    while (!std::filesystem::exists(locks[0])) std::this_thread::yield();
    put(text("A8", "R8"));
    ::rmdir(locks[1].c_str());
  });
  auto fresh = keeper().renew();
  host.join();
  ASSERT_TRUE(fresh) << fresh.error().what();
  EXPECT_EQ(fresh->access_token, "A8");
  EXPECT_EQ(asked_, 0);
}

TEST_F(Login, ALockThatADeadProcessLeftIsTakenOver) {
  const auto locks = claude_locks(file_);
  ASSERT_EQ(::mkdir(locks[0].c_str(), 0755), 0);
  const timespec old[2] = {{.tv_sec = 1000, .tv_nsec = 0}, {.tv_sec = 1000, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, locks[0].c_str(), old, 0), 0);
  EXPECT_TRUE(keeper().renew());
  EXPECT_EQ(asked_, 1);
}

TEST_F(Login, HoldsTheProgramsLockWhileItAsks) {
  bool held = false;
  meanwhile_ = [&] {
    held = std::filesystem::exists(claude_locks(file_)[0]) &&
           std::filesystem::exists(claude_locks(file_)[1]);
  };
  EXPECT_TRUE(keeper().renew());
  EXPECT_TRUE(held);
}

TEST_F(Login, ALoginThatSomebodyMakesMeanwhileStays) {
  meanwhile_ = [this] { put(text("A7", "R7")); };
  auto fresh = keeper().renew();
  ASSERT_TRUE(fresh) << fresh.error().what();
  EXPECT_EQ(fresh->access_token, "A7");
  EXPECT_EQ(got(), text("A7", "R7"));
}

TEST_F(Login, ARevokedOneIsAskedForOnceAndANewOneIsFound) {
  answer_ = {400, R"({"error":"invalid_grant"})"};
  auto keeper = this->keeper();
  for (int i = 0; i < 3; ++i) {
    auto refused = keeper.renew();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what(), HasSubstr("no longer good"));
    EXPECT_THAT(refused.error().hint(), HasSubstr("log in again"));
  }
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(got(), text("A0", "R0")) << "and stays what it was";
  put(text("A5", "R5"));
  EXPECT_EQ(keeper.renew().value().access_token, "A5");
}

TEST_F(Login, ATroubledEndpointLosesNothing) {
  for (const auto& answer : std::vector<WebAnswer>{
           {500, "oh"}, {200, "{\"access_token\":"}, {200, "<html></html>"}, {429, "{}"}}) {
    answer_ = answer;
    auto failed = keeper().renew();
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().what(), Not(HasSubstr("R0")));
    EXPECT_EQ(got(), text("A0", "R0"));
  }
  answer_ = {};
  asked_ = 0;
  EXPECT_TRUE(keeper().renew()) << "control: the same login, renewed";
}

TEST_F(Login, WhereItCannotBeWrittenNobodyIsAsked) {
  if (::geteuid() == 0) {
    // Root may write whatever its mode: a directory in its place is nothing that can be read.
    std::filesystem::remove(file_);
    std::filesystem::create_directory(file_);
  } else {
    put(text("A0", "R0"), 0400);
    std::filesystem::permissions(place_ + "/.claude", std::filesystem::perms(0500));
  }
  const auto refused = keeper().renew();
  ASSERT_FALSE(refused);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Login, WhatCannotBeWrittenAfterwardsIsKeptUsedAndWrittenLater) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  meanwhile_ = [&] { ::setrlimit(RLIMIT_FSIZE, &none); };
  auto keeper = this->keeper();
  auto fresh = keeper.renew();
  const bool written = keeper.write_rest();
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(fresh) << fresh.error().what();
  EXPECT_EQ(fresh->access_token, "A1");
  EXPECT_NE(fresh->unwritten, "");
  EXPECT_FALSE(written);
  EXPECT_EQ(got(), text("A0", "R0")) << "the old text is whole";
  EXPECT_TRUE(keeper.write_rest());
  EXPECT_THAT(got(), HasSubstr("\"R1\""));
  EXPECT_EQ(asked_, 1);
}

TEST_F(Login, WhatIsLeftIsNotWrittenWhileSomebodyElseHasEitherLock) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  meanwhile_ = [&] { ::setrlimit(RLIMIT_FSIZE, &none); };
  auto keeper = this->keeper();
  auto fresh = keeper.renew();
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(fresh) << fresh.error().what();
  ASSERT_NE(fresh->unwritten, "");
  {
    const auto ours = lock_directory(place_ + "/.claude", std::chrono::seconds(1));
    ASSERT_TRUE(ours);
    EXPECT_FALSE(keeper.write_rest());
  }
  {
    const auto theirs = ProgramLock::take(LoginLock::kClaude, file_, std::chrono::seconds(1));
    ASSERT_TRUE(theirs);
    EXPECT_FALSE(keeper.write_rest());
  }
  EXPECT_EQ(got(), text("A0", "R0"));
  EXPECT_TRUE(keeper.write_rest());
  EXPECT_THAT(got(), HasSubstr("\"R1\""));
}

TEST_F(Login, AMountOfItsOwnIsWrittenInPlace) {
  // As there, another file cannot take its place: it has a second name.
  ASSERT_EQ(::link(file_.c_str(), (file_ + "2").c_str()), 0);
  EXPECT_TRUE(keeper().renew());
  std::ostringstream other;
  other << std::ifstream(file_ + "2").rdbuf();
  EXPECT_THAT(other.str(), HasSubstr("\"R1\""));
  EXPECT_EQ(other.str(), got());
}

TEST_F(Login, OneThatIsRefusedAlthoughItIsNewIsNotRenewedAgainAtOnce) {
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.renew());
  now_ += std::chrono::seconds(20);
  const auto again = keeper.renew();
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().what(), HasSubstr("renewed 20 s ago"));
  now_ += LoginKeeper::kBetween;
  EXPECT_EQ(keeper.renew().value().access_token, "A2");
}

TEST_F(Login, NearItsEndItIsRenewedHoweverNewItIs) {
  answer_ = {200, R"({"access_token":"A1","refresh_token":"R1","expires_in":60})"};
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.renew());
  now_ += std::chrono::seconds(45);
  answer_ = {};
  EXPECT_EQ(keeper.renew().value().access_token, "A2");
}

TEST_F(Login, AnotherAccountsLoginIsNotTaken) {
  KeptLogin codex = kept();
  codex.grant = grant_named("codex")->make();
  codex.pointer = "";
  codex.account = "acc-1";
  const auto of = [](const std::string& account) {
    return R"({"tokens":{"access_token":"B","refresh_token":"S","account_id":")" + account +
           R"("}})";
  };
  put(of("acc-2"));
  const auto ask = [this](const OauthGrant&, const std::string& body,
                          const std::function<void()>& beat) { return asked(body, beat); };
  const auto refused = LoginKeeper(codex, ask, [] { return kNow; }).renew();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what(), HasSubstr("another account"));
  put(of("acc-1"));
  EXPECT_EQ(LoginKeeper(codex, ask, [] { return kNow; }).renew().value().access_token, "B");
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace redoubtful::proxy
