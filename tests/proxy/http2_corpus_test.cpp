// The inputs that the fuzz target of HTTP/2 begins with, and what it found, replayed.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/http2_target.hpp"

namespace redoubtful {
namespace {

TEST(FuzzCorpus, Http2) {
  std::size_t files = 0;
  const auto directory =
      std::filesystem::path(REDOUBTFUL_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / "http2";
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    SCOPED_TRACE(entry.path().filename().string());
    fuzz::http2(bytes.str());
    ++files;
  }
  EXPECT_GE(files, 10u) << "the corpus is there";
}

}  // namespace
}  // namespace redoubtful
