#include "cli/undone.hpp"

#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::ScratchTree;

TEST(UndonePlace, MovesUnderThePathItHadAndListsIt) {
  ScratchTree project;
  ScratchTree state;
  project.write(".idea/a/b", "x");
  project.write(".envrc", "one");
  UndonePlace place(state.at("undone/s"));
  const UniqueFd mount = project.open();
  auto moved = place.move(mount.get(), project.path(), ".idea", "because");
  ASSERT_TRUE(moved) << moved.error().what();
  EXPECT_EQ(*moved, state.at("undone/s") + project.path() + "/.idea");
  EXPECT_EQ(state.read("undone/s" + project.path() + "/.idea/a/b"), "x");
  ASSERT_TRUE(place.move(mount.get(), project.path(), ".envrc", "first"));
  project.write(".envrc", "two");
  ASSERT_TRUE(place.move(mount.get(), project.path(), ".envrc", "again"));
  EXPECT_EQ(state.read("undone/s" + project.path() + "/.envrc"), "one");
  EXPECT_EQ(state.read("undone/s" + project.path() + "/.envrc.1"), "two");
  ASSERT_TRUE(place.write_index());
  EXPECT_NE(state.read("undone/s/index.json").find(".envrc.1"), std::string::npos);
}

TEST(UndonePlace, MakesNothingWhenThereIsNothing) {
  ScratchTree state;
  UndonePlace place(state.at("undone/s"));
  ASSERT_TRUE(place.write_index());
  EXPECT_FALSE(state.has("undone"));
}

TEST(UndonePlace, APlantedLinkIsMovedNotFollowed) {
  ScratchTree project;
  ScratchTree state;
  ScratchTree outside;
  outside.write("canary", "untouched");
  project.link(outside.path(), ".vscode");
  project.link(outside.path(), "up");
  UndonePlace place(state.at("s"));
  const UniqueFd mount = project.open();
  ASSERT_TRUE(place.move(mount.get(), project.path(), ".vscode", ""));
  EXPECT_FALSE(place.move(mount.get(), project.path(), "up/canary", ""));
  EXPECT_EQ(outside.read("canary"), "untouched");
  EXPECT_TRUE(std::filesystem::is_symlink(state.at("s" + project.path() + "/.vscode")));
}

// The state directory may lie on another file system; there is one to try with on every Linux.
TEST(UndonePlace, CopiesAcrossFileSystems) {
  std::string other = "/dev/shm/redoubtful-test-XXXXXX";
  ASSERT_NE(::mkdtemp(other.data()), nullptr);
  struct Remove {
    std::string path;
    ~Remove() { std::filesystem::remove_all(path); }
  } remove{other};
  ScratchTree project;
  project.write(".idea/a/b", "x", 0644);
  project.write(".idea/run", "#!", 0755);
  project.link("/etc/passwd", ".idea/l");
  ASSERT_EQ(::mkfifo(project.at(".idea/fifo").c_str(), 0600), 0);
  struct stat here {};
  struct stat there {};
  ASSERT_EQ(::stat(project.path().c_str(), &here), 0);
  ASSERT_EQ(::stat(other.c_str(), &there), 0);
  ASSERT_NE(here.st_dev, there.st_dev) << "the control: two file systems";
  ::chmod(project.at(".idea/a").c_str(), 0500);
  UndonePlace place(other + "/s");
  auto moved = place.move(project.open().get(), project.path(), ".idea", "");
  ASSERT_TRUE(moved) << moved.error().what();
  EXPECT_FALSE(project.has(".idea"));
  // A single file and a link as well.
  project.write(".mcp.json", "{}");
  project.link("/etc/passwd", ".envrc");
  for (const char* name : {".mcp.json", ".envrc"}) {
    auto one = place.move(project.open().get(), project.path(), name, "");
    ASSERT_TRUE(one) << one.error().what();
    EXPECT_FALSE(project.has(name));
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::symlink_status(*one)));
  }
  EXPECT_TRUE(std::filesystem::exists(*moved + "/a/b"));
  EXPECT_EQ(std::filesystem::read_symlink(*moved + "/l"), "/etc/passwd");
  EXPECT_FALSE(std::filesystem::exists(*moved + "/fifo"));
}

TEST(UndonePlace, WhatCannotBeMovedIsDisarmed) {
  ScratchTree project;
  ScratchTree state;
  state.write("occupied", "a file where the directory should be");
  project.write("hook", "#!/bin/sh", 0755);
  UndonePlace place(state.at("occupied/s"));
  auto moved = place.move(project.open().get(), project.path(), "hook", "");
  ASSERT_FALSE(moved);
  EXPECT_NE(moved.error().what().find("without any permission"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(project.at("hook").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0u);
}

TEST(JsonString, EscapesWhateverTheTreeIsCalled) {
  EXPECT_EQ(json_string("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
  EXPECT_EQ(json_string("\xc3\xa9\xff\xe2\x82"),
            "\"\xc3\xa9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace redoubtful::cli
