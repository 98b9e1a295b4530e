#include "cli/hidden_paths.hpp"

#include <gmock/gmock.h>

#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::git;
using test::ScratchTree;
using testing::HasSubstr;

class HiddenPathsTest : public testing::Test {
 protected:
  void hide(std::initializer_list<const char*> patterns) {
    patterns_.clear();
    int line = 7;
    for (const char* pattern : patterns) {
      patterns_.push_back({pattern, {"profile.yaml", line++, 5, ""}});
    }
  }
  Result<std::vector<HiddenPath>> find() {
    auto globs = compile_hide(patterns_);
    if (!globs) return std::move(globs).error();
    const UniqueFd mount = tree_.open();
    auto scan = scan_tree(mount.get(), {&*globs, nullptr, nullptr});
    EXPECT_TRUE(scan);
    return hidden_paths(mount.get(), tree_.path(), *scan, patterns_);
  }
  std::vector<std::string> found() {
    auto hidden = find();
    EXPECT_TRUE(hidden) << (hidden ? "" : hidden.error().what());
    std::vector<std::string> paths;
    if (hidden) {
      for (const auto& one : *hidden) paths.push_back(one.path);
    }
    return paths;
  }
  void run(const std::string& directory, const std::vector<std::string>& arguments) {
    ASSERT_EQ(git(tree_.at(directory), arguments).status, 0) << arguments[0];
  }

  ScratchTree tree_;
  std::vector<Sourced<std::string>> patterns_;
};

using Paths = std::vector<std::string>;

TEST_F(HiddenPathsTest, FindsFilesAndDirectories) {
  run("", {"init", "-q", "."});
  tree_.write("a/.env", "");
  tree_.write("secrets/.env", "");
  tree_.write(".env", "");
  hide({"**/.env", "secrets/"});
  EXPECT_EQ(found(), (Paths{".env", "a/.env", "secrets"}));
  EXPECT_EQ(find()->back().type, EntryType::kDirectory);
}

TEST_F(HiddenPathsTest, ATrackedFileCannotBeHidden) {
  run("", {"init", "-q", "."});
  tree_.write("conf/.env", "");
  run("", {"add", "."});
  hide({"*.key", "**/.env"});
  auto hidden = find();
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().code(), Errc::kInvalidProfile);
  EXPECT_THAT(hidden.error().what(), HasSubstr("profile.yaml:8:5"));
  EXPECT_THAT(hidden.error().what(), HasSubstr(tree_.at("conf/.env")));
  EXPECT_THAT(hidden.error().hint(), HasSubstr("git rm --cached"));
  run("", {"rm", "-q", "--cached", "conf/.env"});
  EXPECT_EQ(found(), Paths{"conf/.env"});
}

TEST_F(HiddenPathsTest, ADirectoryWithATrackedFileCannotBeHidden) {
  run("", {"init", "-q", "."});
  tree_.write("secrets/deep/README", "");
  tree_.write("secrets/key", "");
  run("", {"add", "secrets/deep"});
  hide({"secrets/"});
  auto hidden = find();
  ASSERT_FALSE(hidden);
  EXPECT_THAT(hidden.error().what(), HasSubstr("secrets/deep/README"));
}

TEST_F(HiddenPathsTest, TheNearestRepositoryDecides) {
  run("", {"init", "-q", "."});
  run("", {"init", "-q", "nested"});
  tree_.write("nested/.env", "");
  hide({".env"});
  EXPECT_EQ(found(), Paths{"nested/.env"});
  run("nested", {"add", ".env"});
  EXPECT_FALSE(find());
}

TEST_F(HiddenPathsTest, ALinkedWorktreesOwnIndexDecides) {
  tree_.make_directory("main");
  run("main", {"init", "-q", "."});
  run("main", {"commit", "-q", "--allow-empty", "-m", "x"});
  run("main", {"worktree", "add", "-q", "../wt"});
  tree_.write("wt/.env", "");
  tree_.write("main/.env", "");
  hide({".env"});
  EXPECT_EQ(found(), (Paths{"main/.env", "wt/.env"}));
  run("wt", {"add", ".env"});
  auto hidden = find();
  ASSERT_FALSE(hidden);
  EXPECT_THAT(hidden.error().what(), HasSubstr("wt/.env"));
}

TEST_F(HiddenPathsTest, ALinkIsHiddenWhereItLeads) {
  tree_.write("real/env", "");
  tree_.link("../real/env", "app/.env");
  tree_.link("/etc/passwd", "other/.env");
  hide({".env"});
  EXPECT_EQ(found(), Paths{"real/env"});
}

TEST_F(HiddenPathsTest, AnIndexThatCannotBeReadIsAnError) {
  run("", {"init", "-q", "."});
  tree_.write(".env", "");
  tree_.write(".git/index", "nonsense");
  hide({".env"});
  auto hidden = find();
  ASSERT_FALSE(hidden);
  EXPECT_THAT(hidden.error().what(), HasSubstr("cannot tell what git tracks"));
}

TEST_F(HiddenPathsTest, ABadPatternIsNamedWithItsPlace) {
  hide({"ok", "../x"});
  auto hidden = find();
  ASSERT_FALSE(hidden);
  EXPECT_THAT(hidden.error().what(), HasSubstr("profile.yaml:8:5"));
}

}  // namespace
}  // namespace redoubtful::cli
