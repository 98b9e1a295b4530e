#include "proxy/exposed_file.hpp"

#include <gmock/gmock.h>

#include "common/secret_look.hpp"
#include "proxy/base64.hpp"
#include "proxy/login_formats.hpp"

namespace redoubtful::proxy {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kReal = "npm_RealRealRealRealRealRealRealReal0000";
const std::string kFake = "npm_FakeFakeFakeFakeFakeFakeFakeFake1111";
// Another login of the user's, which the box must never see.
const std::string kOther = "hunter2hunter2";

LiveCredential live() {
  return {"npm", {*Host::parse("registry.example")}, *Secret::take(std::string(kReal)), kFake};
}

Result<std::string> exposed(const std::string& path, const std::string& host,
                            const std::string& pointer = {}) {
  const LiveCredential one = live();
  return exposed_text(path, &host, {{&one, pointer}});
}

std::string b64(const std::string& text) { return to_base64(text, Base64::kStandard); }

TEST(ExposedFile, HoldsTheSurrogateAndNoOtherLogin) {
  const struct {
    const char* path;
    std::string host;
    std::string inside;
  } rows[] = {
      {"/h/.npmrc",
       "; mine\n//registry.example/:_authToken=" + kReal +
           "\n//other.example/:_authToken=" + kOther + "\n#//x/:_authToken=" + kOther +
           "\nregistry = https://registry.example/\nalways-auth=true\n_password=\"" + kOther +
           "\"\n//a.example/:_auth=" + b64("u:" + kReal) + "\nemail=me@example.com\n",
       "//registry.example/:_authToken=" + kFake +
           "\nregistry=https://registry.example/\nalways-auth=true\n//a.example/:_auth=" +
           b64("u:" + kFake) + "\nemail=me@example.com\n"},
      {"/h/.npmrc", "//registry.example/:_authToken=${NPM_TOKEN}\nx=" + kReal + "\n",
       "//registry.example/:_authToken=${NPM_TOKEN}\nx=" + kFake + "\n"},
      {"/h/pip.conf",
       "[global]\nindex-url = https://u:" + kReal +
           "@registry.example/simple\n"
           "extra-index-url = https://u:" +
           kOther + "@other.example/simple\ntimeout = 5\n",
       "[global]\nindex-url=https://u:" + kFake + "@registry.example/simple\ntimeout=5\n"},
      {"/h/.aws/credentials",
       "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + kReal +
           "\n[work]\naws_secret_access_key = " + kOther + "\nregion = eu-west-1\n",
       "[default]\naws_secret_access_key=" + kFake + "\n[work]\nregion=eu-west-1\n"},
      {"/h/.netrc",
       "machine registry.example login me password " + kReal +
           "\nmachine other.example\n  login me\n"
           "  password " +
           kOther + "\ndefault login x password " + kOther + "\n",
       "machine registry.example\n  login me\n  password " + kFake + "\n"},
      {"/h/.netrc",
       "# password " + kOther + "\nmacdef init\npassword " + kOther + "\n\nmachine a password \"" +
           kReal + "\" account " + kOther + "\n",
       "machine a\n  password " + kFake + "\n"},
      {"/h/.config/gh/hosts.yml",
       "github.com:\n    users:\n        me:\n            oauth_token: " + kReal +
           "\n    oauth_token: \"" + kReal + "\"\n    user: me\n    # " + kOther +
           "\nother.example:\n    oauth_token: " + kOther + "\n    git_protocol: https\n",
       "github.com:\n    users:\n        me:\n            oauth_token: " + kFake +
           "\n    oauth_token: \"" + kFake +
           "\"\n    user: me\nother.example:\n"
           "    git_protocol: https\n"},
      {"/h/x.yaml",
       "a: " + kReal + "\nsecret: |\n  " + kOther + "\n  b: " + kOther + "\nc: {d: " + kOther +
           "}\nlist:\n  - name: x\n    token: " + kOther + "\n  - plain\n",
       "a: " + kFake + "\nlist:\n  - name: x\n  - plain\n"},
      {"/h/token", kReal + "\n", kFake + "\n"},
  };
  for (const auto& row : rows) {
    const auto text = exposed(row.path, row.host);
    ASSERT_TRUE(text) << row.path << ": " << text.error().what();
    EXPECT_EQ(*text, row.inside) << row.path;
    EXPECT_THAT(*text, Not(HasSubstr(kReal)));
    EXPECT_THAT(*text, Not(HasSubstr(kOther)));
  }
}

TEST(ExposedFile, OfJsonOnlyTheSubtreeAndItsSafeSiblings) {
  const std::string host = R"({"claudeAiOauth":{"accessToken":")" + kReal +
                           R"(","refreshToken":")" + kOther +
                           R"(","expiresAt":1700000000000,"scopes":["user:inference"],"max":true},)"
                           R"("mcpOAuth":{"x":{"name":")" +
                           kOther + R"("}},"n":null})";
  EXPECT_EQ(exposed("/h/.credentials.json", host, "/claudeAiOauth/accessToken").value(),
            R"({"claudeAiOauth":{"accessToken":")" + kFake +
                R"(","expiresAt":1700000000000,"scopes":["user:inference"],"max":true}})"
                "\n");
  const std::string docker = R"({"auths":{"registry.example":{"auth":")" + b64("me:" + kReal) +
                             R"("},"other.example":{"auth":")" + b64("me:" + kOther) +
                             R"("}},"credsStore":"desktop"})";
  EXPECT_EQ(exposed("/h/.docker/config.json", docker, "/auths/registry.example/auth").value(),
            R"({"auths":{"registry.example":{"auth":")" + b64("me:" + kFake) + "\"}}}\n");
  const auto whole = exposed("/h/.docker/config.json", docker).value();
  EXPECT_THAT(whole, HasSubstr(b64("me:" + kFake)));
  EXPECT_THAT(whole, Not(HasSubstr(b64("me:" + kOther))));
}

TEST(ExposedFile, IsMadeUpWhereTheHostHasNone) {
  const LiveCredential one = live();
  const auto made = [&](const std::string& path) {
    return exposed_text(path, nullptr, {{&one, {}}});
  };
  EXPECT_EQ(made("/h/.npmrc").value(), "//registry.example/:_authToken=" + kFake + "\n");
  EXPECT_EQ(made("/h/.netrc").value(),
            "machine registry.example\n  login x-access-token\n  password " + kFake + "\n");
  EXPECT_EQ(made("/h/.config/gh/hosts.yml").value(),
            "registry.example:\n    oauth_token: " + kFake + "\n    git_protocol: https\n");
  EXPECT_EQ(made("/h/.docker/config.json").value(), R"({"auths":{"registry.example":{"auth":")" +
                                                        b64("x-access-token:" + kFake) + "\"}}}\n");
  EXPECT_EQ(made("/h/token").value(), kFake + "\n");
  EXPECT_FALSE(made("/h/x.json"));
  EXPECT_FALSE(made("/h/.aws/credentials"));
}

TEST(ExposedFile, GetsAnEntryWhereTheHostsFileHasNone) {
  EXPECT_EQ(exposed("/h/.npmrc", "fund=false\n").value(),
            "fund=false\n//registry.example/:_authToken=" + kFake + "\n");
  for (const auto& [path, host] : {std::pair<const char*, std::string>{"/h/x.json", R"({"a":"b"})"},
                                   {"/h/x.json", "{\"a\": " + kOther},
                                   {"/h/unknown", "line one\n" + kReal + "\n"},
                                   {"/h/unknown", kOther}}) {
    const auto text = exposed(path, host);
    ASSERT_FALSE(text) << path << host;
    EXPECT_EQ(text.error().code(), Errc::kInvalidSecret);
    EXPECT_THAT(text.error().what() + text.error().hint(), Not(HasSubstr(kOther)));
    EXPECT_THAT(text.error().what() + text.error().hint(), Not(HasSubstr(kReal)));
  }
}

TEST(ExposedFile, TwoCredentialsShareOne) {
  const std::string other_fake = "glpat-FakeFakeFakeFake1111";
  const LiveCredential one = live();
  const LiveCredential two{"gitlab",
                           {*Host::parse("gitlab.example")},
                           *Secret::take("glpat-RealRealRealReal0000"),
                           other_fake};
  const std::string host = "//registry.example/:_authToken=" + kReal +
                           "\n//gitlab.example/:_authToken=glpat-RealRealRealReal0000\n";
  EXPECT_EQ(exposed_text("/h/.npmrc", &host, {{&one, {}}, {&two, {}}}).value(),
            "//registry.example/:_authToken=" + kFake +
                "\n//gitlab.example/:_authToken=" + other_fake + "\n");
}

TEST(LooksSecret, ByNameOrByLook) {
  for (const auto& [key, value] : {std::pair{"password", "1234"},
                                   {"_authToken", "x"},
                                   {"aws_session_token", "abc"},
                                   {"api_key", "abc"},
                                   {"auth", "abc"},
                                   {"x", "ghp_abcdefgh12345678"},
                                   {"x", "AKIAIOSFODNN7EXAMPLE"},
                                   {"x", "https://u:p@host/"},
                                   {"x", "a1b2c3d4e5f6g7h8i9j0"},
                                   {"refreshToken", "x"},
                                   {"Cookie", "a=b"},
                                   {"client_secret", "x"},
                                   {"x", "0f0e0d0c-1111-4222-8333-444455556666"},
                                   {"session_id", "0f0e0d0c-1111-4222-8333-444455556666"},
                                   {"account_id", "a1b2c3d4e5f6g7h8i9j0"},
                                   {"access_token", "2026-11-28T05:00:00Z"}}) {
    EXPECT_TRUE(looks_secret(key, value)) << key << value;
  }
  for (const auto& [key, value] : {std::pair{"registry", "https://registry.example/"},
                                   {"email", "me@example.com"},
                                   {"always-auth", "true"},
                                   {"password", ""},
                                   {"token", "${TOKEN}"},
                                   {"user", "me"},
                                   {"region", "eu-west-1"},
                                   {"git_protocol", "https"},
                                   {"scope", "user:inference"},
                                   {"account_id", "0f0e0d0c-1111-4222-8333-444455556666"},
                                   {"organizationUuid", "0f0e0d0c-1111-4222-8333-444455556666"},
                                   {"last_refresh", "2026-11-28T05:00:00.123456789Z"},
                                   {"at", "2026-11-28T05:00:00+01:00"},
                                   {"prefix", "/home/me/.npm-global/lib/node_modules/x1"}}) {
    EXPECT_FALSE(looks_secret(key, value)) << key << value;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
