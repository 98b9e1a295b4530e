#include "cli/path_glob.hpp"

namespace redoubtful::cli {
namespace {

struct Case {
  const char* glob;
  const char* path;
  EntryType type;
};

TEST(PathGlob, MatchesWhatGitignoreWould) {
  const Case cases[] = {
      {".env", ".env", EntryType::kFile},
      {".env", "a/b/.env", EntryType::kFile},
      {"**/.env", ".env", EntryType::kFile},
      {"**/.env", "a/b/.env", EntryType::kSymlink},
      {"secrets/", "secrets", EntryType::kDirectory},
      {"secrets/", "a/secrets", EntryType::kDirectory},
      {"secrets/", "a/secrets", EntryType::kSymlink},
      {"/build", "build", EntryType::kFile},
      {"a/b.key", "a/b.key", EntryType::kFile},
      {"a/**/b", "a/b", EntryType::kFile},
      {"a/**/b", "a/x/y/b", EntryType::kFile},
      {"x/**", "x/y", EntryType::kFile},
      {"x/**", "x/y/z", EntryType::kFile},
      {"**/a/**/b", "q/a/r/a/s/b", EntryType::kFile},
      {"*.pem", "deep/down/key.pem", EntryType::kFile},
      {"*", ".hidden", EntryType::kFile},
      {"?.k", "a.k", EntryType::kFile},
      {"[a-c]x", "bx", EntryType::kFile},
      {"[!a-c]x", "dx", EntryType::kFile},
      {"[]]x", "]x", EntryType::kFile},
      {"[\\]a]x", "]x", EntryType::kFile},
      {"a[-z]", "a-", EntryType::kFile},
      {"\\*", "*", EntryType::kFile},
      {"\\\\[ab]", "\\b", EntryType::kFile},
      {"\\[a", "[a", EntryType::kFile},
      {"\\!x", "!x", EntryType::kFile},
      {"a*b*c", "aXbXbXc", EntryType::kFile},
      {"with space\n", "with space\n", EntryType::kFile},
      {"\xff*", "\xff\xfe", EntryType::kFile},
  };
  for (const auto& one : cases) {
    auto glob = PathGlob::parse(one.glob);
    ASSERT_TRUE(glob) << one.glob << ": " << glob.error().what();
    EXPECT_TRUE(glob->matches(one.path, one.type)) << one.glob << " on " << one.path;
  }
}

TEST(PathGlob, DoesNotMatchMore) {
  const Case cases[] = {
      {".env", ".envrc", EntryType::kFile},
      {".env", ".env/x", EntryType::kFile},
      {"secrets/", "secrets", EntryType::kFile},
      {"/build", "a/build", EntryType::kFile},
      {"a/b.key", "x/a/b.key", EntryType::kFile},
      {"a/*/b", "a/b", EntryType::kFile},
      {"a/*", "a/b/c", EntryType::kFile},
      {"x/**", "x", EntryType::kDirectory},
      {"*.pem", "key.pem.txt", EntryType::kFile},
      {"a*b", "a/b", EntryType::kFile},
      {"?", "ab", EntryType::kFile},
      {"[a-c]x", "dx", EntryType::kFile},
      {"\\*", "x", EntryType::kFile},
      {"a**b", "a/x/b", EntryType::kFile},
  };
  for (const auto& one : cases) {
    auto glob = PathGlob::parse(one.glob);
    ASSERT_TRUE(glob) << one.glob;
    EXPECT_FALSE(glob->matches(one.path, one.type)) << one.glob << " on " << one.path;
  }
}

TEST(PathGlob, RefusesWhatItCannotMeanExactly) {
  const std::string nul("a\0b", 3);
  for (const std::string& text :
       {std::string(), std::string("/"), std::string("a//b"), std::string("../x"),
        std::string("a/./b"), std::string("[a"), std::string("\\\\[a"), std::string("x\\"),
        std::string("!x"), std::string("[[:alpha:]]"), std::string("//"), nul,
        std::string(5000, 'a'), std::string("a\\/b")}) {
    auto glob = PathGlob::parse(text);
    ASSERT_FALSE(glob) << text;
    EXPECT_EQ(glob.error().code(), Errc::kInvalidProfile);
  }
}

TEST(PathGlob, IsNotSlowedDownByManyStars) {
  std::string stars;
  for (int i = 0; i < 30; ++i) stars += "**/a*a*/";
  auto glob = PathGlob::parse(stars + "b");
  ASSERT_TRUE(glob);
  std::string path;
  for (int i = 0; i < 800; ++i) path += "aaaa/";
  EXPECT_FALSE(glob->matches(path + "c", EntryType::kFile));
}

TEST(PathGlobSet, FindsTheFirstOfSeveral) {
  PathGlobSet set;
  for (const char* text : {"*.key", ".env", "a/.env", "/x/.env", "d*/"}) {
    set.add(PathGlob::parse(text).value());
  }
  EXPECT_EQ(set.match("", ".env", EntryType::kFile), 1u);
  EXPECT_EQ(set.match("a", ".env", EntryType::kFile), 1u);
  EXPECT_EQ(set.match("q/r", "z.key", EntryType::kFile), 0u);
  EXPECT_EQ(set.match("q", "docs", EntryType::kDirectory), 4u);
  EXPECT_EQ(set.match("q", "docs", EntryType::kFile), std::nullopt);
  EXPECT_EQ(set.match("", ".en", EntryType::kFile), std::nullopt);
}

}  // namespace
}  // namespace redoubtful::cli
