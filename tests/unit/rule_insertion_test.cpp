#include "cli/rule_insertion.hpp"

#include <gtest/gtest.h>

#include "cli/profile_loader.hpp"

namespace redoubtful::cli {
namespace {

struct Case {
  std::string before;
  std::string after;
  int line;
};

TEST(RuleInsertion, ChangesAsLittleAsAPersonWould) {
  const Case cases[] = {
      {"", "network:\n  allow:\n    - a.example\n", 3},
      {"# only this\n", "# only this\nnetwork:\n  allow:\n    - a.example\n", 4},
      {"# no newline", "# no newline\nnetwork:\n  allow:\n    - a.example\n", 4},
      {"description: x", "description: x\nnetwork:\n  allow:\n    - a.example\n", 4},
      {"network:\n  allow:\n    - b.example  # why\n    # the end\nlimits: {memory: 1G}\n",
       "network:\n  allow:\n    - b.example  # why\n    - a.example\n    # the end\n"
       "limits: {memory: 1G}\n",
       4},
      {"network:\n  allow:\n  - b.example\n  - {host: c.example,\n     methods: [GET]}\n  deny: "
       "[]\n",
       "network:\n  allow:\n  - b.example\n  - {host: c.example,\n     methods: [GET]}\n"
       "  - a.example\n  deny: []\n",
       6},
      {"network:\n  allow:\n    - host: c.example\n      paths:\n        - /x\n",
       "network:\n  allow:\n    - host: c.example\n      paths:\n        - /x\n    - a.example\n",
       6},
      {"network:\n  allow: [b.example, \"*.c.example\"]  # mine\n",
       "network:\n  allow: [a.example, b.example, \"*.c.example\"]  # mine\n", 2},
      {"network:\n  allow: []\n", "network:\n  allow: [a.example]\n", 2},
      {"network: {allow: [b.example]}\n", "network: {allow: [a.example, b.example]}\n", 1},
      {"network: {mode: filtered}\n", "network: {allow: [a.example], mode: filtered}\n", 1},
      {"network: {}\n", "network: {allow: [a.example]}\n", 1},
      {"network:\n  # the mode\n  mode: filtered\n",
       "network:\n  # the mode\n  allow:\n    - a.example\n  mode: filtered\n", 4},
      {"network:\n    mode: filtered  # four deep\n",
       "network:\n    allow:\n      - a.example\n    mode: filtered  # four deep\n", 3},
      {"network:\n  allow:\n    - b.example",
       "network:\n  allow:\n    - b.example\n    - a.example\n", 4},
      {"network:\r\n  allow:\r\n    - b.example\r\n",
       "network:\r\n  allow:\r\n    - b.example\r\n    - a.example\r\n", 4},
      {"---\ndescription: x\n", "---\ndescription: x\nnetwork:\n  allow:\n    - a.example\n", 5},
      {"\"network\":\n  'allow':\n    - b.example\n",
       "\"network\":\n  'allow':\n    - b.example\n    - a.example\n", 4},
  };
  for (const auto& test : cases) {
    const auto got = insert_allow_rule(test.before, "a.example", "x.yaml");
    ASSERT_TRUE(got) << test.before << got.error().what();
    EXPECT_EQ(got->yaml, test.after);
    EXPECT_EQ(got->line, test.line) << test.after;
    EXPECT_TRUE(load_layer(got->yaml, "x", "x.yaml")) << got->yaml;
  }
}

TEST(RuleInsertion, LeavesAloneWhatItCannotChangeSafely) {
  for (const std::string before : {
           "{description: x}\n",                          // no place for a block
           "{}\n",                                        // the same
           "description: x\n...\n",                       // text behind the end
           "network: &n\n  allow: &a\n    - b.example\n"  // one text, two meanings
           "x: *a\n",
           "network:\n  allow:\n    - >-\n      b.example\n",     // a rule over several lines
           "network:\n  allow: [b.example]\n  deny: [a.example",  // not YAML
       }) {
    const auto got = insert_allow_rule(before, "a.example", "x.yaml");
    EXPECT_FALSE(got) << before << "became\n" << got->yaml;
  }
  const auto got = insert_allow_rule("{}\n", "*.a.example", "~/x.yaml");
  EXPECT_EQ(got.error().what(), "~/x.yaml is written in a way that this command leaves to you");
  EXPECT_EQ(got.error().hint(), "add to its network.allow: - \"*.a.example\"");
}

TEST(RuleInsertion, WritesEveryKindOfRuleSoThatItIsReadBack) {
  for (const std::string rule :
       {"a.example", "*.a.example", "a.example:8443", "tcp://db.example:5432", "ssh://git.example",
        "http://a.example:8080", "192.0.2.1", "[2001:db8::1]:443", "b\u00fccher.example",
        "localhost", "null", "true", "-.example"}) {
    for (const std::string before : {"", "network: {allow: [z.example]}\n"}) {
      const auto got = insert_allow_rule(before, rule, "x.yaml");
      ASSERT_TRUE(got) << rule << ": " << got.error().what();
      if (rule.starts_with("-")) continue;  // no rule, but a scalar
      const auto layer = load_layer(got->yaml, "x", "x.yaml");
      ASSERT_TRUE(layer) << got->yaml << layer.error().what();
      const auto& found = before.empty() ? layer->allow.back() : layer->allow.front();
      EXPECT_EQ(found.value.text, rule);
      EXPECT_EQ(found.origin.line, got->line);
    }
  }
}

}  // namespace
}  // namespace redoubtful::cli
