#include "common/credential_hosts.hpp"

#include <gtest/gtest.h>

#include "cli/layers.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

using Names = std::vector<std::string>;

// A user's file that a run with -u reads, and what is allowed when `live` credentials were found.
class HostsOfAbsentCredentials : public testing::Test {
 protected:
  HostsOfAbsentCredentials() { tree_.write("builtin/base.yaml", "network: {mode: filtered}\n"); }
  Names allowed(const std::string& yaml, const Names& live) {
    Selection selection;
    selection.use = {tree_.write("p.yaml", yaml)};
    const Profile profile = compose(tree_.places(), selection).value().profile;
    Names out;
    for (const auto& rule : allowed_with(profile.network, profile.credentials, live)) {
      out.push_back(rule.value.text);
    }
    return out;
  }
  TemporaryTree tree_;
};

constexpr const char* kTwo =
    "network: {allow: [own.example]}\n"
    "credentials:\n"
    "  a: {source: env:A, hosts: [x.example, own.example], expose: {env: A}, optional: true}\n"
    "  b: {source: env:B, hosts: [x.example, y.example], expose: {env: B}, optional: true}\n";

TEST_F(HostsOfAbsentCredentials, WhatOnlyAnAbsentOneOpensStaysClosed) {
  EXPECT_EQ(allowed(kTwo, {}), (Names{"own.example"}));
  EXPECT_EQ(allowed(kTwo, {"b"}), (Names{"own.example", "x.example", "y.example"}))
      << "a made the rule for x, and b uses it";
  EXPECT_EQ(allowed(kTwo, {"a"}), (Names{"own.example", "x.example"}));
}

TEST_F(HostsOfAbsentCredentials, NothingBecomesWider) {
  for (const Names& live : {Names{}, Names{"a"}, Names{"b"}, Names{"a", "b"}, Names{"no-such"}}) {
    for (const auto& rule : allowed(kTwo, live)) {
      EXPECT_TRUE(rule == "own.example" || rule == "x.example" || rule == "y.example") << rule;
    }
  }
}

}  // namespace
}  // namespace redoubtful::cli
