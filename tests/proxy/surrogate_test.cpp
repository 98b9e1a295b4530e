#include "proxy/surrogate.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

namespace redoubtful::proxy {
namespace {

Secret secret(std::string text) {
  auto taken = Secret::take(std::move(text));
  EXPECT_TRUE(taken) << taken.error().what();
  return std::move(*taken);
}

TEST(Surrogate, KeepsPrefixLengthAndAlphabet) {
  const std::pair<const char*, const char*> cases[] = {
      {"sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx-0123456789_AA", "sk-ant-api03-"},
      {"sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "sk-proj-"},
      {"ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_"},
      {"github_pat_11ABCDEFG0abcdefghijkl_0123456789abcdef", "github_pat_"},
      {"AIzaSyA-abcdefghijklmnopqrstuvwxyz01234", "AIza"},
      {"a1b2c3d4-e5f6-a7b8-c9d0-e1f2a3b4c5d6", ""},
  };
  for (const auto& [real, prefix] : cases) {
    const std::string text = real;
    const auto made = make_surrogate(secret(text));
    ASSERT_TRUE(made) << real;
    EXPECT_NE(*made, text);
    EXPECT_TRUE(made->starts_with(prefix)) << *made;
    ASSERT_EQ(made->size(), text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto class_of = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return std::isdigit(byte) ? 'd' : std::islower(byte) ? 'l' : std::isupper(byte) ? 'u' : c;
      };
      EXPECT_EQ(class_of((*made)[i]), class_of(text[i])) << *made << " at " << i;
    }
  }
}

TEST(Surrogate, HexadecimalStaysHexadecimal) {
  const auto made = make_surrogate(secret("0123456789abcdef0123456789abcdef0123456789abcdef"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->find_first_not_of("0123456789abcdef"), std::string::npos) << *made;
}

TEST(Surrogate, IsAnotherOneEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i)
    seen.insert(*make_surrogate(secret("ghp_abcdefghijklmnopqrstuvwxyz0123456789")));
  EXPECT_EQ(seen.size(), 200U);
}

TEST(Surrogate, IsRefusedForWhatCouldBeOtherText) {
  for (const char* text :
       {"hunter2", "password123", "------------------------------", "sk-ant-api03-abc"}) {
    const auto made = make_surrogate(secret(text));
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code(), Errc::kInvalidSecret);
    EXPECT_EQ(made.error().what().find(text), std::string::npos) << "the value is never shown";
  }
}

TEST(Secret, TakesAndErasesTheCallersCopy) {
  std::string text = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  const char* bytes = text.data();
  const auto taken = Secret::take(std::move(text));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->expose(), "ghp_abcdefghijklmnopqrstuvwxyz0123456789");
  EXPECT_EQ(std::string(bytes, 4), std::string(4, '\0'));
}

TEST(Secret, RefusesWhatNoFieldCanCarryAndNeverShowsIt) {
  for (const std::string& text :
       {std::string(), std::string("two\nlines-of-text"), std::string("nul\0byte-of-text", 16),
        std::string("Zq7x\rreturn"), std::string(Secret::kMaxBytes + 1, 'x')}) {
    auto taken = Secret::take(std::string(text));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code(), Errc::kInvalidSecret);
    if (text.size() > 4) {
      EXPECT_EQ(taken.error().what().find(text.substr(0, 4)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace redoubtful::proxy
