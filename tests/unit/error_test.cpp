#include "common/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace redoubtful {
namespace {

TEST(Error, NamesWhatWeWereDoingOutermostFirst) {
  Error error =
      Error::system_call("cannot open \"x\"", ENOENT).during("reading a").during("loading b");
  EXPECT_EQ(error.what(), "loading b: reading a: cannot open \"x\": No such file or directory");
  EXPECT_EQ(error.code(), Errc::kSystemCall);
}

TEST(Error, KeepsTheLastHint) {
  EXPECT_EQ(Error(Errc::kUsage, "x").hint("a").hint("b").hint(), "b");
}

TEST(Error, MapsToTheExitStatusesOfTheDesign) {
  EXPECT_EQ(exit_status(Errc::kUsage), 64);
  EXPECT_EQ(exit_status(Errc::kInvalidProfile), 78);
  EXPECT_EQ(exit_status(Errc::kInvalidMount), 78);
  EXPECT_EQ(exit_status(Errc::kNotYet), 78);
  EXPECT_EQ(exit_status(Errc::kMissingProgram), 125);
  EXPECT_EQ(exit_status(Errc::kSystemCall), 125);
}

}  // namespace
}  // namespace redoubtful
