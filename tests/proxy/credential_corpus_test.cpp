// The inputs that the fuzz targets of AWS signatures and of logins begin with, replayed.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/login_target.hpp"
#include "tests/fuzz/sigv4_target.hpp"

namespace redoubtful {
namespace {

void replay(const std::string& target, void (*run)(std::string_view)) {
  std::size_t files = 0;
  const auto directory =
      std::filesystem::path(REDOUBTFUL_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / target;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    SCOPED_TRACE(entry.path().filename().string());
    run(bytes.str());
    ++files;
  }
  EXPECT_GE(files, 5u) << "the corpus is there";
}

TEST(FuzzCorpus, Login) { replay("login", fuzz::login); }
TEST(FuzzCorpus, SigV4) { replay("sigv4", fuzz::sigv4); }
TEST(FuzzCorpus, SigV4Chunks) { replay("sigv4_chunks", fuzz::sigv4_chunks); }

}  // namespace
}  // namespace redoubtful
