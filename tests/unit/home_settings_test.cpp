#include "cli/home_settings.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

class HomeSettingsFile : public testing::Test {
 protected:
  HomeSettingsFile() {
    facts_.files = &machine_files();
    facts_.home = tree_.directory("home");
    facts_.private_home = tree_.directory("private");
    facts_.project_top = "/p";
    plan_.home = facts_.home;
    plan_.directory = "/p";
    entry_.file = "~/.claude/settings.json";
    entry_.keep = {"/model"};
    entry_.set = R"({"cwd": "{cwd}"})";
  }
  Result<std::vector<std::string>> put() {
    settings_ = {entry_};
    return put_settings({.settings = &settings_, .facts = &facts_, .environment = &environment_},
                        plan_);
  }
  std::string text(const std::string& name) {
    std::ifstream stream(tree_.path(name));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  TemporaryTree tree_;
  HostFacts facts_;
  MountPlan plan_;
  SettingsFile entry_;
  std::vector<SettingsFile> settings_;
  std::vector<std::string> environment_;
};

constexpr const char* kInside = "private/.claude/settings.json";

TEST_F(HomeSettingsFile, LiesInThePrivateHomeForItsOwnerAlone) {
  tree_.write("home/.claude/settings.json", R"({"model": "opus", "hooks": {}})");
  EXPECT_TRUE(put().value().empty());
  EXPECT_EQ(text(kInside), "{\"model\":\"opus\",\"cwd\":\"/p\"}\n");
  struct stat info {};
  ASSERT_EQ(::stat(tree_.path(kInside).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_TRUE(plan_.steps.empty());
  EXPECT_EQ(text("home/.claude/settings.json"), R"({"model": "opus", "hooks": {}})") << "untouched";
}

TEST_F(HomeSettingsFile, ALinkThatAnAgentLeftIsReplacedAndNotFollowed) {
  const auto target = tree_.write("elsewhere.json", R"({"model": "planted"})");
  tree_.directory("private/.claude");
  ASSERT_EQ(::symlink(target.c_str(), tree_.path(kInside).c_str()), 0);
  ASSERT_TRUE(put());
  EXPECT_EQ(text("elsewhere.json"), R"({"model": "planted"})");
  struct stat info {};
  ASSERT_EQ(::lstat(tree_.path(kInside).c_str(), &info), 0);
  EXPECT_TRUE(S_ISREG(info.st_mode));
  EXPECT_EQ(text(kInside), "{\"cwd\":\"/p\"}\n") << "nothing is read through it either";
}

TEST_F(HomeSettingsFile, ALinkAboveItIsAnError) {
  ASSERT_EQ(::symlink(tree_.directory("elsewhere").c_str(), tree_.path("private/.claude").c_str()),
            0);
  const auto done = put();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Errc::kInvalidMount);
  EXPECT_NE(done.error().hint().find("home reset"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(tree_.path("elsewhere")));
}

TEST_F(HomeSettingsFile, WhatAMountOfTheUsersCoversIsLeftAlone) {
  tree_.write("private/.claude/settings.json", "as it was");
  MountStep step;
  step.kind = StepKind::kBind;
  step.part = StepPart::kUser;
  step.target = facts_.home + "/.claude";
  plan_.steps.push_back(step);
  ASSERT_TRUE(put());
  EXPECT_EQ(text(kInside), "as it was");
}

TEST_F(HomeSettingsFile, AUsersFileThatABoxCouldHaveWrittenIsNotRead) {
  tree_.write("home/.claude/settings.json", R"({"model": "planted"})");
  facts_.written_roots = {tree_.path("home/.claude")};
  const auto notes = put().value();
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("a box could have written it"), std::string::npos);
  EXPECT_EQ(text(kInside), "{\"cwd\":\"/p\"}\n");
}

TEST_F(HomeSettingsFile, AFreshHomeGetsItByThePlan) {
  facts_.private_home.clear();
  tree_.write("home/.claude/settings.json", R"({"model": "opus"})");
  ASSERT_TRUE(put());
  ASSERT_EQ(plan_.steps.size(), 1U);
  EXPECT_EQ(plan_.steps[0].target, facts_.home + "/.claude/settings.json");
  EXPECT_EQ(plan_.steps[0].text, "{\"model\":\"opus\",\"cwd\":\"/p\"}\n");
  EXPECT_EQ(plan_.steps[0].permissions, 0600U);
  EXPECT_FALSE(std::filesystem::exists(tree_.path(kInside)));
}

}  // namespace
}  // namespace redoubtful::cli
