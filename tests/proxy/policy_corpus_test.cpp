// The inputs that the fuzz targets of the trusted core begin with, and what they found, replayed.

#include <gtest/gtest.h>

#include "tests/fuzz/policy_targets.hpp"
#include "tests/fuzz/replay.hpp"

namespace redoubtful {
namespace {

using fuzz::replay;

TEST(FuzzCorpus, Target) { replay("target", fuzz::target); }
TEST(FuzzCorpus, Authority) { replay("authority", fuzz::authority); }
TEST(FuzzCorpus, Configuration) { replay("configuration", fuzz::configuration); }

}  // namespace
}  // namespace redoubtful
