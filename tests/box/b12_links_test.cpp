// B12, B14: links planted in the project or a kept home lead nowhere outside, in this run or the
// next.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string content_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  return names;
}

TEST(B12, ASymlinkInTheProjectShowsNothing) {
  const World world;
  const auto secret = world.write(world.home() / "private" / "key", "a key");
  fs::create_symlink(secret, world.project() / "link");
  fs::create_symlink(secret.parent_path(), world.project() / "directory");
  const std::vector<std::string> paths{world.project() / "link", world.project() / "directory/key",
                                       "/proc/self/root" + secret.string(),
                                       "/proc/1/root" + secret.string(),
                                       "/proc/self/cwd/../private/key"};
  const ProbeReport outside = world.probe_outside("probe_visible", paths);
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("read_" + paths[0])) << "positive control";
  EXPECT_TRUE(outside.worked("read_" + paths[1])) << "positive control";
  const ProbeReport inside = world.probe("probe_visible", paths);
  ASSERT_TRUE(inside.complete());
  for (const std::string& path : paths) EXPECT_TRUE(inside.refused("read_" + path));
}

// The agent makes a link; the next run, outside, is told to mount below it.
TEST(B12, ALinkPlantedInTheProjectIsNotFollowedByTheNextRun) {
  const World world;
  const fs::path target = world.top() / "target";
  fs::create_directories(target);
  world.write(target / "key", "a key");
  const Outcome planted = world.run({.command = {"/bin/ln", "-s", target, "data"}});
  ASSERT_EQ(planted.status, 0) << planted.err;
  ASSERT_TRUE(fs::is_symlink(world.project() / "data"));

  const std::string data = world.project() / "data";
  for (const BoxRun& next :
       {BoxRun{.options = {"-m", data}}, BoxRun{.options = {"-m", data + ":rw"}},
        BoxRun{.options = {"-m", data + "/key"}}, BoxRun{.options = {"-m", "data"}},
        BoxRun{.options = {"-p", data}}}) {
    BoxRun attempt = next;
    attempt.command = {"/bin/cat", target / "key", data + "/key"};
    const Outcome outcome = world.run(attempt);
    EXPECT_EQ(outcome.out, "") << attempt.options[0] << ' ' << attempt.options[1];
    EXPECT_NE(outcome.status, 0);
  }
  EXPECT_EQ(content_of(target / "key"), "a key");

  const Outcome control =
      world.run({.options = {"-m", target}, .command = {"/bin/cat", target / "key"}});
  EXPECT_EQ(control.out, "a key") << "positive control: " << control.err;
}

TEST(B14, ALinkPlantedInAKeptHomeLeadsNoMountOutside) {
  const World world;
  const fs::path victim = world.top() / "victim";
  fs::create_directories(victim);
  world.write(world.home() / ".config" / "tool" / "settings", "mine");
  const Outcome planted =
      world.run({.options = {"--home", "persistent"},
                 .command = {"/bin/sh", "-c",
                             "ln -s " + victim.string() + " ~/.config && ls -ld ~/.config"}});
  ASSERT_EQ(planted.status, 0) << planted.err;
  TreeWatch watch(victim, {});
  const Outcome next =
      world.run({.options = {"--home", "persistent", "-m", world.home() / ".config" / "tool"},
                 .command = {"/bin/sh", "-c", "cat ~/.config/tool/settings"}});
  // Either the mount is put in place of the link or the run is refused, saying why.
  if (next.status == 0) {
    EXPECT_EQ(next.out, "mine");
  } else {
    EXPECT_THAT(next.err, HasSubstr("redoubtful: "));
    EXPECT_EQ(next.out, "");
  }
  EXPECT_THAT(watch.changes(), IsEmpty());
  EXPECT_THAT(names_in(victim), IsEmpty());
}

TEST(B14, ALinkPlantedInAKeptHomeWritesNothingOutside) {
  const World world;
  const fs::path victim = world.top() / "victim";
  fs::create_directories(victim);
  const Outcome planted =
      world.run({.options = {"--home", "persistent"},
                 .command = {"/bin/sh", "-c", "ln -s " + victim.string() + " ~/cache"}});
  ASSERT_EQ(planted.status, 0) << planted.err;
  const Outcome next = world.run(
      {.options = {"--home", "persistent"}, .command = {"/bin/sh", "-c", "echo x > ~/cache/file"}});
  EXPECT_NE(next.status, 0) << "the link leads into the box's own, empty file system";
  EXPECT_THAT(names_in(victim), IsEmpty());
}

}  // namespace
}  // namespace redoubtful::test
