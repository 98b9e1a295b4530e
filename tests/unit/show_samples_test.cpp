#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/flags.hpp"
#include "cli/layers.hpp"
#include "cli/show.hpp"
#include "tests/unit/temporary_tree.hpp"

// tests/proxy/configurations/*.json are what `show --json` prints; the proxy's own tests read them.
// Here it is seen that they still are, but for shipped.json, which need not follow every edit of
// profiles/. With REDOUBTFUL_WRITE_SAMPLES=1 in the environment this test writes them anew.

namespace redoubtful::cli {
namespace {

namespace fs = std::filesystem;

const std::string kSamples = REDOUBTFUL_SOURCE_DIR "/tests/proxy/configurations";

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

struct Sample {
  std::string name;
  std::vector<std::string> use;
  FlagTexts flags;
};

std::vector<Sample> samples() {
  std::vector<Sample> out{
      {"nothing", {}, {}}, {"everything", {"everything"}, {}}, {"flags", {}, {}}};
  Sample shipped{"shipped", {}, {}};
  for (const auto& entry : fs::directory_iterator(REDOUBTFUL_SOURCE_DIR "/profiles")) {
    if (entry.path().extension() == ".yaml") shipped.use.push_back(entry.path().stem());
  }
  std::sort(shipped.use.begin(), shipped.use.end());
  out.push_back(std::move(shipped));
  FlagTexts& flags = out[2].flags;
  flags.allow = {"api.example", "tcp://db.example:5432"};
  flags.deny = {"*.ads.example", "http://api.example"};
  flags.ask = {"raw.example"};
  flags.secrets = {"KEY=env:KEY@api.example,upload.example"};
  flags.network = "filtered";
  flags.environment = {"ODD=\xff\x1b"};
  return out;
}

TEST(ShowSamples, AreWhatShowPrints) {
  for (const auto& sample : samples()) {
    const TemporaryTree tree;
    Places places = tree.places();
    const bool shipped = sample.name == "shipped";
    if (shipped) {
      places.builtin_profiles = REDOUBTFUL_SOURCE_DIR "/profiles";
    } else {
      tree.write("builtin/base.yaml", "description: nothing\n");
    }
    const std::string chosen = kSamples + "/" + sample.name + ".yaml";
    Selection selection;
    selection.use = sample.use;
    if (fs::exists(chosen)) {
      tree.write("home/.config/redoubtful/profiles/" + sample.name + ".yaml", read(chosen));
    }
    auto flags = flags_layer(sample.flags, "/project");
    ASSERT_TRUE(flags) << flags.error().what();
    selection.flags = *std::move(flags);
    const auto composed = compose(places, selection);
    ASSERT_TRUE(composed) << sample.name << ": " << composed.error().what();
    std::string json = show_json(composed->profile, {"true"});
    // As they would be called on a machine where all of it is installed.
    replace_all(json, REDOUBTFUL_SOURCE_DIR, "/usr/share/redoubtful");
    replace_all(json, tree.root() + "/home", "/home/user");
    replace_all(json, tree.root(), "");
    const std::string file = kSamples + "/" + sample.name + ".json";
    if (std::getenv("REDOUBTFUL_WRITE_SAMPLES") != nullptr) {
      std::ofstream(file, std::ios::binary) << json;
    }
    if (!shipped) {
      EXPECT_EQ(json, read(file)) << sample.name;
    }
  }
}

}  // namespace
}  // namespace redoubtful::cli
