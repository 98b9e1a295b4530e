#include "cli/home.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/remove_tree.hpp"
#include "common/unique_fd.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

namespace fs = std::filesystem;

class Home : public testing::Test {
 protected:
  Home() { tree_.directory("home/project"); }
  std::string project() const { return tree_.path("home/project"); }

  TemporaryTree tree_;
  Places places_ = tree_.places();
};

TEST_F(Home, IsOnePrivateDirectoryPerProject) {
  const auto path = home_directory_for(places_, project()).value();
  EXPECT_EQ(path, home_path_for(places_, project()));
  EXPECT_EQ(home_directory_for(places_, project()).value(), path);
  EXPECT_NE(home_path_for(places_, project() + "2"), path);
  EXPECT_NE(home_path_for(places_, "/elsewhere/project"), path);
  EXPECT_TRUE(fs::path(path).filename().string().starts_with("project-")) << path;
  struct stat info {};
  for (const auto& directory : {path, fs::path(path).parent_path().string(), places_.state}) {
    ASSERT_EQ(::stat(directory.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0700U) << directory;
  }
}

TEST_F(Home, NamesAreSafeWhateverTheProjectIsCalled) {
  for (const std::string& name : {std::string("a b\n\xff/.."), std::string("."),
                                  std::string(".git"), std::string(300, 'x'), std::string()}) {
    const std::string file = fs::path(home_path_for(places_, "/p/" + name)).filename().string();
    EXPECT_LE(file.size(), 60U);
    EXPECT_NE(file.front(), '.') << file;
    EXPECT_EQ(
        file.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"),
        std::string::npos)
        << file;
  }
}

TEST_F(Home, IsNeverReachedThroughALink) {
  const auto path = home_directory_for(places_, project()).value();
  fs::remove_all(path);
  fs::create_directory_symlink(tree_.directory("victim"), path);
  EXPECT_FALSE(home_directory_for(places_, project()));
  EXPECT_FALSE(reset_home(places_, project(), ""));
  EXPECT_TRUE(fs::exists(tree_.path("victim")));
}

TEST_F(Home, IsPrivateAgainAfterTheAgentChangedItsMode) {
  const auto path = home_directory_for(places_, project()).value();
  for (const mode_t mode : {mode_t{0777}, mode_t{0}}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(home_directory_for(places_, project()));
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
  }
}

TEST_F(Home, OfSomebodyElseIsRefused) {
  if (::geteuid() != 0) {
    // An ordinary user cannot give a directory away; root's own will do.
    EXPECT_FALSE(open_private_directory("/etc"));
    return;
  }
  const auto path = home_directory_for(places_, project()).value();
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(home_directory_for(places_, project()).error().code(), Errc::kInvalidMount);
}

TEST_F(Home, ResetTakesItAwayWhole) {
  const auto path = home_directory_for(places_, project()).value();
  fs::create_directories(path + "/a/b/c");
  std::ofstream(path + "/a/b/file") << "x";
  EXPECT_EQ(list_homes(places_).value(),
            fs::path(path).filename().string() + "  " + project() + "\n");
  EXPECT_TRUE(reset_home(places_, project(), ""));
  EXPECT_EQ(list_homes(places_).value(), "");
  EXPECT_TRUE(fs::is_empty(places_.state + "/homes")) << "nothing is left beside it";
  EXPECT_EQ(reset_home(places_, project(), "").error().code(), Errc::kInvalidMount);
}

TEST_F(Home, ResetByNameTakesOnlyNamesOfHomes) {
  const auto path = home_directory_for(places_, project()).value();
  tree_.directory("home/.local/state/redoubtful/audit");
  for (const auto* name : {"..", ".", "../audit", "audit", "/", "x", "homes", "a/../../audit"}) {
    EXPECT_FALSE(reset_home(places_, "", name)) << name;
  }
  EXPECT_TRUE(fs::exists(places_.state + "/audit"));
  EXPECT_TRUE(reset_home(places_, "", fs::path(path).filename().string()));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Home, ResetWaitsForNoRun) {
  const auto path = home_directory_for(places_, project()).value();
  const UniqueFd lock(::open((path + ".mounts").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_SH), 0);
  const auto reset = reset_home(places_, project(), "");
  ASSERT_FALSE(reset);
  EXPECT_NE(reset.error().what().find("a run is using"), std::string::npos);
  EXPECT_TRUE(fs::exists(path));
  ASSERT_EQ(::flock(lock.get(), LOCK_UN), 0);
  EXPECT_TRUE(reset_home(places_, project(), ""));
}

TEST_F(Home, PathIsTheWorktreesTops) {
  fs::create_directories(project() + "/.git/objects");
  fs::create_directories(project() + "/.git/refs");
  std::ofstream(project() + "/.git/HEAD") << "ref: refs/heads/main\n";
  fs::create_directories(project() + "/src/deep");
  EXPECT_EQ(show_home_path(places_, project() + "/src/deep").value(),
            home_path_for(places_, project()) + "\n");
  EXPECT_FALSE(show_home_path(places_, project() + "/absent"));
  EXPECT_FALSE(show_home_path(places_, ""));
}

class RemoveTree : public testing::Test {
 protected:
  RemoveTree() : top_(::open(tree_.root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  TemporaryTree tree_;
  UniqueFd top_;
};

TEST_F(RemoveTree, FollowsNoLink) {
  const auto kept = tree_.write("victim/file", "x");
  tree_.directory("home/sub");
  fs::create_directory_symlink(tree_.path("victim"), tree_.path("home/link"));
  fs::create_directory_symlink(tree_.path("victim"), tree_.path("home/sub/link"));
  fs::create_symlink(kept, tree_.path("home/sub/file"));
  fs::create_hard_link(kept, tree_.path("home/hard"));
  ASSERT_TRUE(remove_tree(top_.get(), "home"));
  EXPECT_TRUE(fs::exists(kept));
  EXPECT_FALSE(fs::exists(tree_.path("home")));
  fs::create_directory_symlink(tree_.path("victim"), tree_.path("home"));
  EXPECT_FALSE(remove_tree(top_.get(), "home"));
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(RemoveTree, OpensDirectoriesThatTheAgentClosed) {
  for (const auto* name : {"home/a/b/c", "home/d", "home/e/f"}) tree_.directory(name);
  tree_.write("home/a/b/file", "x");
  tree_.write("home/e/file", "x");
  for (const auto* name : {"home/a/b/c", "home/a/b", "home/a", "home/d", "home/e", "home"}) {
    ASSERT_EQ(::chmod(tree_.path(name).c_str(), 0), 0);
  }
  ASSERT_TRUE(remove_tree(top_.get(), "home"));
  EXPECT_FALSE(fs::exists(tree_.path("home")));
}

TEST_F(RemoveTree, EmptiesATreeDeeperThanAnyStackOrPath) {
  tree_.directory("home");
  UniqueFd at(::openat(top_.get(), "home", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 1500; ++depth) {
    ASSERT_EQ(::mkdirat(at.get(), "moved-1", 0700), 0);
    UniqueFd next(::openat(at.get(), "moved-1", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(next);
    at = std::move(next);
  }
  ASSERT_TRUE(remove_tree(top_.get(), "home"));
  EXPECT_FALSE(fs::exists(tree_.path("home")));
}

TEST_F(RemoveTree, TakesSocketsFifosAndStrangeNames) {
  tree_.directory("home/x");
  ASSERT_EQ(::mkfifo(tree_.path("home/x/fifo").c_str(), 0600), 0);
  for (const auto* name :
       {"home/x/a b\n", "home/x/\xff", "home/x/-rf", "home/moved-1", "home/x/..."}) {
    tree_.write(name, "x");
  }
  ASSERT_TRUE(remove_tree(top_.get(), "home"));
  EXPECT_FALSE(fs::exists(tree_.path("home")));
}

TEST(PlacesOf, TheEnvironment) {
  const auto places = find_places({"/home/u", std::nullopt, std::nullopt, std::nullopt}).value();
  EXPECT_EQ(places.config, "/home/u/.config/redoubtful");
  EXPECT_EQ(places.state, "/home/u/.local/state/redoubtful");
  EXPECT_EQ(places.runtime, "");
  const auto moved = find_places({"/home/u/", "/c/", "/s", "/run/user/1"}).value();
  EXPECT_EQ(moved.home, "/home/u");
  EXPECT_EQ(moved.config, "/c/redoubtful");
  EXPECT_EQ(moved.state, "/s/redoubtful");
  EXPECT_EQ(moved.runtime, "/run/user/1/redoubtful");
  const auto relative = find_places({"/home/u", "c", "../s", ""}).value();
  EXPECT_EQ(relative.config, "/home/u/.config/redoubtful") << "as the XDG specification says";
  EXPECT_EQ(relative.state, "/home/u/.local/state/redoubtful");
  EXPECT_EQ(relative.runtime, "");
}

TEST(PlacesOf, AUserWithoutAHomeIsAnError) {
  for (const std::optional<std::string>& home :
       {std::optional<std::string>(), std::optional<std::string>(""),
        std::optional<std::string>("home/u"), std::optional<std::string>("~/u"),
        std::optional<std::string>("/home/../u")}) {
    const auto places = find_places({home, std::nullopt, std::nullopt, std::nullopt});
    ASSERT_FALSE(places) << home.value_or("unset");
    EXPECT_EQ(exit_status(places.error().code()), 78);
    EXPECT_NE(places.error().what().find("HOME"), std::string::npos);
  }
}

TEST(PlacesOf, PathsAreShownWithTheHomeShort) {
  const auto places = find_places({"/home/u", std::nullopt, std::nullopt, std::nullopt}).value();
  EXPECT_EQ(places.shown("/home/u/x"), "~/x");
  EXPECT_EQ(places.shown("/home/u2/x"), "/home/u2/x");
  EXPECT_EQ(places.shown("/a\nb"), "\"/a\\nb\"");
  EXPECT_EQ(places.expanded("~/x"), "/home/u/x");
  EXPECT_EQ(places.expanded("/x"), "/x");
}

}  // namespace
}  // namespace redoubtful::cli
