#include "cli/output_filter.hpp"

#include <gmock/gmock.h>

#include "tests/support/terminal_model.hpp"

namespace redoubtful::cli {
namespace {

using namespace std::string_literals;
using Queries = OutputFilter::Queries;

std::string whole(std::string_view input, Queries queries = Queries::kPass) {
  OutputFilter filter;
  filter.set_queries(queries);
  std::string out;
  filter.filter(input, out);
  return out;
}

std::string byte_by_byte(std::string_view input, Queries queries = Queries::kPass) {
  OutputFilter filter;
  filter.set_queries(queries);
  std::string out;
  for (std::size_t i = 0; i < input.size(); ++i) filter.filter(input.substr(i, 1), out);
  return out;
}

// Every way of cutting it in two.
void expect_for_every_split(std::string_view input, const std::string& wanted,
                            Queries queries = Queries::kPass) {
  for (std::size_t at = 0; at <= input.size(); ++at) {
    OutputFilter filter;
    filter.set_queries(queries);
    std::string out;
    filter.filter(input.substr(0, at), out);
    filter.filter(input.substr(at), out);
    EXPECT_EQ(out, wanted) << ::testing::PrintToString(std::string(input)) << " cut at " << at;
  }
  EXPECT_EQ(byte_by_byte(input, queries), wanted);
}

TEST(OutputFilter, DropsClipboardWritesInEveryForm) {
  struct Case {
    std::string input;
    std::string passes;
  };
  const Case cases[] = {
      {"a\x1b]52;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]52;c;aGk=\x1b\\b", "ab"},
      {"a\x1b]52;;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]52;c;?\x07"
       "b",
       "ab"},
      {"a\x1b]052;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]0000000052;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b] 52;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]+52;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]5\x01"
       "2;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]5\0002;c;aGk=\x07"
       "b"s,
       "ab"},
      {"a\x1b\0]52;c;aGk=\x07"
       "b"s,
       "ab"},
      {"a\x1b]52:c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]65588;c;aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]4294967348;c;aGk=\x07"
       "b",
       "ab"},
      {"a\xC2\x9D"
       "52;c;aGk=\x07"
       "b",
       "ab"},
      {"a\xC2\x9D"
       "52;c;aGk=\xC2\x9C"
       "b",
       "ab"},
      {"a\x9D"
       "52;c;aGk=\x9C"
       "b",
       "ab"},
      {"a\x1b]52;c;aGk=\x18"
       "b",
       "ab"},
      {"a\x1b]52;c;aGk=\x1b[31mb", "a\x1b[31mb"},
      {"a\x1b]0;t\x1b]52;c;aGk=\x07"
       "b",
       "a\x1b]0;t\x1b\\b"},
      {"a\x1b[1\x1b]52;c;aGk=\x07"
       "b",
       "a\x1b[1\x1b\\b"},
      {"a\x1b]5522;type=write\x1b\\b", "ab"},
      {"a\x1b]1337;CopyToClipboard=\x07"
       "b",
       "ab"},
      {"a\x1b]1337;Copy=:aGk=\x07"
       "b",
       "ab"},
      {"a\x1b]1337;cOPY=:aGk=\x07"
       "b",
       "ab"},
      // Wrapped for tmux, once and twice, and for screen.
      {"a\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\b", "a\x1bPtmux;\x1b\\b"},
      {"a\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\b", "a\x1bPtmux;\x1b\\b"},
      {"a\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\\b", "a\x1bPtmux;\x1b\\b"},
      {"a\x1bPtmux;\x1b\x1bPtmux;\x1b\x1b\x1b\x1b]52;c;aGk=\x07\x1b\x1b\\\x1b\\b",
       "a\x1bPtmux;\x1b\x1bPtmux;\x1b\x1b\\\x1b\\b"},
      {"a\x1bP\x1b]52;c;aGk=\x07\x1b\\b", "a\x1bP\x1b\\\x1b\\b"},
      // Cut over two tmux strings.
      {"\x1bPtmux;\x1b\x1b]5\x1b\\\x1bPtmux;2;c;aGk=\x07\x1b\\",
       "\x1bPtmux;\x1b\\\x1bPtmux;2;c;aGk=\x07\x1b\\"},
      {"\x1bPtmux;\x1b\x1b\x1b\\\x1bPtmux;]52;c;aGk=\x07\x1b\\",
       "\x1bPtmux;\x1b\\\x1bPtmux;]52;c;aGk=\x07\x1b\\"},
      // Keys that type a command when pressed (DECUDK).
      {"a\x1bP0;1|17/726d\x1b\\b", "ab"},
  };
  for (const Case& example : cases) {
    const std::string& input = example.input;
    expect_for_every_split(input, example.passes);
    EXPECT_FALSE(test::play(example.passes).touches_clipboard());
  }
}

TEST(OutputFilter, PassesEverythingElseUnchanged) {
  const std::string cases[] = {
      "plain text\r\n\ttabs \b\a\v\f",
      "\x1b[1;31mred\x1b[0m \x1b[?1049h\x1b[2J\x1b[H\x1b[38;2;1;2;3m\x1b[4:3m",
      "\x1b]0;a title\x07\x1b]2;another\x1b\\",
      "\x1b]8;;https://example.com/?a=b\x1b\\link\x1b]8;;\x1b\\",
      "\x1b]4;1;rgb:ff/00/00\x07\x1b]104\x07\x1b]112\x1b\\",
      ("\x1b]133;A\x07$ "
       "\x1b]633;B\x07\x1b]7;file://host/dir\x07\x1b]9;done\x07\x1b]777;notify;a;b\x07"),
      "\x1b]520;x\x07\x1b]152;x\x07\x1b]5;x\x07\x1b]2;52;c;x\x07",
      "\x1b]1337;SetMark\x07\x1b]1337;File=inline=1:AAAA\x07\x1b]1337;Co\x07",
      "\x1bP0;1;0q\"1;1;10;10#0;2;0;0;0#0~~@@vv?-?\x1b\\",
      "\x1b_Ga=T,f=100;AAAA\x1b\\",
      "\x1bPtmux;\x1b\x1b]0;title\x07\x1b\\ \x1bPtmux;\x1b\x1b]0;title\x1b\x1b\\\x1b\\",
      "\x1bP\x1b]0;for screen\x07\x1b\\",
      "\x1bP=1s\x1b\\\x1bP=2s\x1b\\",
      ("\x1b(0lqk\x1b(B\x1b)0\x1b%G\x1b#8\x1b=\x1b>\x1b"
       "7\x1b"
       "8\x1bM\x1b"
       "c"),
      "\x1bXstring\x1b\\\x1b^private\x1b\\",
      ("quotes \xE2\x80\x9C"
       "52;c;\xE2\x80\x9D \xC3\x9D \xE2\x9D\xA4 \xF0\x9F\x98\x9D"
       "52;c;x"),
      "\xC2\xA0\xC2\xAB\xC2\x85 \xEF\xBF\xBD",
      "latin-1: \xE9\xE8 \xFF\xFE \xC3( \xE2\x28\xA1",
      ("\x9B"
       "31m\xC2\x9B"
       "0m"),
      "\x1b[6n\x1b[c\x1b[>c\x1b[?1;2c\x1b]11;?\x07\x1bP$qm\x1b\\\x1bP+q544e\x1b\\\x05\x1bZ",
      "\x1b[200~pasted\x1b[201~",
      "\x1b\x1b[A",
      "\x1b]P0000000\x1b]R",
  };
  for (const std::string& input : cases) expect_for_every_split(input, input);
}

TEST(OutputFilter, AfterLeavingUtf8ABareByteIsAControl) {
  // ISO 2022: ESC % @. A quotation mark's last byte is then OSC.
  const std::string attack =
      "\x1b%@\xC3\x9D"
      "52;c;aGk=\x07";
  EXPECT_EQ(whole(attack), "\x1b%@\xC3");
  EXPECT_EQ(byte_by_byte(attack), "\x1b%@\xC3");
  const std::string back =
      "\x1b%@\x1b%G\xC3\x9D"
      "52;c;aGk=\x07";
  EXPECT_EQ(whole(back), back);
}

TEST(OutputFilter, DropsQuestionsWhileNobodyListens) {
  struct Case {
    std::string input;
    std::string passes;
  };
  const Case cases[] = {
      {"a\x1b[6nb", "ab"},
      {"a\x1b[cb", "ab"},
      {"a\x1b[>0cb", "ab"},
      {"a\x1b[?6nb", "ab"},
      {"a\x1b[21tb", "ab"},
      {"a\x1b[14tb", "ab"},
      {"a\x1b[>qb", "ab"},
      {"a\x1b[?ub", "ab"},
      {"a\x1b[?2026$pb", "ab"},
      {"a\x1b[0xb", "ab"},
      {"a\x1b[?1;1;0Sb", "ab"},
      {"a\x9B"
       "6nb",
       "ab"},
      {"a\x05"
       "b",
       "ab"},
      {"a\x1bZb", "ab"},
      {"a\x1b]11;?\x07"
       "b",
       "ab"},
      {"a\x1b]4;1;?\x1b\\b", "ab"},
      {"a\x1bP$qm\x1b\\b", "ab"},
      {"a\x1bP+q544e\x1b\\b", "ab"},
      {"a\x1b_Ga=q,i=1;AAAA\x1b\\b", "ab"},
      {"a\x1b]1337;ReportCellSize\x07"
       "b",
       "ab"},
      {"a\x1b[6\x01nb", "ab"},
      // And what is no question passes.
      {"a\x1b[1m\x1b[2J\x1b[3;4H\x1b[5S\x1b[>4;1m\x1b[8;34;80tb",
       "a\x1b[1m\x1b[2J\x1b[3;4H\x1b[5S\x1b[>4;1m\x1b[8;34;80tb"},
      {"a\x1b]0;what?\x07"
       "b",
       "a\x1b]0;what?\x07"
       "b"},
      {"a\x1b[2 q\x1b[!p\x1b[>1ub", "a\x1b[2 q\x1b[!p\x1b[>1ub"},
  };
  for (const Case& example : cases) {
    expect_for_every_split(example.input, example.passes, Queries::kDrop);
  }
}

TEST(OutputFilter, CountsTheQuestionsItPasses) {
  struct Case {
    std::string input;
    std::uint64_t questions;
  };
  const Case cases[] = {
      {"text? \x1b[31m\x1b]0;why?\x07\x1b[?25h", 0},
      {"\x1b[c", 1},
      {"\x1b[6n\x1b[>c", 2},
      {"\x1b]10;?\x07", 1},
      {"\x1b]10;red\x07", 0},
      {"\x1bP$q\"p\x1b\\", 1},
      {"\x1bPtmux;\x1b\x1b[c\x1b\\", 1},
      {"\x1b[6\xC3\xA9n", 1},  // some terminals would read on
  };
  for (const Case& example : cases) {
    OutputFilter filter;
    std::string out;
    filter.filter(example.input, out);
    EXPECT_EQ(filter.queries_passed(), example.questions)
        << ::testing::PrintToString(example.input);
  }
}

TEST(OutputFilter, AllowsWritesButNotReadsWhenAsked) {
  const auto allowed = [](std::string_view input) {
    OutputFilter filter(OutputFilter::Clipboard::kPass);
    std::string out;
    for (const char c : input) filter.filter({&c, 1}, out);
    return out;
  };
  EXPECT_EQ(allowed("a\x1b]52;c;aGk=\x07"
                    "b"),
            "a\x1b]52;c;aGk=\x07"
            "b");
  EXPECT_EQ(allowed("a\x1b]52;;aGk=\x1b\\b"), "a\x1b]52;;aGk=\x1b\\b");
  EXPECT_EQ(allowed("a\x1b]52;c;?\x07"
                    "b"),
            "ab");
  EXPECT_EQ(allowed("a\x1b]52;c;\x01?\x07"
                    "b"),
            "ab");
}

TEST(OutputFilter, UnfinishedSequencesNeedNoMemory) {
  OutputFilter filter;
  std::string out;
  const std::string chunk(100'000, '0');
  filter.filter("\x1b]52;c;", out);
  for (int i = 0; i < 100; ++i) filter.filter(chunk, out);
  EXPECT_EQ(out, "");
  filter.filter(
      "\x07"
      "after",
      out);
  EXPECT_EQ(out, "after");
  // A number that never ends, an introducer padded with controls.
  out.clear();
  filter.filter("\x1b]", out);
  for (int i = 0; i < 100; ++i) filter.filter(chunk, out);
  filter.filter(
      "52;c;x\x07"
      "after",
      out);
  EXPECT_EQ(out, "after");
  out.clear();
  filter.filter("\x1b" + std::string(1000, '\0') + "]52;c;x\x07", out);
  EXPECT_FALSE(test::play(out).touches_clipboard());
}

TEST(OutputFilter, FinishLeavesTheTerminalInText) {
  struct Case {
    std::string input;
    std::string passes;
  };
  const Case cases[] = {
      {"a\x1b", "a"},
      {"a\x1b[3", "a"},
      {"a\x1b]52;c;aG", "a"},
      {"a\x1b]0;tit", "a\x1b]0;tit\x1b\\"},
      {"a\x1bPq#0", "a\x1bPq#0\x1b\\"},
      {"a\xC2", "a"},
      {"a", "a"},
  };
  for (const Case& example : cases) {
    OutputFilter filter;
    std::string out;
    filter.filter(example.input, out);
    filter.finish(out);
    EXPECT_EQ(out, example.passes);
    filter.filter("b", out);
    EXPECT_EQ(out, example.passes + "b");
  }
}

}  // namespace
}  // namespace redoubtful::cli
