#include "common/network_rules.hpp"

#include <gtest/gtest.h>

namespace redoubtful {
namespace {

HostRule make(std::string_view text, HostRule::List list) {
  return HostRule::parse(text, list).value();
}

struct Net : NetworkProfile {
  Net& allows(std::string_view text, std::vector<std::string> methods = {},
              std::vector<std::string> paths = {}) {
    return add(allow, text, HostRule::List::kAllow, std::move(methods), std::move(paths));
  }
  Net& denies(std::string_view text, std::vector<std::string> methods = {},
              std::vector<std::string> paths = {}) {
    return add(deny, text, HostRule::List::kDeny, std::move(methods), std::move(paths));
  }
  Net& asks(std::string_view text) { return add(ask, text, HostRule::List::kAsk, {}, {}); }
  Net& splices(std::string_view text) {
    allows(text);
    allow.back().value.splice = true;
    return *this;
  }
  Net& add(std::vector<Sourced<HostRule>>& to, std::string_view text, HostRule::List list,
           std::vector<std::string> methods, std::vector<std::string> paths) {
    HostRule rule = make(text, list);
    rule.methods = std::move(methods);
    rule.paths = std::move(paths);
    to.push_back({std::move(rule), {}});
    return *this;
  }
};

Access to(std::string_view host, int port = 443, Scheme scheme = Scheme::kHttps,
          std::optional<std::string_view> method = "GET",
          std::optional<std::string_view> path = "/") {
  const bool opaque = scheme == Scheme::kTcp || scheme == Scheme::kSsh;
  return {Host::parse(host).value(), Port::parse(std::to_string(port)).value(), scheme,
          opaque ? std::nullopt : method, opaque ? std::nullopt : path};
}

TEST(Decide, DeniesWhatNoRuleNames) {
  EXPECT_EQ(decide(Net(), to("a.example")).decision, Decision::kDeny);
  EXPECT_EQ(decide(Net(), to("a.example")).rule, nullptr);
}

TEST(Decide, DenyBeatsAskBeatsAllowInWhateverOrder) {
  const auto net =
      Net().denies("c.x.example").allows("*.x.example").asks("b.x.example").allows("b.x.example");
  EXPECT_EQ(decide(net, to("a.x.example")).decision, Decision::kAllow);
  EXPECT_EQ(decide(net, to("b.x.example")).decision, Decision::kAsk);
  EXPECT_EQ(decide(net, to("c.x.example")).decision, Decision::kDeny);
  EXPECT_EQ(decide(net, to("c.x.example")).rule, &net.deny[0]);
}

TEST(Decide, AllowsTheNamedSchemeAndPortOnly) {
  const auto net = Net().allows("a.example").allows("tcp://b.example:5432");
  EXPECT_EQ(decide(net, to("a.example")).decision, Decision::kAllow);
  EXPECT_EQ(decide(net, to("a.example", 80, Scheme::kHttp)).decision, Decision::kDeny);
  EXPECT_EQ(decide(net, to("a.example", 8443)).decision, Decision::kDeny);
  EXPECT_EQ(decide(net, to("a.example", 443, Scheme::kTcp)).decision, Decision::kDeny);
  EXPECT_EQ(decide(net, to("b.example", 5432, Scheme::kTcp)).decision, Decision::kAllow);
  EXPECT_EQ(decide(net, to("b.example", 5432)).decision, Decision::kDeny);
}

TEST(Decide, ABareDenyHoldsOnEveryPortAndScheme) {
  const auto net =
      Net().allows("tcp://a.example:25").allows("http://a.example").denies("a.example");
  EXPECT_EQ(decide(net, to("a.example", 25, Scheme::kTcp)).decision, Decision::kDeny);
  EXPECT_EQ(decide(net, to("a.example", 80, Scheme::kHttp)).decision, Decision::kDeny);
}

TEST(Decide, ATunnelDoesNotCarryWhatIsDeniedInIt) {
  const auto scheme = Net().allows("tcp://a.example:443").denies("https://a.example");
  EXPECT_EQ(decide(scheme, to("a.example", 443, Scheme::kTcp)).decision, Decision::kDeny);
  const auto method = Net().allows("tcp://a.example:443").denies("a.example", {"DELETE"});
  EXPECT_EQ(decide(method, to("a.example", 443, Scheme::kTcp)).decision, Decision::kDeny);
  const auto spliced = Net().splices("a.example").denies("a.example", {"DELETE"});
  EXPECT_EQ(decide(spliced, to("a.example")).decision, Decision::kDeny);
  const auto other_port = Net().allows("tcp://a.example:25").denies("https://a.example");
  EXPECT_EQ(decide(other_port, to("a.example", 25, Scheme::kTcp)).decision, Decision::kAllow);
}

TEST(Decide, MethodsAndPathsNarrowBothWays) {
  const auto net = Net()
                       .allows("a.example", {"GET"}, {"/repos/**"})
                       .denies("a.example", {"GET"}, {"/repos/x/*"});
  const auto get = [&](std::string_view path, std::string_view method = "GET") {
    return decide(net, to("a.example", 443, Scheme::kHttps, method, path)).decision;
  };
  EXPECT_EQ(get("/repos/y/z"), Decision::kAllow);
  EXPECT_EQ(get("/repos/x/z"), Decision::kDeny);
  EXPECT_EQ(get("/repos/x/z/w"), Decision::kAllow) << "'*' does not cross a slash";
  EXPECT_EQ(get("/user"), Decision::kDeny);
  EXPECT_EQ(get("/repos/y", "POST"), Decision::kDeny);
  const Access unseen = to("a.example", 443, Scheme::kHttps, std::nullopt, std::nullopt);
  EXPECT_EQ(decide(net, unseen).decision, Decision::kDeny);
}

TEST(Decide, ReportsTheMostSpecificAllow) {
  const auto net =
      Net().allows("*.example.com").allows("*.b.example.com").allows("a.b.example.com");
  EXPECT_EQ(decide(net, to("a.b.example.com")).rule, &net.allow[2]);
  EXPECT_EQ(decide(net, to("c.b.example.com")).rule, &net.allow[1]);
  EXPECT_EQ(decide(net, to("c.example.com")).rule, &net.allow[0]);
  const auto spliced = Net().allows("a.example").splices("a.example");
  EXPECT_EQ(decide(spliced, to("a.example")).rule, &spliced.allow[1]);
}

TEST(Decide, TheModeNoneAllowsNothing) {
  auto net = Net().allows("a.example").asks("b.example");
  net.mode.value = NetworkMode::kNone;
  EXPECT_EQ(decide(net, to("a.example")).decision, Decision::kDeny);
  EXPECT_EQ(decide(net, to("b.example")).decision, Decision::kDeny);
  net.mode.value = NetworkMode::kDangerouslyOpen;
  net.ask.clear();
  EXPECT_EQ(decide(net, to("z.example", 25, Scheme::kTcp)).decision, Decision::kAllow);
}

TEST(PathMatches, ReadsStarsAndNothingElse) {
  struct Row {
    const char* glob;
    const char* path;
    bool matches;
  };
  for (const auto& row :
       {Row{"/user", "/user", true}, Row{"/user", "/users", false}, Row{"/user", "/user/", false},
        Row{"/*", "/a", true}, Row{"/*", "/a/b", false}, Row{"/**", "/a/b", true},
        Row{"/**", "/", true}, Row{"/a/*/c", "/a/b/c", true}, Row{"/a/*/c", "/a/b/b/c", false},
        Row{"/a/**/c", "/a/b/b/c", true}, Row{"/a*", "/abc", true}, Row{"/a?", "/ab", false},
        Row{"/[a]", "/a", false}, Row{"", "", true}, Row{"", "/", false}}) {
    EXPECT_EQ(path_matches(row.glob, row.path), row.matches) << row.glob << " " << row.path;
  }
}

TEST(PathMatches, ManyStarsCostNoMoreThanTheirProduct) {
  std::string glob;
  for (int i = 0; i < 500; ++i) glob += "*a";
  std::string path(4000, 'a');
  path += 'b';
  EXPECT_FALSE(path_matches(glob, path));
}

}  // namespace
}  // namespace redoubtful
