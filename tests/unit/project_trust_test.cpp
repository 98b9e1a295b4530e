#include "cli/project_trust.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/layers.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

class Trust : public testing::Test {
 protected:
  Trust() {
    tree_.write("builtin/base.yaml", "network: {mode: filtered}\n");
    tree_.directory("project");
  }
  void project(const std::string& yaml) { tree_.write("project/.redoubtful.yaml", yaml); }
  Composition composed() {
    Selection selection;
    selection.directory = tree_.path("project");
    selection.flags.name = "command line";
    auto out = compose(places_, selection);
    if (!out) throw std::runtime_error(out.error().what());
    return *std::move(out);
  }
  bool allows() { return !composed().profile.network.allow.empty(); }
  Result<int> accept() { return trust(places_, tree_.path("project")); }

  TemporaryTree tree_;
  Places places_ = tree_.places();
};

constexpr const char* kWider = "network: {allow: [a.example]}\n";

TEST_F(Trust, ExactlyTheContentThatWasAcceptedCounts) {
  project(kWider);
  EXPECT_FALSE(allows());
  EXPECT_NE(composed().notices.at(0).find("redoubtful trust"), std::string::npos);
  ASSERT_EQ(accept().value(), 0);
  EXPECT_TRUE(allows());
  EXPECT_EQ(composed().profile.layers.at(1).name, "project");
  // The attack: an accepted file is written again.
  project(std::string(kWider) + "# and a byte more\n");
  EXPECT_FALSE(allows());
  EXPECT_NE(composed().notices.at(0).find("has changed"), std::string::npos);
  project(kWider);
  EXPECT_TRUE(allows()) << "control: the accepted content is good again";
}

TEST_F(Trust, WhatIsNoProfileIsNotAccepted) {
  project("network: {allow: [a.example], mod: open}\n");
  EXPECT_FALSE(accept());
  EXPECT_FALSE(allows());
}

TEST_F(Trust, ALinkIsNeitherReadNorAccepted) {
  const auto elsewhere = tree_.write("elsewhere.yaml", kWider);
  ASSERT_EQ(::symlink(elsewhere.c_str(), tree_.path("project/.redoubtful.yaml").c_str()), 0);
  EXPECT_FALSE(accept());
  EXPECT_FALSE(allows());
}

TEST_F(Trust, TheProjectBesideIsNotMeant) {
  project(kWider);
  ASSERT_TRUE(accept());
  tree_.write("other/.redoubtful.yaml", kWider);
  Selection selection;
  selection.directory = tree_.path("other");
  EXPECT_TRUE(compose(places_, selection)->profile.network.allow.empty());
}

TEST(Difference, ShowsLinesAndNoControlCharacters) {
  EXPECT_EQ(difference("a\nb\nc\n", "a\nx\nc\nd\n"), " a\n-b\n+x\n c\n+d\n");
  EXPECT_EQ(difference("", "a: \"b\\c\"\n"), "+a: \"b\\c\"\n");
  EXPECT_EQ(difference("", "\x1b[2Jx\n"), "+\\x1b[2Jx\n");
  EXPECT_EQ(difference("a", "a\n"), " a\n");
}

}  // namespace
}  // namespace redoubtful::cli
