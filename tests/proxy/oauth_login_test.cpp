// What login files say, what is asked, what comes back, and the file's new text. Source of the
// shapes: the programs themselves (common/oauth_grant.hpp).

#include "proxy/oauth_login.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "proxy/base64.hpp"

namespace redoubtful::proxy {
namespace {

using std::chrono::sys_seconds;
using testing::HasSubstr;
using testing::Not;

constexpr sys_seconds kNow{std::chrono::seconds(1'800'000'000)};

OauthGrant known(std::string_view name) { return grant_named(name)->make(); }

std::string web_token(const std::string& claims) {
  return to_base64(R"({"alg":"RS256"})", Base64::kUrl) + "." + to_base64(claims, Base64::kUrl) +
         "." + to_base64(std::string(64, 's'), Base64::kUrl);
}

const std::string& claude_file() {
  static const std::string text =
      R"({"mcpOAuth":{"srv|1":{"accessToken":"theirs"}},"claudeAiOauth":{"accessToken":"sk-ant-oat01-A",)"
      R"("refreshToken":"sk-ant-ort01-R","expiresAt":1800000100000,"scopes":["user:inference","user:profile"],)"
      R"("subscriptionType":"max","later":{"than":1.5}},"organizationUuid":"o-1"})";
  return text;
}

std::string codex_file(const std::string& account = "acc-1") {
  const std::string id = web_token(R"({"sub":"auth0|1","https://api.openai.com/auth":)"
                                   R"({"chatgpt_account_id":")" +
                                   account + R"("}})");
  return R"({"auth_mode":"chatgpt","OPENAI_API_KEY":null,"last_refresh":"2026-11-01T00:00:00Z","tokens":)"
         R"({"access_token":")" +
         web_token(R"({"exp":1800000060})") + R"(","refresh_token":"rt_R","id_token":")" + id +
         R"(","account_id":")" + account + R"("}})";
}

TEST(OauthLogin, ReadsWhatClaudeWrites) {
  const auto login = parse_login(claude_file(), "/claudeAiOauth", known("claude"));
  ASSERT_TRUE(login) << login.error().what();
  EXPECT_EQ(login->access_token, "sk-ant-oat01-A");
  EXPECT_EQ(login->refresh_token, "sk-ant-ort01-R");
  EXPECT_EQ(login->scope, "user:inference user:profile");
  EXPECT_EQ(login->client_id, "9d1c250a-e61b-44d9-88ed-5944d1962f5e");
  EXPECT_EQ(login->expires, kNow + std::chrono::seconds(100));
  EXPECT_EQ(grant_request(known("claude"), *login),
            R"({"grant_type":"refresh_token","refresh_token":"sk-ant-ort01-R",)"
            R"("client_id":"9d1c250a-e61b-44d9-88ed-5944d1962f5e",)"
            R"("scope":"user:inference user:profile"})");
}

TEST(OauthLogin, TheFilesOwnClientIdComesFirst) {
  const auto login = parse_login(
      R"({"a":{"accessToken":"t","refreshToken":"r","clientId":"mine"}})", "/a", known("claude"));
  EXPECT_EQ(login.value().client_id, "mine");
}

TEST(OauthLogin, ReadsWhatCodexWrites) {
  const auto login = parse_login(codex_file(), "", known("codex"));
  ASSERT_TRUE(login) << login.error().what();
  EXPECT_EQ(login->refresh_token, "rt_R");
  EXPECT_EQ(login->account, "acc-1");
  EXPECT_EQ(login->expires, kNow + std::chrono::seconds(60)) << "its access token says so";
  EXPECT_EQ(grant_request(known("codex"), *login),
            R"({"grant_type":"refresh_token","refresh_token":"rt_R",)"
            R"("client_id":"app_EMoamEEZ73f0CkXaXp7hrann"})");
}

TEST(OauthLogin, ReadsWhatGeminiWrites) {
  const auto login = parse_login(
      R"({"access_token":"ya29.a","refresh_token":"1//r+s","expiry_date":1800000000123,"scope":"x y",)"
      R"("token_type":"Bearer"})",
      "", known("gemini"));
  ASSERT_TRUE(login) << login.error().what();
  EXPECT_EQ(login->expires, kNow);
  const std::string body = grant_request(known("gemini"), *login);
  EXPECT_THAT(
      body,
      HasSubstr("grant_type=refresh_token&refresh_token=1%2F%2Fr%2Bs&client_id=681255809395-"));
  EXPECT_THAT(body, HasSubstr("&client_secret="));
}

TEST(OauthLogin, SaysWhatIsMissingAndNoValue) {
  const auto grant = known("claude");
  for (const std::string text :
       {R"({})", R"({"claudeAiOauth":null})", R"({"claudeAiOauth":"sk-ant-oat01-A"})",
        R"({"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}})",
        R"({"claudeAiOauth":{"accessToken":"sk-ant oat01","refreshToken":"r"}})",
        R"({"claudeAiOauth":{"accessToken":"sk-ant-oat01-A")", R"([1])", ""}) {
    const auto login = parse_login(text, "/claudeAiOauth", grant);
    ASSERT_FALSE(login) << text;
    EXPECT_THAT(login.error().what(), Not(HasSubstr("oat01"))) << text;
  }
}

TEST(OauthLogin, KeepsWhatTheGrantDoesNotName) {
  GrantedTokens granted;
  granted.access_token = "sk-ant-oat01-B";
  granted.refresh_token = "sk-ant-ort01-S";
  granted.expires = kNow + std::chrono::hours(8);
  const auto text = login_with(claude_file(), "/claudeAiOauth", known("claude"), granted, kNow);
  ASSERT_TRUE(text) << text.error().what();
  auto wanted = boost::json::parse(claude_file());
  auto& login = wanted.at("claudeAiOauth").as_object();
  login["accessToken"] = "sk-ant-oat01-B";
  login["refreshToken"] = "sk-ant-ort01-S";
  login["expiresAt"] = 1800028800000;
  EXPECT_EQ(boost::json::parse(*text), wanted) << *text;
}

// It would be written as a word, which is no JSON, and nobody could log in with the file any more.
TEST(OauthLogin, ANumberThatCannotBeWrittenAgainIsRefused) {
  const OauthGrant grant = grant_named("gemini")->make();
  for (const char* number : {"1e400", "-1.5e+380"}) {
    const std::string file =
        R"({"access_token":"a","refresh_token":"r","other":)" + std::string(number) + "}";
    const auto read = parse_login(file, "", grant);
    ASSERT_FALSE(read) << number;
    EXPECT_NE(read.error().what().find("a number is too large (line 1"), std::string::npos)
        << read.error().what();
  }
  EXPECT_TRUE(parse_login(R"({"access_token":"a","refresh_token":"r","other":1e300})", "", grant));
}

TEST(OauthLogin, KeepsTheOldRefreshTokenWhereThereIsNoNewOne) {
  GrantedTokens granted;
  granted.access_token = "new";
  const auto text = login_with(codex_file(), "", known("codex"), granted, kNow);
  ASSERT_TRUE(text) << text.error().what();
  auto wanted = boost::json::parse(codex_file());
  wanted.at("tokens").as_object()["access_token"] = "new";
  wanted.as_object()["last_refresh"] = "2027-01-15T08:00:00Z";
  EXPECT_EQ(boost::json::parse(*text), wanted) << *text;
}

TEST(OauthLogin, InsideItEndsInAFarFutureAndHasNoRefreshToken) {
  auto text = login_without_end(claude_file(), "/claudeAiOauth", known("claude"), kNow);
  ASSERT_TRUE(text) << text.error().what();
  auto wanted = boost::json::parse(claude_file());
  wanted.at("claudeAiOauth").as_object()["expiresAt"] = 4102444800000;
  wanted.at("claudeAiOauth").as_object().erase("refreshToken");
  EXPECT_EQ(boost::json::parse(*text), wanted) << *text;
  text = login_without_end(codex_file(), "", known("codex"), kNow);
  EXPECT_THAT(text.value(), HasSubstr("rt_R")) << "Codex takes a file without one for no login";
}

TEST(OauthLogin, ReadsAnswers) {
  const auto good = parse_grant_answer(
      200, R"({"access_token":"A","refresh_token":"R","expires_in":3600,"token_type":"Bearer"})",
      kNow);
  ASSERT_TRUE(good) << good.error().what();
  EXPECT_EQ(good->access_token, "A");
  EXPECT_EQ(good->refresh_token, "R");
  EXPECT_EQ(good->expires, kNow + std::chrono::hours(1));
  const auto from_token = parse_grant_answer(
      200, R"({"access_token":")" + web_token(R"({"exp":1800000777})") + R"("})", kNow);
  EXPECT_EQ(from_token.value().expires, kNow + std::chrono::seconds(777));
}

TEST(OauthLogin, TellsARevokedLoginFromATroubledEndpoint) {
  struct Case {
    unsigned status;
    const char* body;
    Errc code;
    const char* says;
  };
  for (const auto& one : std::vector<Case>{
           {400, R"({"error":"invalid_grant","error_description":"R was used"})",
            Errc::kInvalidSecret, "invalid_grant"},
           {401, R"({"error":{"code":"refresh_token_reused","message":"R"}})", Errc::kInvalidSecret,
            "refresh_token_reused"},
           {400, R"({"error":"invalid_client"})", Errc::kPeerProtocol, "invalid_client"},
           {400, R"({"error":"R <b>"})", Errc::kPeerProtocol, "status 400"},
           {500, R"({"error":"invalid_grant"})", Errc::kPeerProtocol, "status 500"},
           {429, "", Errc::kPeerProtocol, "status 429"},
           {200, "<html>", Errc::kPeerProtocol, "no JSON"},
           {200, R"(["R"])", Errc::kPeerProtocol, "no JSON object"},
           {200, R"({"access_token":""})", Errc::kPeerProtocol, "no access token"},
           {200, R"({"access_token":"a b"})", Errc::kPeerProtocol, "no access token"},
           {200, R"({"access_token":"A","refresh_token":"R)", Errc::kPeerProtocol, "no JSON"}}) {
    const auto answer = parse_grant_answer(one.status, one.body, kNow);
    ASSERT_FALSE(answer) << one.body;
    EXPECT_EQ(answer.error().code(), one.code) << one.body;
    EXPECT_THAT(answer.error().what(), HasSubstr(one.says));
    EXPECT_THAT(answer.error().what(), Not(HasSubstr("was used")));
  }
}

TEST(OauthLogin, KnowsAnotherAccountsAnswer) {
  const auto login = parse_login(codex_file(), "", known("codex"));
  GrantedTokens granted;
  EXPECT_TRUE(same_account(login.value(), granted)) << "which says nothing";
  granted.id_token = web_token(R"({"sub":"auth0|2"})");
  EXPECT_FALSE(same_account(*login, granted));
  granted.id_token = login->id_token;
  EXPECT_TRUE(same_account(*login, granted));
}

TEST(OauthGrant, IsKnownByTheEndOfTheSourceAlone) {
  EXPECT_EQ(grant_of_source("json:~/.claude/.credentials.json#/claudeAiOauth")->name, "claude");
  EXPECT_EQ(grant_of_source("json:/home/u/.codex/auth.json#")->name, "codex");
  EXPECT_EQ(grant_of_source("json:~/.gemini/oauth_creds.json#")->name, "gemini");
  // Somebody else's token is sent to no endpoint that was guessed.
  for (const char* other : {"json:~/.other/.credentials.json#/claudeAiOauth", "json:~/auth.json#",
                            "json:~/.codex/auth.json#/tokens", "json:~/x.codex/auth.json#"}) {
    EXPECT_EQ(grant_of_source(other), nullptr) << other;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
