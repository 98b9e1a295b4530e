#include "cli/yaml_document.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace redoubtful::cli {
namespace {

std::string why(std::string_view yaml) {
  const auto parsed = parse_yaml(yaml, "f.yaml");
  return parsed ? "accepted" : parsed.error().what();
}

TEST(YamlDocument, KnowsTheLineAndColumnOfEverything) {
  const auto root = parse_yaml("a: 1\nb:\n  - x\n  - {c: d}\n", "f").value();
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[1].key, "b");
  EXPECT_EQ(root.entries[1].line, 2);
  const auto& list = root.entries[1].value;
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].line, 3);
  EXPECT_EQ(list.items[0].column, 5);
  EXPECT_EQ(list.items[1].entries[0].value.text, "d");
  EXPECT_EQ(list.items[1].entries[0].value.column, 9);
}

TEST(YamlDocument, AnEmptyDocumentIsNull) {
  for (const auto* text :
       {"", "# only a comment\n", "# no newline", "---\n", "...\n", "\xEF\xBB\xBF"}) {
    const auto root = parse_yaml(text, "f");
    ASSERT_TRUE(root) << text;
    EXPECT_EQ(root->kind, YamlNode::Kind::kNull) << text;
  }
}

TEST(YamlDocument, TakesEveryWayToEndADocument) {
  for (const auto* text : {"a: b", "a: b\n", "a: b\r\n", "a: b\n...\n", "a: b\n...", "a: b # c",
                           "---\na: b\n", "a: |\n  b", "{a: b}", "a: \"b\"", "a: 'b'"}) {
    const auto root = parse_yaml(text, "f");
    ASSERT_TRUE(root) << text << root.error().what();
    ASSERT_EQ(root->entries.size(), 1U) << text;
    EXPECT_EQ(root->entries[0].value.text.substr(0, 1), "b") << text;
  }
}

TEST(YamlDocument, RefusesWhatAProfileNeverNeeds) {
  using namespace std::string_literals;
  const std::pair<std::string, const char*> table[] = {
      {"a: 1\na: 2\n", "f.yaml:2:1: the key \"a\" stands here for the second time"},
      {"a: !!str x\n", "f.yaml:1:4: tags are not allowed"},
      {"a: !include /etc/passwd\n", "tags are not allowed"},
      {"a: 1\n---\nb: 2\n", "a second document begins here"},
      {"? [x]\n: y\n", "a key must be a single word"},
      {"~: y\n", "a key must be a single word"},
      {"a: [\n", "not YAML"},
      {"a: \"\n", "not YAML"},
      {"a: 'x\nnetwork:\n  deny: [a.example]\n", "not YAML"},
      {"a: \"x\\\"\nb: 1\n", "not YAML"},
      {"a: b: c\n", "not YAML"},
      {"a: 1\n]\nb: 2\n", "f.yaml:2:1:"},
      {"a: 1\n- b\n", "f.yaml:2:1:"},
      {"{a: 1} b: 2\n", "f.yaml:1:1: a key must be"},
      {"a: *nowhere\n", "not YAML"},
      {"\tb: 1\n", "not YAML"},
      {"a: \xFFx\n", "f.yaml:1:4: not UTF-8 text: \"\\xff\""},
      {"x: 1\na: \xED\xA0\x80\n", "f.yaml:2:4: not UTF-8"},
      {"a: b\0c\n"s, "not UTF-8 text"},
      {"a: \x1b[31m\n", "not UTF-8 text"},
      {"\xFF\xFE"
       "a\0:\0"s,
       "not UTF-8 text"},
  };
  for (const auto& [yaml, expected] : table) {
    EXPECT_NE(why(yaml).find(expected), std::string::npos) << yaml << "\n" << why(yaml);
  }
}

TEST(YamlDocument, AliasesMayBeUsedWithinReason) {
  const auto root = parse_yaml("a: &x [1, 2]\nb: *x\n", "f").value();
  EXPECT_EQ(root.entries[1].value.items.size(), 2U);
  EXPECT_EQ(root.entries[1].value.line, 2);
}

TEST(YamlDocument, AMillionLaughsAreRefusedAtOnce) {
  std::string bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += (j > 0 ? ", " : "") + before;
    bomb += "]\n";
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_NE(why(bomb).find("counting what aliases stand for"), std::string::npos) << why(bomb);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(YamlDocument, AnchorsThatNestCopyNoMoreThanTheyMay) {
  std::string text;
  for (int i = 0; i < 14; ++i) text += "&a" + std::to_string(i) + " [";
  for (int i = 0; i < 4000; ++i) text += "x,";
  for (int i = 0; i < 14; ++i) text += "]";
  EXPECT_NE(why(text).find("counting what aliases stand for"), std::string::npos) << why(text);
}

TEST(YamlDocument, AnAliasToItselfIsRefused) {
  EXPECT_NE(why("a: &a [*a]\n").find("f.yaml:1:"), std::string::npos) << why("a: &a [*a]\n");
}

TEST(YamlDocument, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    std::string text(depth, '[');
    return text.append("x").append(depth, ']');
  };
  EXPECT_EQ(why(nested(kMaxYamlDepth)), "accepted");
  EXPECT_NE(why(nested(kMaxYamlDepth + 1)).find("nested deeper"), std::string::npos);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_NE(why(std::string(200'000, '[')), "accepted");
  EXPECT_NE(why(std::string(200'000, '{')), "accepted");
  std::string blocks;
  for (int i = 0; i < 600; ++i) blocks += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_NE(why(blocks), "accepted");
  std::string dashes;
  for (int i = 0; i < 60'000; ++i) dashes += "- ";
  EXPECT_NE(why(dashes), "accepted");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(YamlDocument, DepthCountsWhatAnAliasStandsFor) {
  std::string text = "a: &a [[[[[[[[[[x]]]]]]]]]]\nb: [[[[[[[[[[*a]]]]]]]]]]\n";
  EXPECT_NE(why(text).find("nested deeper"), std::string::npos) << why(text);
}

TEST(YamlDocument, SizeIsBounded) {
  EXPECT_NE(why("#" + std::string(kMaxYamlBytes, 'x')).find("longer than"), std::string::npos);
  std::string many = "[";
  for (std::size_t i = 0; i <= kMaxYamlNodes; ++i) many += "x,";
  EXPECT_NE(why(many + "]").find("more than 20000 values"), std::string::npos);
}

}  // namespace
}  // namespace redoubtful::cli
