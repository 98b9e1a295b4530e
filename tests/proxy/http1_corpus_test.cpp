// The inputs that the fuzz targets of HTTP/1 begin with, and the smuggling corpus, replayed.

#include <gtest/gtest.h>

#include "tests/fuzz/http1_relay_target.hpp"
#include "tests/fuzz/http1_targets.hpp"
#include "tests/fuzz/replay.hpp"
#include "tests/proxy/smuggling_cases.hpp"

namespace redoubtful {
namespace {

using fuzz::replay;

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
