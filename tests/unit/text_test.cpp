#include "common/text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace redoubtful {
namespace {

TEST(Quoted, EscapesEverythingATerminalCouldObey) {
  EXPECT_EQ(quoted("plain"), "\"plain\"");
  EXPECT_EQ(quoted("a\nb\tc\"d\\"), "\"a\\nb\\tc\\\"d\\\\\"");
  EXPECT_EQ(quoted("\x1b]52;c;AA\x07"), "\"\\x1b]52;c;AA\\x07\"");
  EXPECT_EQ(quoted(std::string_view("a\0b", 3)), "\"a\\x00b\"");
  EXPECT_EQ(quoted("\xc2\x9d"), "\"\\xc2\\x9d\"") << "U+009D is OSC to some terminals";
  EXPECT_EQ(quoted("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(quoted("\xc3"), "\"\\xc3\"") << "cut UTF-8";
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"") << "a surrogate half";
  EXPECT_EQ(quoted("\xc0\x80"), "\"\\xc0\\x80\"") << "overlong NUL";
}

TEST(Quoted, CutsLongInput) { EXPECT_EQ(quoted("abcdef", 3), "\"abc\"…"); }

TEST(DidYouMean, NamesTheNearestAndNothingFarAway) {
  constexpr std::array<std::string_view, 3> kWords{"mounts", "path", "protect"};
  EXPECT_EQ(did_you_mean("mount", kWords), " (did you mean mounts?)");
  EXPECT_EQ(did_you_mean("protcet", kWords), " (did you mean protect?)");
  EXPECT_EQ(did_you_mean("apth", kWords), " (did you mean path?)") << "two neighbours swapped";
  EXPECT_EQ(did_you_mean("zzz", kWords), "");
}

}  // namespace
}  // namespace redoubtful
