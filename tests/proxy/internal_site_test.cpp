// What `redoubtful why` and http://redoubtful.internal/why say of a target, however it is written.

#include "proxy/internal_site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

using ::testing::StartsWith;

TEST(Explain, ATargetIsJudgedAsItIsWritten) {
  const Policy policy = test::RuleList()
                            .allow("a.example")
                            .allow("http://a.example")
                            .allow("tcp://a.example:5432")
                            .allow("ssh://git.example")
                            .allow("b.example", {"GET"}, {"/only/**"})
                            .policy();
  struct Row {
    const char* target;
    const char* words;
  };
  for (const Row& row : {
           Row{"a.example", "allowed by a.example (p.yaml:1)"},
           Row{"https://a.example/x?y#z", "allowed by a.example (p.yaml:1)"},
           Row{"HTTP://a.example", "allowed by http://a.example (p.yaml:2)"},
           Row{"tcp://a.example:5432", "allowed by tcp://a.example:5432 (p.yaml:3); what goes"},
           Row{"tcp://a.example", "tcp:// needs a port"},
           Row{"https://b.example/only/this", "allowed by b.example (p.yaml:5)"},
           Row{"https://b.example/other", "refused: GET https://b.example/other: this method"},
           // As remotes of git have it.
           Row{"ssh://git.example", "allowed by ssh://git.example (p.yaml:4)"},
           Row{"ssh://git@git.example/a/b.git", "allowed by ssh://git.example (p.yaml:4)"},
           Row{"ssh://git@git.example:22/a", "allowed by ssh://git.example (p.yaml:4)"},
           Row{"git@git.example:a/b.git", "allowed by ssh://git.example (p.yaml:4)"},
           Row{"git@git.example", "allowed by ssh://git.example (p.yaml:4)"},
           Row{"git@a.example:a/b.git", "refused: a.example:22: "},
           Row{"git@c.example:a/b.git",
               "refused: c.example:22: no rule allows it. Allow it with: redoubtful allow "
               "ssh://c.example"},
           // A password has no place here, and what looks like one is none of the host's.
           Row{"https://user:word@a.example/", "\"word@a.example\" is not a port"},
           Row{"https://user@a.example/", "\"user@a.example\" is not a host"},
           Row{"a.example/x@b.example", "allowed by a.example (p.yaml:1)"},
           Row{"", "\"\" is not a host"},
           Row{"git@", "\"\" is not a host"},
       }) {
    EXPECT_THAT(explain(policy, row.target, "GET").text, StartsWith(row.words)) << row.target;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
