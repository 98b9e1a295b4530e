#include "cli/tree_scan.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::ScratchTree;

PathGlobSet globs(std::initializer_list<const char*> texts) {
  PathGlobSet set;
  for (const char* text : texts) set.add(PathGlob::parse(text).value());
  return set;
}

std::vector<std::string> paths(const std::vector<FoundPath>& found) {
  std::vector<std::string> out;
  out.reserve(found.size());
  for (const auto& one : found) out.push_back(one.path);
  return out;
}

using Strings = std::vector<std::string>;

TEST(TreeScan, FindsEverythingInOneWalk) {
  ScratchTree tree;
  tree.write("a/.env", "X=1");
  tree.write("secrets/key", "k");
  tree.write("secrets/.envrc", "below what is hidden");
  tree.write(".envrc", "");
  tree.write("node_modules/p/.envrc", "somebody else's");
  tree.write("node_modules/p/.git/HEAD", "");
  tree.write("sub/.git", "gitdir: ../x\n");
  tree.link("/elsewhere", "linked/.git");
  for (const char* part : {"HEAD", "objects/x", "refs/x"})
    tree.write(std::string("bare/") + part, "");
  for (const char* part : {"HEAD", "commondir"}) tree.write(std::string("w/") + part, "");
  ASSERT_EQ(::mkfifo(tree.at("a/fifo").c_str(), 0600), 0);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  tree.at("s").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  const PathGlobSet hide = globs({".env", "secrets/"});
  const PathGlobSet guard = globs({".envrc"});
  const Strings dependencies = {"node_modules"};
  auto scan = scan_tree(tree.open().get(), {&hide, &guard, &dependencies});
  ASSERT_TRUE(scan) << scan.error().what();
  EXPECT_EQ(scan->sockets, (Strings{"a/fifo", "s"}));
  EXPECT_EQ(paths(scan->hidden), (Strings{"a/.env", "secrets"}));
  EXPECT_EQ(paths(scan->guarded), (Strings{".envrc"}));
  using Kind = FoundRepository::Kind;
  std::vector<std::pair<std::string, Kind>> found;
  for (const auto& one : scan->repositories) found.emplace_back(one.path, one.kind);
  EXPECT_EQ(found,
            (std::vector<std::pair<std::string, Kind>>{{"bare", Kind::kBare},
                                                       {"linked/.git", Kind::kGitSymlink},
                                                       {"node_modules/p/.git", Kind::kGitDirectory},
                                                       {"sub/.git", Kind::kGitFile},
                                                       {"w", Kind::kLinked}}));
}

TEST(TreeScan, NeverFollowsALink) {
  ScratchTree outside;
  outside.write(".git/HEAD", "");
  outside.write(".env", "");
  ScratchTree tree;
  tree.link(outside.path(), "out");
  tree.link("..", "up");
  tree.link("loop", "loop");
  const PathGlobSet hide = globs({".env"});
  auto scan = scan_tree(tree.open().get(), {&hide, nullptr, nullptr});
  ASSERT_TRUE(scan);
  EXPECT_TRUE(scan->hidden.empty());
  EXPECT_TRUE(scan->repositories.empty());
  EXPECT_EQ(scan->directories, 1u);
}

TEST(TreeScan, TheMountItselfMayBeARepository) {
  ScratchTree tree;
  ASSERT_EQ(test::git(tree.path(), {"init", "--bare", "-q", "."}).status, 0);
  auto scan = scan_tree(tree.open().get(), {});
  ASSERT_TRUE(scan);
  ASSERT_EQ(scan->repositories.size(), 1u);
  EXPECT_EQ(scan->repositories[0].path, "");
}

TEST(TreeScan, ATreeDeeperThanAnyPathEndsTheWalkThere) {
  ScratchTree tree;
  UniqueFd at = tree.open();
  const std::string name(250, 'd');
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0700), 0);
    at = UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  auto scan = scan_tree(tree.open().get(), {});
  ASSERT_TRUE(scan);
  ASSERT_EQ(scan->unreadable.size(), 1u);
  EXPECT_GT(scan->unreadable[0].size(), 4095u);
}

// The walk runs at every start. The figure is printed; the bound only catches a walk that has
// become something else (a stat for each entry, a quadratic look-up).
TEST(TreeScan, CostsAFewMicrosecondsForEachDirectory) {
  ScratchTree tree;
  for (int d = 0; d < 20; ++d) {
    for (int e = 0; e < 20; ++e) {
      const std::string directory = "d" + std::to_string(d) + "/e" + std::to_string(e);
      tree.make_directory(directory);
      UniqueFd fd = tree.open(directory);
      for (int f = 0; f < 10; ++f) {
        UniqueFd file(::openat(fd.get(), ("file" + std::to_string(f) + ".cpp").c_str(),
                               O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        ASSERT_TRUE(file);
      }
    }
  }
  const PathGlobSet hide = globs({"**/.env", "secrets/", "*.pem"});
  const PathGlobSet guard = globs({".envrc", "**/.vscode/tasks.json", "*.code-workspace"});
  UniqueFd top = tree.open();
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 4; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    auto scan = scan_tree(top.get(), {&hide, &guard, nullptr});
    best = std::min(best, std::chrono::steady_clock::now() - begin);
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->directories, 421u);
    EXPECT_EQ(scan->entries, 4'420u);
  }
  const auto milliseconds = std::chrono::duration<double, std::milli>(best).count();
  std::cout << "4,000 files in 421 directories, warm: " << milliseconds << " ms\n";
  EXPECT_LT(milliseconds, 200.0);
}

}  // namespace
}  // namespace redoubtful::cli
