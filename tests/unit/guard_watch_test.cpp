#include "cli/guard_watch.hpp"

#include <poll.h>

#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::ScratchTree;
using Places = std::vector<GuardWatch::Place>;

class GuardWatchTest : public testing::Test {
 protected:
  GuardWatchTest() : watch_(GuardWatch::create().value()) {
    tree_.write("a/.env", "old");
    tree_.write("b/.env", "old");
    tree_.write("other", "");
    for (const char* path : {"a/.env", "b/.env", "a"}) {
      EXPECT_TRUE(watch_.add(tree_.open().get(), {3, path}));
    }
  }
  ScratchTree tree_;
  GuardWatch watch_;
};

TEST_F(GuardWatchTest, ASaveByRenameIsReported) {
  EXPECT_TRUE(watch_.replaced().empty());
  tree_.write("a/.env.tmp", "new");
  std::filesystem::rename(tree_.at("a/.env.tmp"), tree_.at("a/.env"));
  pollfd ready{watch_.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 1);
  EXPECT_EQ(watch_.replaced(), (Places{{3, "a/.env"}}));
  EXPECT_TRUE(watch_.replaced().empty());
}

TEST_F(GuardWatchTest, RemovingAndMakingAgainIsReportedAndWritingIsNot) {
  tree_.write("b/.env", "changed in place");
  tree_.write("a/unrelated", "");
  EXPECT_TRUE(watch_.replaced().empty());
  std::filesystem::remove(tree_.at("b/.env"));
  EXPECT_EQ(watch_.replaced(), (Places{{3, "b/.env"}}));
  tree_.write("b/.env", "again");
  EXPECT_EQ(watch_.replaced(), (Places{{3, "b/.env"}}));
}

TEST_F(GuardWatchTest, ARenamedDirectoryIsReported) {
  std::filesystem::rename(tree_.at("a"), tree_.at("c"));
  EXPECT_EQ(watch_.replaced(), (Places{{3, "a"}}));
}

TEST_F(GuardWatchTest, AnOverflowReportsEverything) {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
  ASSERT_GT(limit, 0u);
  const UniqueFd a = tree_.open("a");
  const UniqueFd b = tree_.open("b");
  tree_.write("a/x", "");
  // Two events each; equal neighbours are merged, so the name goes back and forth.
  for (std::size_t i = 0; i < limit / 2 + 100; ++i) {
    const int from = i % 2 == 0 ? a.get() : b.get();
    const int to = i % 2 == 0 ? b.get() : a.get();
    ASSERT_EQ(::renameat(from, "x", to, "x"), 0);
  }
  const Places all = watch_.replaced();
  EXPECT_EQ(all, (Places{{3, "a"}, {3, "a/.env"}, {3, "b/.env"}}));
}

TEST_F(GuardWatchTest, APathThroughALinkIsNotWatched) {
  tree_.link("a", "l");
  EXPECT_FALSE(watch_.add(tree_.open().get(), {3, "l/.env"}));
  EXPECT_FALSE(watch_.add(tree_.open().get(), {3, "absent/.env"}));
}

}  // namespace
}  // namespace redoubtful::cli
