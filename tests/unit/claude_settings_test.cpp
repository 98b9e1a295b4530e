#include "cli/claude_settings.hpp"

#include <gtest/gtest.h>

namespace redoubtful::cli {
namespace {

using Names = std::vector<std::string>;

Names texts(const std::vector<Sourced<HostRule>>& rules) {
  Names out;
  for (const auto& rule : rules) out.push_back(rule.value.text);
  return out;
}

TEST(ClaudeSettings, DomainsAndDeniedPathsAreTakenOver) {
  const auto out = claude_settings(
      R"j({"sandbox": {"network": {"allowedDomains": ["github.com", "*.npmjs.org"], "deniedDomains": ["evil.example"]},
                      "filesystem": {"denyRead": ["secrets/", "~/.ssh", "/etc/x"]}},
          "permissions": {"deny": ["Read(./.env)", "Read(**/*.pem)", "Read(~/.aws/**)", "Read(//etc/x)", "Bash(rm:*)",
                                   "Read", "WebFetch"]}})j",
      "~/.claude/settings.json");
  EXPECT_EQ(texts(out.layer.allow), (Names{"github.com", "*.npmjs.org"}));
  EXPECT_EQ(texts(out.layer.deny), (Names{"evil.example"}));
  Names hide;
  for (const auto& glob : out.layer.hide) hide.push_back(glob.value);
  EXPECT_EQ(hide, (Names{".env", "**/*.pem", "secrets/"}));
  EXPECT_EQ(out.layer.allow[0].origin.text(),
            "~/.claude/settings.json (sandbox.network.allowedDomains)");
  EXPECT_TRUE(out.notes.empty());
}

TEST(ClaudeSettings, NothingWiderComesFromWhatIsMisunderstood) {
  const auto bad = claude_settings(
      R"({"sandbox": {"network": {"allowedDomains": ["*", "*.com", "a b", 5, "https://x.example/path"]}}})",
      "f");
  EXPECT_TRUE(bad.layer.allow.empty());
  EXPECT_EQ(bad.notes.size(), 4U);
  for (const char* text :
       {"", "[]", "{", "{\"sandbox\": 1}", "{\"permissions\": {\"deny\": \"x\"}}"}) {
    const auto out = claude_settings(text, "f");
    EXPECT_TRUE(out.layer.allow.empty() && out.layer.hide.empty()) << text;
  }
}

}  // namespace
}  // namespace redoubtful::cli
