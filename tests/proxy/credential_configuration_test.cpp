// What the proxy refuses of a credential's JSON, whoever wrote it.

#include <gmock/gmock.h>

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
        R"("command":["a"],"expose":{"env":[],"file":["/h/.npmrc"]})"}) {
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
  };
  for (const auto& [more, words] : refused) {
    const auto read = with(more);
    ASSERT_FALSE(read) << more;
    EXPECT_THAT(read.error().what(), HasSubstr(words)) << more;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
