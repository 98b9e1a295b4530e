// What the proxy refuses of a credential's JSON, whoever wrote it.

#include <gmock/gmock.h>

#include <array>

#include "proxy/configuration.hpp"

namespace redoubtful::proxy {
namespace {

using testing::HasSubstr;

Result<Configuration> with(const std::string& more) {
  return parse_configuration(
      R"({"version":1,"credentials":[{"name":"k","source":"env:K","hosts":["a.example"],)" + more +
      "}]}");
}

TEST(CredentialConfiguration, ReadsWhatIsWellFormed) {
  for (const char* more :
       {R"("exclusive":true)", R"("replace_in":[])", R"("replace_in":null,"attach":null)",
        R"("replace_in":[{"surface":"header","name":"","method":"","path":""}])",
        R"("replace_in":[{"surface":"body","name":"t","method":"POST","path":"/x"}])",
        R"("attach":{"header":"Authorization","value":"Bearer {}"})",
        R"("command":["a"],"expose":{"env":[],"file":["/h/.npmrc"]})",
        R"("type":"value","services":[])",
        R"("type":"aws","services":["s3","ecr:GetAuthorizationToken"])"}) {
    const auto read = with(more);
    EXPECT_TRUE(read) << more << read.error().what();
  }
}

TEST(CredentialConfiguration, RefusesWhatIsNot) {
  const std::pair<const char*, const char*> refused[] = {
      {R"("exclusive":"true")", "exclusive"},
      {R"("exclusive":true,"optional":true)", "exclusive and optional"},
      {R"("replace_in":{})", "replace_in"},
      {R"("replace_in":["header"])", "replace_in[0]"},
      {R"("replace_in":[{"surface":"heder","name":"","method":"","path":""}])", "not a surface"},
      {R"("replace_in":[{"surface":"header","name":"X","method":"","path":""}])", "does not fit"},
      {R"("replace_in":[{"surface":"query","name":"","method":"","path":""}])", "does not fit"},
      {R"("replace_in":[{"surface":"named-header","name":"A B","method":"","path":""}])",
       "header field"},
      {R"("replace_in":[{"surface":"body","name":"t","method":"POST","path":""}])",
       "method and path"},
      {R"("replace_in":[{"surface":"body","name":"t","method":"","path":"/x"}])",
       "method and path"},
      {R"("attach":{"header":"A: b","value":"{}"})", "header field"},
      {R"("attach":{"header":"A","value":"x"})", "does not hold"},
      {R"("attach":{"header":"A","value":"{}\r\nB: c"})", "does not hold"},
      {R"("attach":{"header":"A"})", "attach"},
      {R"("command":"a")", "command"},
      {R"("expose":{"files":[]})", "unknown key"},
      {R"("surfaces":[])", "unknown key"},
      {R"("type":"azure")", "is no type"},
      {R"("type":"aws")", "services"},
      {R"("type":"aws","services":[])", "services"},
      {R"("services":["s3"])", "services"},
      {R"("type":"aws","services":["s 3"])", "is no AWS service"},
      {R"("type":"aws","services":["s3"],"attach":{"header":"A","value":"{}"})", "no meaning"},
      {R"("type":"aws","services":["s3"],"expose":{"env":["A"]})", "expose"},
  };
  for (const auto& [more, words] : refused) {
    const auto read = with(more);
    ASSERT_FALSE(read) << more;
    EXPECT_THAT(read.error().what(), HasSubstr(words)) << more;
  }
}

// As show --json prints it; `change` is put in the place of what it names.
std::string login(std::string_view key = {}, std::string_view value = {}) {
  std::string out =
      R"("source":"json:/h/l.json#","type":"oauth","refresh":{"endpoint":"https://login.example/token",)"
      R"("client_id":"c","client_id_at":"","client_secret":"","client_secret_at":"","access_token":"/a",)"
      R"("refresh_token":"/r","id_token":"","account":"","expires":"","refreshed":"","scope":"",)"
      R"("body":"form","expires_as":"seconds","lock":"none","shows_refresh_token":false})";
  if (key.empty()) return out;
  const std::size_t at = out.find("\"" + std::string(key) + "\":") + key.size() + 3;
  const std::size_t end = out.find_first_of(",}", at);
  return out.replace(at, end - at, value);
}

Result<Configuration> with_login(const std::string& login) {
  return parse_configuration(R"({"version":1,"credentials":[{"name":"k","hosts":["a.example"],)" +
                             login + "}]}");
}

TEST(CredentialConfiguration, ReadsHowALoginIsRenewed) {
  const auto read = with_login(login());
  ASSERT_TRUE(read) << read.error().what();
  const auto& grant = read->credentials.at(0).refresh;
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->endpoint, "https://login.example/token");
  EXPECT_EQ(grant->access_token, "/a");
  for (const auto& [key, value, words] : std::vector<std::array<const char*, 3>>{
           {"endpoint", R"("http://127.0.0.1/token")", "https://"},
           {"endpoint", R"("https://login.example")", "with a path"},
           {"client_id", R"("")", "client_id"},
           {"access_token", R"("a")", "no JSON pointer"},
           {"refresh_token", R"("")", "where the tokens stand"},
           {"body", R"("xml")", "no form of a body"},
           {"expires_as", R"("days")", "no form of a time"},
           {"lock", "null", "lock"},
           {"shows_refresh_token", "1", "shows_refresh_token"},
           {"source", R"("env:K")", "json:FILE#/pointer"},
           {"type", R"("value")", "does not fit the type"},
           {"refresh", R"(null,"unused":{"a":1)", "unknown key"}}) {
    const auto refused = with_login(login(key, value));
    ASSERT_FALSE(refused) << key << value;
    EXPECT_THAT(refused.error().what(), HasSubstr(words)) << key << value;
  }
}

TEST(CredentialConfiguration, KeysOfAwsShareNoHostWithWhatIsNotSigned) {
  const auto both = [](const char* type, const char* host, const char* origins) {
    return parse_configuration(
        R"({"version":1,"network":{"origins":[)" + std::string(origins) +
        R"(]},"credentials":[{"name":"k","source":"env:K","hosts":["a.example"]},)" +
        R"({"name":"c","source":"env:","type":")" + type +
        (std::string_view(type) == "aws" ? R"(","services":["s3"])" : "\"") + R"(,"hosts":[")" +
        host + R"("]}]})");
  };
  EXPECT_TRUE(both("aws", "b.example", "")) << "control";
  EXPECT_TRUE(both("value", "a.example", "")) << "control";
  EXPECT_THAT(both("aws", "a.example", "").error().what(), HasSubstr("which signs"));
  const char* gateway = R"({"host":"b.example","via":"https://gateway.corp"})";
  EXPECT_TRUE(both("value", "b.example", gateway)) << "control";
  EXPECT_THAT(both("aws", "b.example", gateway).error().what(), HasSubstr("gateway"));
}

}  // namespace
}  // namespace redoubtful::proxy
