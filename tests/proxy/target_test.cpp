// One canonical request target, which every kind of server reads in one way.

#include "proxy/target.hpp"

#include <gtest/gtest.h>

#include <random>

#include "common/network_rules.hpp"
#include "tests/proxy/path_readings.hpp"

namespace redoubtful::proxy {
namespace {

// `sent` is what the origin gets; `judged`, whether a path rule may look at it.
struct Row {
  std::string raw;
  std::string sent;
  bool judged;
};

TEST(Target, HasOneCanonicalForm) {
  const Row rows[] = {
      {"/", "/", true},
      {"/a", "/a", true},
      {"/a/", "/a/", true},
      {"/a/b?c=d", "/a/b?c=d", true},
      {"/?", "/?", true},
      {"/a??b", "/a??b", true},
      {"*", "*", true},

      // Unreserved characters are themselves; other encodings are in capitals.
      {"/%61", "/a", true},
      {"/%41%5A%30%2D%5F%7E", "/AZ0-_~", true},
      {"/%7euser", "/~user", true},
      {"/%c3%a9", "/%C3%A9", true},
      {"/a%20b", "/a%20b", true},
      {"/a%3fb", "/a%3Fb", true},
      {"/a%23b", "/a%23b", true},
      {"/a%3ab", "/a%3Ab", true},
      {"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=", true},
      {"/100%25", "/100%25", true},
      {"/100%25/x", "/100%25/x", true},
      {"/100%25zz", "/100%25zz", true},
      {"/a+b", "/a+b", true},
      {"/%0a%0D", "/%0A%0D", true},

      // What may not stand there as it is is encoded.
      {"/{id}", "/%7Bid%7D", true},
      {"/\"<>^`|[]", "/%22%3C%3E%5E%60%7C%5B%5D", true},

      // Dot segments.
      {"/.", "/", true},
      {"/..", "/", true},
      {"/./a", "/a", true},
      {"/../a", "/a", true},
      {"/a/.", "/a/", true},
      {"/a/..", "/", true},
      {"/a/./b", "/a/b", true},
      {"/a/../b", "/b", true},
      {"/a/b/../../c", "/c", true},
      {"/a/../../../b", "/b", true},
      {"/a/...", "/a/...", true},
      {"/.a/..b/c.", "/.a/..b/c.", true},
      {"/a?../b", "/a?../b", true},

      // Encoded dots become dots, and where those become segments nobody knows who reads what.
      {"/a%2eb", "/a.b", true},
      {"/%2e%2e%2ex", "/...x", true},
      {"/%2e", "/", false},
      {"/%2E%2E/a", "/a", false},
      {"/a/%2e%2e/b", "/b", false},
      {"/a/.%2e/b", "/b", false},
      {"/a/%2E./b", "/b", false},

      // Slashes: empty segments and encoded ones.
      {"//", "//", false},
      {"//a", "//a", false},
      {"/a//b", "/a//b", false},
      {"/a//../b", "/a/b", false},
      {"/.//a", "//a", false},
      {"/a%2fb", "/a%2Fb", false},
      {"/a/..%2Fb", "/a/..%2Fb", false},
      {"/%2f", "/%2F", false},

      // Parameters, which some servers drop before they look.
      {"/a;x", "/a;x", false},
      {"/a;x=y/b", "/a;x=y/b", false},
      {"/..;/a", "/..;/a", false},
      {"/a/..;x/b", "/a/..;x/b", false},
      {"/a%3bx", "/a%3Bx", false},

      // Encoded twice.
      {"/%2541", "/%2541", false},
      {"/%252e%252e/a", "/%252e%252e/a", false},
      {"/%252F", "/%252F", false},
      {"/a%25%34%31", "/a%2541", false},
      {"/%25%32%46", "/%252F", false},
      {"/%25%33b", "/%253b", false},

      // The query stays as it came.
      {"/a?%2e%2E/%zz;//\\\"{}", "/a?%2e%2E/%zz;//\\\"{}", true},
      {"/a?b?c", "/a?b?c", true},
  };
  for (const auto& [raw, sent, judged] : rows) {
    const auto target = canonical_target(raw);
    ASSERT_TRUE(target) << raw << ": " << target.error().what();
    EXPECT_EQ(target->text(), sent) << raw;
    EXPECT_EQ(target->ambiguous, !judged) << raw;
    const auto again = canonical_target(target->text());
    ASSERT_TRUE(again) << raw;
    EXPECT_EQ(again->text(), sent) << raw << ": a second time";
  }
}

TEST(Target, IsRefusedWhereItHasNone) {
  const std::pair<std::string, const char*> rows[] = {
      {"", "begin with"},
      {"a", "begin with"},
      {"?a", "begin with"},
      {"**", "begin with"},
      {"*/", "begin with"},
      {"http://a.example/", "begin with"},
      {"a.example:443", "begin with"},
      {" /a", "begin with"},
      {"/a b", "space"},
      {"/a ", "space"},
      {"/a?b c", "space"},
      {"/a\tb", "control"},
      {"/a\r\nX: y", "control"},
      {"/a\nb", "control"},
      {std::string("/a\0b", 4), "control"},
      {"/a\x7f", "control"},
      {"/a?\x01", "control"},
      {"/\xc3\xa9", "ASCII"},
      {"/a?\xff", "ASCII"},
      {"/a#b", "#"},
      {"/a?b#c", "#"},
      {"/a\\b", "backslash"},
      {"/..\\a", "backslash"},
      {"\\\\a", "begin with"},
      {"/a%5cb", "backslash"},
      {"/a%5Cb", "backslash"},
      {"/%00", "NUL"},
      {"/a%00.png", "NUL"},
      {"/%", "encodes nothing"},
      {"/%a", "encodes nothing"},
      {"/%zz", "encodes nothing"},
      {"/%2", "encodes nothing"},
      {"/%%32e", "encodes nothing"},
      {"/%u002e", "encodes nothing"},
      {"/%2 e", "space"},
  };
  for (const auto& [raw, why] : rows) {
    const auto target = canonical_target(raw);
    ASSERT_FALSE(target) << raw;
    EXPECT_EQ(target.error().code(), Errc::kPeerProtocol);
    EXPECT_NE(target.error().what().find(why), std::string::npos)
        << raw << ": " << target.error().what();
  }
}

TEST(Target, AnOverlongPathIsSentButNotJudged) {
  const auto longest = canonical_target("/" + std::string(8191, 'a'));
  EXPECT_FALSE(longest->ambiguous);
  const auto longer = canonical_target("/" + std::string(8192, 'a'));
  EXPECT_TRUE(longer->ambiguous);
  const auto long_query = canonical_target("/?" + std::string(60'000, 'a'));
  EXPECT_FALSE(long_query->ambiguous) << "no rule looks at the query";
}

// Servers that decode twice, drop parameters or merge slashes must not see another path than the
// one that a rule was applied to.
TEST(Target, WhatIsJudgedIsReadInOneWayByEveryServer) {
  constexpr std::string_view kPieces[] = {"/",   "/",   "a",   "B",   ".",   "..",  "%2e", "%2E",
                                          "%2f", "%2F", "%25", "%5c", ";",   "%3b", "%41", "2e",
                                          "%61", "~",   "+",   "%20", "%C3", "*",   "%2A", ":"};
  std::mt19937 random(7);
  std::size_t judged = 0;
  std::size_t ambiguous = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string raw = "/";
    for (std::size_t n = random() % 8; n > 0; --n) raw += kPieces[random() % std::size(kPieces)];
    const auto target = canonical_target(raw);
    if (!target) continue;
    const auto again = canonical_target(target->text());
    ASSERT_TRUE(again) << raw;
    ASSERT_EQ(again->text(), target->text()) << raw;
    const auto usual = test::read_by(test::kReaders[0], target->path);
    if (target->ambiguous) {
      ++ambiguous;
      continue;
    }
    ++judged;
    for (const auto& reader : test::kReaders) {
      ASSERT_EQ(test::joined(test::read_by(reader, target->path)), test::joined(usual))
          << raw << ", for one that " << reader.name;
      ASSERT_EQ(test::joined(test::read_by(reader, raw)), test::joined(usual))
          << raw << " as it came, for one that " << reader.name;
    }
    EXPECT_FALSE(may_climb(target->path)) << raw;
  }
  EXPECT_GT(judged, 5000u);
  EXPECT_GT(ambiguous, 5000u);
}

TEST(Target, MeetsAGlobInAFormWithoutEncodings) {
  struct Pair {
    const char* glob;
    const char* target;
    bool matches;
  };
  for (const auto& [glob, raw, matches] : {
           Pair{"/a:b", "/a%3Ab", true},
           {"/a%3ab", "/a:b", true},
           {"/%7Euser", "/~user", true},
           {"/{id}", "/%7Bid%7D", true},
           {"/a%20b", "/a%20b", true},
           {"/caf\xc3\xa9", "/caf%C3%A9", true},
           {"/100%25", "/100%25", true},
           {"/a/*", "/a/x%3Fy", true},
           {"/a/*", "/a/*", true},
           {"/a/%2A", "/a/*", true},
           {"/a/%2a", "/a/%2A", true},
           {"/a/%2A", "/a/x", false},
           {"/a*c", "/a%2Ac", true},
           {"/a", "/a%20", false},
           {"/A", "/a", false},
           {"/a", "/a?b", true},
       }) {
    const auto target = canonical_target(raw);
    ASSERT_TRUE(target) << raw;
    EXPECT_EQ(path_matches(comparable_glob(glob), comparable_path(target->path)), matches)
        << glob << " " << raw;
  }
}

TEST(Target, MayClimbWhereSomeServerWouldReadDots) {
  for (const char* path : {"/..%2Fa", "/a/..%2F..%2Fb", "/%252e%252e/a", "/..%252Fa", "/..;/a",
                           "/a/..;x=y", "/..%3Ba/b", "/a%2F..", "/%252e%252e%252fa", "/.%252e/a"}) {
    EXPECT_TRUE(may_climb(path)) << path;
  }
  for (const char* path : {"/", "/a", "/a%2Fb", "/a;b", "/...", "/..a", "/a..", "/a//b", "/.;/a",
                           "/100%25..", "/a%2F.", "*"}) {
    EXPECT_FALSE(may_climb(path)) << path;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
