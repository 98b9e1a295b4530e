// B8: the environment holds exactly what profile and flags named.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(B8, NothingComesInThatNobodyNamed) {
  const World world;
  const std::vector<std::string> host{"OPENAI_API_KEY=canary",
                                      "AWS_SECRET_ACCESS_KEY=canary",
                                      "SSH_AUTH_SOCK=/canary",
                                      "LD_LIBRARY_PATH=/canary",
                                      "BASH_ENV=/canary",
                                      "NODE_OPTIONS=--canary",
                                      "GIT_DIR=/canary",
                                      "DBUS_SESSION_BUS_ADDRESS=canary",
                                      "TMUX=canary",
                                      "PYTHONPATH=/canary",
                                      "LC_EVIL\n=canary",
                                      "REDOUBTFUL_NETWORK=canary",
                                      "WANTED=1"};
  const Outcome inside = world.run({.options = {"-e", "WANTED", "-e", "MADE=a b=c"},
                                    .command = {"/usr/bin/env"},
                                    .environment = host});
  ASSERT_EQ(inside.status, 0) << inside.err;
  EXPECT_EQ(inside.out.find("canary"), std::string::npos) << inside.out;
  const auto lines = lines_of(inside.out);
  const std::set<std::string> known{
      "HOME", "USER", "LOGNAME", "SHELL", "PATH", "REDOUBTFUL", "REDOUBTFUL_NETWORK",
      "REDOUBTFUL_ALLOWED_HOSTS", "TERM", "LANG", "WANTED", "MADE", "IS_SANDBOX",
      // the way out: cli/box_network, cli/trust_files
      "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
      "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
      "CARGO_HTTP_CAINFO", "PIP_CERT", "DENO_CERT", "AWS_CA_BUNDLE", "CODEX_CA_CERTIFICATE",
      "npm_config_cafile", "BUNDLE_SSL_CA_CERT", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
      "NODE_EXTRA_CA_CERTS", "JAVA_TOOL_OPTIONS",
      // pages that programs open: cli/browsers
      "BROWSER"};
  for (const std::string& line : lines) {
    EXPECT_TRUE(known.contains(line.substr(0, line.find('=')))) << line;
  }
  EXPECT_THAT(lines, Contains("WANTED=1"));
  EXPECT_THAT(lines, Contains("MADE=a b=c"));
  EXPECT_THAT(lines, Contains("REDOUBTFUL=1"));
  EXPECT_THAT(lines, Contains("HOME=" + world.home().string()));
  if (::getuid() == 0) {
    EXPECT_THAT(lines, Contains("IS_SANDBOX=1"));
  } else {
    EXPECT_THAT(lines, Not(Contains(StartsWith("IS_SANDBOX"))));
  }

  const Outcome outside = run(world.bare({.command = {"/usr/bin/env"}, .environment = host}));
  EXPECT_NE(outside.out.find("AWS_SECRET_ACCESS_KEY=canary"), std::string::npos)
      << "positive control";
}

}  // namespace
}  // namespace redoubtful::test
