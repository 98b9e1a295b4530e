// B2: a read-only mount cannot be remounted, over-mounted or written through any path, link or
// /proc entry.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kContent = "nobody may change this\n";

std::string content_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// No way in for anybody, box or not: another's root, and the kernel's guard of shared mappings.
constexpr std::array<std::string_view, 2> kNeverWork{"init_root", "mapping"};

void expect_untouched(const ProbeReport& inside, const fs::path& directory) {
  ASSERT_TRUE(inside.complete());
  EXPECT_TRUE(inside.worked("read")) << "the mount must be there, or nothing is proved";
  EXPECT_GE(inside.attempts().size(), 28u);
  for (const std::string& attempt : inside.attempts()) {
    if (attempt != "read") {
      EXPECT_TRUE(inside.refused(attempt));
    }
  }
  EXPECT_EQ(content_of(directory / "file"), kContent);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 1);
}

TEST(B2, AReadOnlyMountStaysAsItWas) {
  const World world;
  const fs::path directory = world.top() / "shared";
  const fs::path file = world.write(directory / "file", kContent);
  expect_untouched(world.probe("probe_files", {file, directory, world.project()},
                               {.options = {"-m", directory}}),
                   directory);
}

TEST(B2, AReadOnlyMountInsideTheWritableProjectStaysAsItWas) {
  const World world;
  const fs::path directory = world.project() / "vendor";
  const fs::path file = world.write(directory / "file", kContent);
  expect_untouched(world.probe("probe_files", {file, directory, world.project()},
                               {.options = {"-m", directory}}),
                   directory);
}

TEST(B2, AReadOnlyProjectStaysAsItWas) {
  const World world;
  const fs::path file = world.write(world.project() / "file", kContent);
  expect_untouched(
      world.probe("probe_files", {file, world.project(), "/tmp"}, {.options = {"--cwd", "ro"}}),
      world.project());
}

TEST(B2, TheSystemStaysAsItWas) {
  const World world;
  const ProbeReport inside =
      world.probe("probe_files", {"/usr/bin/env", "/usr/bin", world.project()});
  ASSERT_TRUE(inside.complete());
  for (const std::string& attempt : inside.attempts()) {
    if (attempt != "read") {
      EXPECT_TRUE(inside.refused(attempt));
    }
  }
}

// The same attempts change a file where nothing forbids it.
TEST(B2, PositiveControl) {
  const World world;
  const fs::path directory = world.top() / "shared";
  const fs::path file = world.write(directory / "file", kContent);
  const ProbeReport outside =
      world.probe_outside("probe_files", {file, directory, world.project()});
  ASSERT_TRUE(outside.complete());
  for (const std::string& attempt : outside.attempts()) {
    if (std::ranges::find(kNeverWork, attempt) != kNeverWork.end()) continue;
    // Not on every file system.
    if (attempt == "flags" || attempt == "xattr" || attempt == "tmpfile") continue;
    // Without a mapping of ids nothing can be made in the new file system that it needs.
    if (attempt == "overlay" && ::getuid() != 0) continue;
    EXPECT_TRUE(outside.worked(attempt));
  }
  EXPECT_NE(content_of(file), kContent);

  // And inside, on a mount that is writable.
  const fs::path open = world.write(world.top() / "open" / "file", kContent).parent_path();
  const ProbeReport inside = world.probe("probe_files", {open / "file", open, world.project()},
                                         {.options = {"-m", open.string() + ":rw"}});
  ASSERT_TRUE(inside.complete());
  for (const char* attempt : {"write", "append", "symlink", "self_root", "reopen", "chmod"}) {
    EXPECT_TRUE(inside.worked(attempt));
  }
}

}  // namespace
}  // namespace redoubtful::test
