#include "cli/git_index.hpp"

#include <gmock/gmock.h>

#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::git;
using test::ScratchTree;
using testing::ElementsAre;
using testing::HasSubstr;

class GitIndexTest : public testing::Test {
 protected:
  void init(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"init", "-q", "."};
    arguments.insert(arguments.end(), more.begin(), more.end());
    run(arguments);
    for (const char* path : {"a", "dir/b", "dir/deep/c", "z with space"}) {
      tree_.write(path, "x");
    }
    run({"add", "."});
  }
  void run(const std::vector<std::string>& arguments) {
    ASSERT_EQ(git(tree_.path(), arguments).status, 0) << arguments[0] << " " << arguments[1];
  }
  GitIndex read() {
    auto index = read_git_index(tree_.open(".git").get());
    EXPECT_TRUE(index) << (index ? "" : index.error().what());
    return index ? *index : GitIndex();
  }
  ScratchTree tree_;
};

TEST_F(GitIndexTest, ReadsEveryVersionThatGitWrites) {
  init();
  for (const char* version : {"2", "3", "4"}) {
    run({"update-index", "--index-version", version});
    EXPECT_THAT(read().paths(), ElementsAre("a", "dir/b", "dir/deep/c", "z with space")) << version;
  }
  tree_.write("intent", "x");
  run({"add", "-N", "intent"});  // extended flags
  run({"update-index", "--index-version", "3"});
  EXPECT_TRUE(read().tracks("intent"));
}

TEST_F(GitIndexTest, KnowsFilesAndDirectories) {
  init();
  const GitIndex index = read();
  EXPECT_TRUE(index.tracks("dir/b"));
  EXPECT_FALSE(index.tracks("dir"));
  EXPECT_FALSE(index.tracks("dir/bb"));
  EXPECT_EQ(index.first_below("dir"), "dir/b");
  EXPECT_EQ(index.first_below("di"), "");
}

TEST_F(GitIndexTest, ReadsLongPathsInEveryVersion) {
  init();
  const std::string path =
      std::string(200, 'd') + "/" + std::string(200, 'e') + "/" + std::string(200, 'f');
  for (int i = 0; i < 8; ++i) tree_.write(path + std::string(static_cast<std::size_t>(i), 'x'), "");
  run({"add", "."});
  for (const char* version : {"2", "4"}) {
    run({"update-index", "--index-version", version});
    EXPECT_EQ(read().paths().size(), 12u);
    EXPECT_TRUE(read().tracks(path + "xxx"));
  }
}

TEST_F(GitIndexTest, ReadsASplitIndex) {
  init();
  run({"update-index", "--split-index"});
  tree_.write("later", "x");
  run({"add", "later"});
  EXPECT_THAT(read().paths(), ElementsAre("a", "dir/b", "dir/deep/c", "later", "z with space"));
  for (const auto& entry : std::filesystem::directory_iterator(tree_.at(".git"))) {
    if (entry.path().filename().string().starts_with("sharedindex")) {
      std::filesystem::remove(entry.path());
    }
  }
  auto broken = read_git_index(tree_.open(".git").get());
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().hint(), HasSubstr("--no-split-index"));
}

TEST_F(GitIndexTest, ASparseIndexTracksAllBelowItsFoldedDirectories) {
  init();
  run({"commit", "-qm", "x"});
  run({"sparse-checkout", "init", "--cone", "--sparse-index"});
  const GitIndex index = read();
  EXPECT_TRUE(index.tracks("a"));
  EXPECT_TRUE(index.tracks("dir/anything"));
  EXPECT_EQ(index.first_below("dir"), "dir/");
  EXPECT_EQ(index.first_below("dir/deep"), "dir/deep");
}

TEST_F(GitIndexTest, ReadsSha256) {
  init({"--object-format=sha256"});
  EXPECT_TRUE(read().tracks("dir/deep/c"));
}

TEST_F(GitIndexTest, AnAbsentIndexTracksNothing) {
  run({"init", "-q", "."});
  EXPECT_TRUE(read().paths().empty());
}

TEST_F(GitIndexTest, EveryCutAndEveryFlippedByteIsReadOrRefused) {
  init();
  for (const char* version : {"2", "4"}) {
    run({"update-index", "--index-version", version});
    const std::string bytes = tree_.read(".git/index");
    ASSERT_TRUE(GitIndex::parse(bytes, ObjectFormat::kSha1));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto cut = GitIndex::parse(bytes.substr(0, i), ObjectFormat::kSha1);
      if (i + 60 < bytes.size()) {
        EXPECT_FALSE(cut) << i;
      }
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
      auto read = GitIndex::parse(flipped, ObjectFormat::kSha1);
      if (read) {
        EXPECT_LE(read->paths().size(), 4u);
      }
    }
  }
}

TEST(GitIndex, RefusesPathsThatLeaveTheWorktree) {
  // One version 2 entry with the given path.
  const auto index = [](const std::string& path) {
    std::string bytes("DIRC\0\0\0\2\0\0\0\1", 12);
    std::string entry(62, '\0');
    entry[25] = 0;
    entry[26] = '\x81';
    entry[27] = '\xa4';
    entry[61] = static_cast<char>(path.size());
    entry += path;
    entry.append(8 - entry.size() % 8, '\0');
    return bytes + entry + std::string(20, '\0');
  };
  EXPECT_TRUE(GitIndex::parse(index("a/b"), ObjectFormat::kSha1));
  for (const char* path : {"../x", "/etc/passwd", "a//b", "a/./b", "a/..", ""}) {
    EXPECT_FALSE(GitIndex::parse(index(path), ObjectFormat::kSha1)) << path;
  }
}

}  // namespace
}  // namespace redoubtful::cli
