// The inputs that the fuzz targets of AWS signatures and of logins begin with, replayed.

#include <gtest/gtest.h>

#include "tests/fuzz/login_target.hpp"
#include "tests/fuzz/replay.hpp"
#include "tests/fuzz/sigv4_target.hpp"

namespace redoubtful {
namespace {

using fuzz::replay;

TEST(FuzzCorpus, Login) { replay("login", fuzz::login); }
TEST(FuzzCorpus, SigV4) { replay("sigv4", fuzz::sigv4); }
TEST(FuzzCorpus, SigV4Chunks) { replay("sigv4_chunks", fuzz::sigv4_chunks); }

}  // namespace
}  // namespace redoubtful
