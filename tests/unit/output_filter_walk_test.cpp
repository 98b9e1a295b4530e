// OutputFilter against an independent model of what a terminal does.

#include <random>

#include "cli/output_filter.hpp"
#include "tests/support/terminal_model.hpp"

namespace redoubtful::cli {
namespace {

std::string whole(std::string_view input) {
  OutputFilter filter;
  std::string out;
  filter.filter(input, out);
  return out;
}

std::string byte_by_byte(std::string_view input) {
  OutputFilter filter;
  std::string out;
  for (std::size_t i = 0; i < input.size(); ++i) filter.filter(input.substr(i, 1), out);
  return out;
}

// Random walks over the bytes that matter, judged by the independent model.
TEST(OutputFilter, NothingGetsPastTheModel) {
  const std::string_view pieces[] = {
      "\x1b",
      "\x1b\x1b",
      "]",
      "\x1b]",
      "52",
      "5",
      "2",
      ";",
      "c;aGk=",
      "\x07",
      "\x1b\\",
      "\x9d",
      "\xc2",
      "\xc2\x9d",
      "\x9c",
      "\xc2\x9c",
      "P",
      "\x1bP",
      "tmux;",
      "\x1bPtmux;",
      "\x1b_",
      "0",
      "1337",
      "Copy=",
      "\x18",
      "\x1a",
      "[",
      "m",
      "\xe2\x80",
      "\x80",
      "q",
      " ",
      "+",
      "\x01",
      "a",
      "\x1b\x1b]",
      "\x1b\x1b\x1b\x1b]",
      "\x1b\x1b\\",
      "5522",
      "\x90",
      "\x9b",
      "\x9e",
      "?",
      "\x1b[",
  };
  std::mt19937 random(4711);
  std::uniform_int_distribution<std::size_t> pick(0, std::size(pieces) - 1);
  for (int round = 0; round < 200'000; ++round) {
    std::string input;
    for (int i = 0; i < 14; ++i) input += pieces[pick(random)];
    const std::string out = whole(input);
    ASSERT_FALSE(test::play(out).touches_clipboard())
        << ::testing::PrintToString(input) << " -> " << ::testing::PrintToString(out);
    ASSERT_EQ(out, byte_by_byte(input)) << ::testing::PrintToString(input);
  }
}

TEST(TerminalModel, SeesTheClipboardWhereItIs) {
  // The control of the test above: the model is not blind.
  EXPECT_TRUE(test::play("\x1b]52;c;aGk=\x07").touches_clipboard());
  EXPECT_TRUE(test::play("\x1b]052;c;aGk=\x1b\\").touches_clipboard());
  EXPECT_TRUE(test::play("\xC2\x9D"
                         "52;c;aGk=\x07")
                  .touches_clipboard());
  EXPECT_TRUE(test::play("\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\").touches_clipboard());
  EXPECT_TRUE(test::play("\x1bP\x1b]52;c;aGk=\x07\x1b\\").touches_clipboard());
  EXPECT_TRUE(
      test::play("\x1bPtmux;\x1b\x1b]5\x1b\\\x1bPtmux;2;c;aGk=\x07\x1b\\").touches_clipboard());
  EXPECT_FALSE(test::play("\x1b]0;52;c;aGk=\x07"
                          "52;c;x")
                   .touches_clipboard());
}

}  // namespace
}  // namespace redoubtful::cli
