#pragma once

// Adds one rule to `network: {allow: ...}` of a YAML document, as a person would: the smallest
// change of its text, every comment kept. [a pure function]
//
// The tree says where; the text is then changed there and read again, and must have become the old
// tree with exactly this rule more. What would not (anchors, several documents, shapes nobody
// writes) is left alone, and the user is told what to write.

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::cli {

struct InsertedRule {
  std::string yaml;  // the whole new document
  int line = 0;      // where the rule stands in it
};

// `rule`: the short form. `file`: for messages. Precondition: the document is valid (load_layer).
// Errors: kInvalidProfile: it cannot be done safely; the hint says which lines to add.
Result<InsertedRule> insert_allow_rule(std::string_view yaml, const std::string& rule,
                                       const std::string& file);

// `text` as a YAML scalar on one line: plain where that is safe, else in double quotes.
// Precondition: no control characters; host rules have none.
std::string yaml_scalar(std::string_view text);

}  // namespace redoubtful::cli
