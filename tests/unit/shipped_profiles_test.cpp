#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"
#include "cli/profile_store.hpp"
#include "common/secret_look.hpp"
#include "tests/unit/temporary_tree.hpp"

// What every file in profiles/ must be.

namespace redoubtful::cli {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> shipped() {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(REDOUBTFUL_SOURCE_DIR "/profiles")) {
    if (entry.path().extension() != ".yaml") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    files[entry.path().stem().string()] = text.str();
  }
  return files;
}

TEST(ShippedProfiles, AreThoseOfTheDesign) {
  const auto files = shipped();
  for (const auto* name :
       {"base", "git", "node", "python", "rust", "go", "java", "agent", "claude", "opencode",
        "codex", "gemini", "pi", "aider", "copilot", "cursor-agent", "goose", "llama", "nested"}) {
    EXPECT_TRUE(files.contains(name)) << name;
  }
}

TEST(ShippedProfiles, LoadAndDescribeThemselves) {
  for (const auto& [name, text] : shipped()) {
    const auto layer = load_layer(text, name, name + ".yaml");
    ASSERT_TRUE(layer) << layer.error().what();
    EXPECT_FALSE(layer->description.empty()) << name;
  }
}

TEST(ShippedProfiles, ComposeWithEachOther) {
  const TemporaryTree tree;
  Places places = tree.places();
  places.builtin_profiles = REDOUBTFUL_SOURCE_DIR "/profiles";
  Selection selection;
  for (const auto& [name, text] : shipped()) selection.use.push_back(name);
  const auto all = compose(places, selection);
  ASSERT_TRUE(all) << all.error().what();
  for (const auto& name : selection.use) {
    Selection one;
    one.use = {name};
    EXPECT_TRUE(compose(places, one)) << name;
  }
}

// A value that opens something: an item of a list below one of these keys, or a scalar.
TEST(ShippedProfiles, SayWhyOnEveryLineThatGrantsSomething) {
  for (const auto& [name, text] : shipped()) {
    const auto layer = load_layer(text, name, name + ".yaml").value();
    std::vector<Origin> grants;
    for (const auto& mount : layer.mounts) grants.push_back(mount.origin);
    for (const auto* list : {&layer.path, &layer.pass, &layer.arguments}) {
      for (const auto& value : *list) grants.push_back(value.origin);
    }
    for (const auto* list : {&layer.allow, &layer.ask}) {
      for (const auto& rule : *list) grants.push_back(rule.origin);
    }
    for (const auto* list : {&layer.forward, &layer.publish}) {
      for (const auto& port : *list) grants.push_back(port.origin);
    }
    for (const auto& variable : layer.set) grants.push_back(variable.origin);
    if (layer.nested) grants.push_back(layer.nested->origin);
    if (layer.look_at_project) grants.push_back(layer.look_at_project->origin);
    for (const auto& settings : layer.settings) grants.push_back(settings.origin);
    for (const auto& credential : layer.credentials) grants.push_back(credential.origin);
    if (layer.home) grants.push_back(layer.home->origin);
    if (layer.cwd) grants.push_back(layer.cwd->origin);
    if (layer.mode) grants.push_back(layer.mode->origin);
    std::vector<std::string> lines{""};
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    for (const auto& origin : grants) {
      const std::string& line = lines.at(static_cast<std::size_t>(origin.line));
      const std::size_t mark = line.find(" # ");
      EXPECT_TRUE(mark != std::string::npos ? line.size() > mark + 6
                                            : line.find(" #  ") != line.npos)
          << origin.text() << ": " << line;
    }
  }
}

TEST(ShippedProfiles, ClaimOnlyTheCommandTheyAreNamedAfter) {
  for (const auto& [name, text] : shipped()) {
    for (const auto& command : load_layer(text, name, name).value().commands) {
      EXPECT_EQ(command.value, name) << "ProfileStore::claiming would not find it";
    }
  }
}

TEST(ShippedProfiles, MountNothingThatHoldsACredentialOrIsWritable) {
  constexpr std::array kSecret{".ssh",
                               ".aws",
                               ".netrc",
                               ".npmrc",
                               ".pypirc",
                               ".m2",
                               ".gnupg",
                               ".docker",
                               ".kube",
                               ".config/gh",
                               ".cargo/credentials",
                               ".gradle",
                               ".git-credentials"};
  for (const auto& [name, text] : shipped()) {
    for (const auto& mount : load_layer(text, name, name).value().mounts) {
      EXPECT_EQ(mount.mode, MountMode::kReadOnly) << mount.path;
      EXPECT_TRUE(mount.optional) << mount.path;
      for (const auto* secret : kSecret) {
        EXPECT_FALSE(mount.path.starts_with(std::string("~/") + secret)) << mount.path;
      }
      for (const auto* whole : {"~/.config", "~/.local", "~/.cargo", "~/.cache"}) {
        EXPECT_NE(mount.path, whole);
      }
    }
  }
}

// A key that is not there must not keep an agent from starting, and another's -s takes its place.
TEST(ShippedProfiles, CredentialsAreOptionalAndNamedAsTheirVariable) {
  for (const auto& [name, text] : shipped()) {
    for (const auto& credential : load_layer(text, name, name).value().credentials) {
      EXPECT_TRUE(credential.optional) << name << " " << credential.name;
      for (const auto& variable : credential.expose_env) {
        EXPECT_EQ(variable, credential.name) << name << ": -s " << variable << "=... would clash";
        EXPECT_EQ("env:" + variable, credential.source) << name;
      }
    }
  }
}

// What an agent wrote into its own settings in one run must not run in the next.
TEST(ShippedProfiles, KeepNothingThatRunsOfWhatAnAgentWrote) {
  constexpr std::array kRuns{"hook",     "mcp",       "plugin", "extension", "command",
                             "notify",   "helper",    "env",    "url",       "allow",
                             "provider", "formatter", "lsp",    "shell",     "server"};
  for (const auto& [name, text] : shipped()) {
    for (const auto& settings : load_layer(text, name, name).value().settings) {
      for (const auto& kept : settings.keep) {
        const std::string lower = lower_case(kept);
        for (const auto* word : kRuns) {
          // "defaultProvider", "GOOSE_PROVIDER": the name of one.
          if (word == std::string_view("provider") && lower.ends_with("provider")) continue;
          EXPECT_EQ(lower.find(word), std::string::npos)
              << name << " " << settings.file << " " << kept;
        }
      }
    }
  }
}

TEST(ShippedProfiles, AnAgentsHomeOutlivesTheRun) {
  const TemporaryTree tree;
  Places places = tree.places();
  places.builtin_profiles = REDOUBTFUL_SOURCE_DIR "/profiles";
  for (const auto* name : {"claude", "opencode", "codex", "gemini", "pi", "aider", "copilot",
                           "cursor-agent", "goose"}) {
    Selection selection;
    selection.command = {name};
    selection.directory = tree.directory("project");
    const auto composition = compose(places, selection);
    ASSERT_TRUE(composition) << composition.error().what();
    EXPECT_EQ(composition->profile.filesystem.home.value, HomeMode::kPersistent) << name;
    EXPECT_TRUE(composition->look) << name;
    EXPECT_FALSE(composition->profile.credentials.empty()) << name;
  }
}

TEST(ShippedProfiles, BaseOpensNothing) {
  const auto base = load_layer(shipped().at("base"), "base", "base.yaml").value();
  EXPECT_TRUE(base.allow.empty() && base.ask.empty() && base.forward.empty() &&
              base.publish.empty());
  EXPECT_TRUE(base.mounts.empty() && base.path.empty());
  EXPECT_EQ(base.home->value, HomeMode::kTmpfs);
  EXPECT_EQ(base.mode->value, NetworkMode::kFiltered);
  EXPECT_FALSE(base.limits.memory_bytes || base.limits.processes || base.limits.time);
}

}  // namespace
}  // namespace redoubtful::cli
