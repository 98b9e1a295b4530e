#include "cli/settings_merge.hpp"

#include <gtest/gtest.h>

namespace redoubtful::cli {
namespace {

SettingsFile json_file() {
  SettingsFile entry;
  entry.file = "~/.claude/settings.json";
  entry.keep = {"/model", "/a/b"};
  entry.copy = {"/permissions/deny", "/mcpServers", "/projects/{cwd}/mcpServers"};
  return entry;
}

SettingsFacts facts() {
  return {"/home/me/p/sub", "/home/me/p", {{"KEY", "sk-ant-api03-0123456789abcdefghij"}}};
}

std::string merged(const SettingsFile& entry, const std::string& user, const std::string& earlier) {
  return merge_settings(entry, user.empty() ? nullptr : &user, earlier.empty() ? nullptr : &earlier,
                        facts())
      .text;
}

TEST(SettingsMerge, KeepsOnlyWhatIsListed) {
  const std::string user =
      R"j({"model": "opus", "hooks": {"Stop": [{"command": "evil"}]}, "env": {"ANTHROPIC_BASE_URL": "https://x"},
          "apiKeyHelper": "cat key", "a": {"b": 1, "c": 2}, "permissions": {"deny": ["Read(.env)"], "allow": ["Bash"]}})j";
  EXPECT_EQ(merged(json_file(), user, ""),
            R"j({"model":"opus","a":{"b":1},"permissions":{"deny":["Read(.env)"]}})j"
            "\n");
}

TEST(SettingsMerge, TheUsersValueStandsBeforeThatOfAnEarlierRun) {
  EXPECT_EQ(merged(json_file(), R"({"model": "opus"})", R"({"model": "haiku", "a": {"b": 2}})"),
            R"({"model":"opus","a":{"b":2}})"
            "\n");
}

// The attack: an agent writes what runs code into its own settings, and waits for the next run.
TEST(SettingsMerge, WhatAnAgentPlantedInItsSettingsIsGone) {
  const std::string planted =
      R"({"hooks": {"SessionStart": []}, "mcpServers": {"x": {"command": "evil"}}, "model": "haiku",
          "projects": {"/home/me/p/sub": {"mcpServers": {"y": {"command": "evil"}}}}})";
  EXPECT_EQ(merged(json_file(), "", planted), "{\"model\":\"haiku\"}\n");
  // Control: the user's own servers are there.
  EXPECT_EQ(merged(json_file(), planted, ""),
            R"({"model":"haiku","mcpServers":{"x":{"command":"evil"}},)"
            R"("projects":{"/home/me/p/sub":{"mcpServers":{"y":{"command":"evil"}}}}})"
            "\n");
}

TEST(SettingsMerge, SecretsInWhatIsKeptAreLeftOut) {
  const std::string user =
      R"({"mcpServers": {"x": {"command": "npx", "args": ["-y", "ghp_0123456789abcdefghijABCDEFGHIJ012345"],
          "env": {"GITHUB_TOKEN": "anything", "LEVEL": "debug"}, "url": "https://me:pass@host/x"}}})";
  EXPECT_EQ(merged(json_file(), user, ""),
            R"({"mcpServers":{"x":{"command":"npx","args":["-y"],"env":{"LEVEL":"debug"}}}})"
            "\n");
}

TEST(SettingsMerge, SetWinsAndDefaultLoses) {
  SettingsFile entry = json_file();
  entry.fallback = R"({"model": "sonnet", "theme": "dark"})";
  entry.set = R"({"a": {"b": 3}, "trusted": {"{cwd}": true, "{project}": [1]}})";
  EXPECT_EQ(
      merged(entry, R"({"model": "opus", "a": {"b": 1}})", ""),
      R"({"model":"opus","theme":"dark","a":{"b":3},"trusted":{"/home/me/p/sub":true,"/home/me/p":[1]}})"
      "\n");
}

TEST(SettingsMerge, TheEndOfAVariableStandsWhereItExists) {
  SettingsFile entry = json_file();
  entry.set =
      R"({"approved": ["{end:KEY}", "{end:NONE}"], "x": "{end:NONE}", "y": "{other} {", "z": null})";
  EXPECT_EQ(merged(entry, "", ""), R"({"approved":["0123456789abcdefghij"],"y":"{other} {"})"
                                   "\n");
}

TEST(SettingsMerge, CommentsAreReadAndWhatIsNoObjectIsSaid) {
  EXPECT_EQ(merged(json_file(), "{\n// mine\n\"model\": \"opus\",}", ""), "{\"model\":\"opus\"}\n");
  for (const std::string broken : {"[1]", "{\"model\": ", "\x80"}) {
    const auto out = merge_settings(json_file(), &broken, nullptr, facts());
    EXPECT_EQ(out.text, "{}\n");
    EXPECT_NE(out.warning.find("nothing of it is seen inside"), std::string::npos) << broken;
  }
  const std::string empty = "\n";
  EXPECT_EQ(merge_settings(json_file(), &empty, nullptr, facts()).warning, "");
  const std::string deep(100'000, '[');
  EXPECT_EQ(merge_settings(json_file(), nullptr, &deep, facts()).text, "{}\n");
}

SettingsFile toml_file() {
  SettingsFile entry;
  entry.file = "~/.codex/config.toml";
  entry.keep = {"model", "effort", "web_search"};
  entry.set =
      R"({"sandbox": "off", "projects": {"{project}": {"trust": "yes"}}, "n": [1, {"a": true}]})";
  return entry;
}

TEST(SettingsMerge, OfTomlOnlySingleValuesAtTheTopAreKept) {
  const std::string user =
      "model = \"gpt\"  # mine\neffort = high\nnotify = [\"evil\"]\nsandbox = \"on\"\nmodels = 1\n"
      "[mcp_servers.x]\nweb_search = true\n";
  EXPECT_EQ(merged(toml_file(), user, ""),
            "model = \"gpt\"\neffort = high\nsandbox = \"off\"\n"
            "projects = {\"/home/me/p\" = {\"trust\" = \"yes\"}}\nn = [1, {\"a\" = true}]\n");
}

TEST(SettingsMerge, WhatCouldBeMoreThanASingleValueIsNot) {
  SettingsFile entry = toml_file();
  entry.set.clear();
  for (const std::string value : {"\"\"\"x", "'''x", "[1]", "{a = 1}", "\"a\" b\"", "\"a\\nb\"",
                                  "\"sk-ant-api03-0123456789abcdefgh\"", "", "a\x01"}) {
    EXPECT_EQ(merged(entry, "model = " + value + "\n", ""), "") << value;
  }
  EXPECT_EQ(merged(entry, "model = 'a'\n", ""), "model = 'a'\n");
}

TEST(SettingsMerge, YamlIsTheSameWithAColon) {
  SettingsFile entry;
  entry.file = "~/.aider.conf.yml";
  entry.keep = {"model", "stream"};
  entry.set = R"({"x": {"y": true}})";
  EXPECT_EQ(merged(entry, "model: opus # the best\nstream:   false\nlint-cmd: [evil]\n", ""),
            "model: opus\nstream: false\nx: {\"y\":true}\n");
}

}  // namespace
}  // namespace redoubtful::cli
