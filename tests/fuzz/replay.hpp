#pragma once

// The inputs that a fuzz target begins with, and those it has found, given to it without libFuzzer.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace redoubtful::fuzz {

// `target`: the folder below corpus/.
inline void replay(const std::string& target, void (*run)(std::string_view)) {
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

}  // namespace redoubtful::fuzz
