// The inputs that the fuzz targets of DNS and of the ClientHello begin with, replayed.

#include <gtest/gtest.h>

#include "tests/fuzz/name_targets.hpp"
#include "tests/fuzz/replay.hpp"

namespace redoubtful {
namespace {

using fuzz::replay;

TEST(FuzzCorpus, Dns) { replay("dns", fuzz::dns); }
TEST(FuzzCorpus, ClientHello) { replay("client_hello", fuzz::client_hello); }

}  // namespace
}  // namespace redoubtful
