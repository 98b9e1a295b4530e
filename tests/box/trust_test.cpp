// Whom programs inside trust: the host's own roots and this session's authority, wherever they
// look.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kHostBundle = "/etc/ssl/certs/ca-certificates.crt";

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What a file is inside.
std::string inside(const World& world, const std::string& path,
                   std::vector<std::string> options = {}) {
  const Outcome outcome = world.run({.options = std::move(options), .command = {"/bin/cat", path}});
  EXPECT_EQ(outcome.status, 0) << path << ": " << outcome.err;
  return outcome.out;
}

std::ptrdiff_t certificates_in(const std::string& pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  std::ptrdiff_t count = 0;
  for (std::size_t at = pem.find(kBegin); at != std::string::npos; at = pem.find(kBegin, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Trust, TheBundleHoldsTheHostsRootsAndOneMore) {
  const World world;
  const std::string host = content(kHostBundle);
  ASSERT_GT(certificates_in(host), 0) << "ca-certificates belongs to the tests' packages";
  const Outcome outcome = world.run(
      {.command = {"/bin/sh", "-c",
                   "cat /etc/redoubtful/ca.pem > ca; cat /etc/redoubtful/ca-bundle.pem > bundle; "
                   "cat /etc/ssl/certs/ca-certificates.crt > system"}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string ca = content(world.project() / "ca");
  const std::string bundle = content(world.project() / "bundle");
  EXPECT_EQ(certificates_in(ca), 1);
  EXPECT_EQ(certificates_in(bundle), certificates_in(host) + 1);
  EXPECT_THAT(bundle, StartsWith(host));
  EXPECT_THAT(bundle, ::testing::EndsWith(ca));
  EXPECT_EQ(content(world.project() / "system"), bundle) << "for programs that read no variable";
  EXPECT_EQ(content(kHostBundle), host) << "outside nothing changed";
}

TEST(Trust, EachSessionHasAnAuthorityOfItsOwn) {
  const World world;
  EXPECT_NE(inside(world, "/etc/redoubtful/ca.pem"), inside(world, "/etc/redoubtful/ca.pem"));
}

TEST(Trust, EveryVariableNamesAFileThatIsThere) {
  const World world;
  const Outcome outcome = world.run(
      {.command = {"/bin/bash", "-c",
                   "for v in SSL_CERT_FILE NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE "
                   "GIT_SSL_CAINFO CARGO_HTTP_CAINFO PIP_CERT DENO_CERT AWS_CA_BUNDLE "
                   "CODEX_CA_CERTIFICATE npm_config_cafile BUNDLE_SSL_CA_CERT "
                   "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH; do\n"
                   "  echo $v $(grep -c BEGIN \"${!v}\") $( (echo x >> \"${!v}\") 2>&1 | "
                   "grep -o 'Read-only file system\\|Permission denied'); done"}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto roots = certificates_in(content(kHostBundle)) + 1;
  std::istringstream lines(outcome.out);
  int seen = 0;
  for (std::string variable, count, why; lines >> variable >> count && std::getline(lines, why);) {
    ++seen;
    EXPECT_EQ(count, variable == "NODE_EXTRA_CA_CERTS" ? "1" : std::to_string(roots)) << variable;
    EXPECT_NE(why, "") << variable << " can be written";
  }
  EXPECT_EQ(seen, 13);
}

TEST(Trust, AVariableOfTheUsersIsKept) {
  const World world;
  const Outcome outcome = world.run({.options = {"-e", "SSL_CERT_FILE=/mine.pem"},
                                     .command = {"/usr/bin/printenv", "SSL_CERT_FILE"}});
  EXPECT_EQ(outcome.out, "/mine.pem\n");
}

TEST(Trust, JavaReadsItsStore) {
  const World world;
  const Outcome outcome = world.run(
      {.command = {"/bin/sh", "-c",
                   "head -c 4 /etc/redoubtful/truststore.jks | od -An -tx1; echo "
                   "$JAVA_TOOL_OPTIONS; ! command -v keytool >/dev/null || keytool -list -keystore "
                   "/etc/redoubtful/truststore.jks -storepass changeit 2>&1 | "
                   "grep -c trustedCertEntry"}});
  EXPECT_THAT(outcome.out, StartsWith(" fe ed fe ed\n"));
  EXPECT_THAT(outcome.out, HasSubstr("trustStore=/etc/redoubtful/truststore.jks"));
  if (fs::exists("/usr/bin/keytool")) {
    const auto roots = std::to_string(certificates_in(content(kHostBundle)) + 1);
    EXPECT_THAT(outcome.out, ::testing::EndsWith("\n" + roots + "\n"));
  }
}

TEST(Trust, ThePolicyCanBeReadInsideAndAsked) {
  const World world;
  const WebOrigin origin("x");
  const Outcome outcome = world.run(
      bash("cat /etc/redoubtful/policy; fetch redoubtful.internal 80; echo $REDOUBTFUL_NETWORK "
           "$REDOUBTFUL_ALLOWED_HOSTS",
           {"-u", web_profile(world, origin), "--deny", "no.example"}));
  EXPECT_THAT(outcome.out,
              ::testing::AllOf(HasSubstr("http://web.example"), HasSubstr("no.example"),
                               HasSubstr("filtered http://web.example\n")));
}

}  // namespace
}  // namespace redoubtful::test
