#include "common/file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace redoubtful {
namespace {

class FileOf {
 public:
  explicit FileOf(const std::string& bytes) {
    const UniqueFd fd(::mkstemp(path_));
    EXPECT_TRUE(fd);
    EXPECT_TRUE(write_all(fd.get(), bytes));
  }
  FileOf(const FileOf&) = delete;
  FileOf& operator=(const FileOf&) = delete;
  ~FileOf() { ::unlink(path_); }
  std::string path() const { return path_; }

 private:
  char path_[24] = "/tmp/redoubtful.XXXXXX";
};

TEST(ReadFile, GivesEveryByteUpToTheLimitAndNoMore) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 20000U}) {
    const std::string bytes(size, 'x');
    const FileOf file(bytes);
    for (const std::size_t limit : {size, size + 1, std::size_t{1} << 20U}) {
      const auto read = read_file(file.path(), limit);
      ASSERT_TRUE(read) << size << " bytes, at most " << limit;
      EXPECT_EQ(*read, bytes) << size << " bytes, at most " << limit;
    }
    if (size == 0) continue;
    const auto longer = read_file(file.path(), size - 1);
    ASSERT_FALSE(longer) << size;
    EXPECT_NE(longer.error().what().find("longer than " + std::to_string(size - 1) + " bytes"),
              std::string::npos);
  }
}

TEST(ReadFile, ReadsWhatSaysItIsEmptyAndIsNot) {
  const auto small = read_file("/proc/self/stat", 4096);
  ASSERT_TRUE(small);
  EXPECT_TRUE(small->starts_with(std::to_string(::getpid()) + " "));
  // More than is read at once; of this process, whose libraries alone fill it.
  const auto maps = read_file("/proc/self/maps", std::size_t{1} << 22U);
  ASSERT_TRUE(maps);
  EXPECT_GT(maps->size(), 4097U);
  EXPECT_NE(maps->find("[stack]"), std::string::npos) << "its last lines too";
  EXPECT_FALSE(read_file("/proc/self/maps", 4097));
}

TEST(ReadFile, WantsARegularFile) {
  EXPECT_FALSE(read_file("/dev/null", 10));
  EXPECT_FALSE(read_file("/", 10));
  EXPECT_FALSE(read_file("/no/such/file", 10));
}

}  // namespace
}  // namespace redoubtful
