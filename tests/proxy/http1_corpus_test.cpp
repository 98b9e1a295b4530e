// The inputs that the fuzz targets of HTTP/1 begin with, and the smuggling corpus, replayed.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/http1_relay_target.hpp"
#include "tests/fuzz/http1_targets.hpp"
#include "tests/proxy/smuggling_cases.hpp"

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

TEST(FuzzCorpus, Http1Head) { replay("http1_head", fuzz::http1_head); }
TEST(FuzzCorpus, Chunked) { replay("chunked", fuzz::chunked); }
TEST(FuzzCorpus, Http1Relay) { replay("http1_relay", fuzz::http1_relay); }

TEST(FuzzCorpus, SmugglingThroughEveryTarget) {
  for (const auto& attack : proxy::test::smuggling_cases()) {
    SCOPED_TRACE(attack.name);
    fuzz::http1_head(attack.raw);
    const std::size_t body = attack.raw.find("\r\n\r\n");
    if (body != std::string::npos) fuzz::chunked("x" + attack.raw.substr(body + 4));
    fuzz::http1_relay("\x07" + attack.raw + "\xffHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
}

}  // namespace
}  // namespace redoubtful
