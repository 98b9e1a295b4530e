// The inputs that the fuzz targets of DNS and of the ClientHello begin with, replayed.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/name_targets.hpp"

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

TEST(FuzzCorpus, Dns) { replay("dns", fuzz::dns); }
TEST(FuzzCorpus, ClientHello) { replay("client_hello", fuzz::client_hello); }

}  // namespace
}  // namespace redoubtful
