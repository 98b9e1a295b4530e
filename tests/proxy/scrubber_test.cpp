// Scrubbing, the pure part: every listed spelling, cut at every byte, becomes the surrogate's; what
// is not a secret is left alone and not kept waiting.

#include "proxy/scrubber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/fuzz/scrubber_target.hpp"

namespace redoubtful::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// With everything that some encoder escapes.
constexpr std::string_view kReal = "sk-Ab3/+x=9\"q\\Z \xc3\xa9~!%<t>&'7Q";
constexpr std::string_view kFake = "sk-Kp8/+m=4\"w\\R \xc3\xa9~!%<j>&'2L";

// Written down from the encoders themselves, not made by the code under test. `%` stands for each
// place at which real and fake differ.
struct Encoding {
  const char* name;
  std::string real;
  std::string fake;
};

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string url_safe(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  std::erase(text, '=');
  return text;
}

std::string with_each_byte(std::string_view text, std::string_view prefix, const char* format) {
  std::string out;
  for (const char c : text) {
    char digits[3];
    std::snprintf(digits, sizeof digits, format, static_cast<unsigned char>(c));
    out.append(prefix).append(digits);
  }
  return out;
}

std::vector<Encoding> encodings() {
  std::vector<Encoding> out = {
      {"raw", std::string(kReal), std::string(kFake)},
      {"JavaScript's JSON",
       R"(sk-Ab3/+x=9\"q\\Z )"
       "\xc3\xa9"
       R"(~!%<t>&'7Q)",
       R"(sk-Kp8/+m=4\"w\\R )"
       "\xc3\xa9"
       R"(~!%<j>&'2L)"},
      {"Python's JSON", R"(sk-Ab3/+x=9\"q\\Z \u00e9~!%<t>&'7Q)",
       R"(sk-Kp8/+m=4\"w\\R \u00e9~!%<j>&'2L)"},
      {"PHP's JSON", R"(sk-Ab3\/+x=9\"q\\Z \u00e9~!%<t>&'7Q)",
       R"(sk-Kp8\/+m=4\"w\\R \u00e9~!%<j>&'2L)"},
      {"Go's JSON",
       R"(sk-Ab3/+x=9\"q\\Z )"
       "\xc3\xa9"
       R"(~!%\u003ct\u003e\u0026'7Q)",
       R"(sk-Kp8/+m=4\"w\\R )"
       "\xc3\xa9"
       R"(~!%\u003cj\u003e\u0026'2L)"},
      {"Gson's JSON",
       R"(sk-Ab3/+x\u003d9\"q\\Z )"
       "\xc3\xa9"
       R"(~!%\u003ct\u003e\u0026\u00277Q)",
       R"(sk-Kp8/+m\u003d4\"w\\R )"
       "\xc3\xa9"
       R"(~!%\u003cj\u003e\u0026\u00272L)"},
      {".NET's JSON", R"(sk-Ab3/\u002Bx=9\u0022q\\Z \u00E9~!%\u003Ct\u003E\u0026\u00277Q)",
       R"(sk-Kp8/\u002Bm=4\u0022w\\R \u00E9~!%\u003Cj\u003E\u0026\u00272L)"},
      {"RFC 3986", "sk-Ab3%2F%2Bx%3D9%22q%5CZ%20%C3%A9~%21%25%3Ct%3E%26%277Q",
       "sk-Kp8%2F%2Bm%3D4%22w%5CR%20%C3%A9~%21%25%3Cj%3E%26%272L"},
      {"RFC 3986, lower case", "sk-Ab3%2f%2bx%3d9%22q%5cZ%20%c3%a9~%21%25%3ct%3e%26%277Q",
       "sk-Kp8%2f%2bm%3d4%22w%5cR%20%c3%a9~%21%25%3cj%3e%26%272L"},
      {"Python's quote", "sk-Ab3/%2Bx%3D9%22q%5CZ%20%C3%A9~%21%25%3Ct%3E%26%277Q",
       "sk-Kp8/%2Bm%3D4%22w%5CR%20%C3%A9~%21%25%3Cj%3E%26%272L"},
      {"encodeURIComponent", "sk-Ab3%2F%2Bx%3D9%22q%5CZ%20%C3%A9~!%25%3Ct%3E%26'7Q",
       "sk-Kp8%2F%2Bm%3D4%22w%5CR%20%C3%A9~!%25%3Cj%3E%26'2L"},
      {"encodeURI", "sk-Ab3/+x=9%22q%5CZ%20%C3%A9~!%25%3Ct%3E&'7Q",
       "sk-Kp8/+m=4%22w%5CR%20%C3%A9~!%25%3Cj%3E&'2L"},
      {"a form", "sk-Ab3%2F%2Bx%3D9%22q%5CZ+%C3%A9%7E%21%25%3Ct%3E%26%277Q",
       "sk-Kp8%2F%2Bm%3D4%22w%5CR+%C3%A9%7E%21%25%3Cj%3E%26%272L"},
      {".NET's UrlEncode", "sk-Ab3%2f%2bx%3d9%22q%5cZ+%c3%a9%7e!%25%3ct%3e%26%277Q",
       "sk-Kp8%2f%2bm%3d4%22w%5cR+%c3%a9%7e!%25%3cj%3e%26%272L"},
  };
  const auto each = [&](const char* name, std::string_view prefix, const char* format) {
    out.push_back(
        {name, with_each_byte(kReal, prefix, format), with_each_byte(kFake, prefix, format)});
  };
  each("every byte percent-encoded, upper case", "%", "%02X");
  each("every byte percent-encoded, lower case", "%", "%02x");
  each("hexadecimal, lower case", "", "%02x");
  each("hexadecimal, upper case", "", "%02X");
  constexpr const char* kNames[] = {"base64 at the front", "base64 behind one byte",
                                    "base64 behind two bytes"};
  for (std::size_t shift = 0; shift < 3; ++shift) {
    for (const std::string_view behind : {"", "\xff", ":y", "and more"}) {
      const auto of = [&](std::string_view text) {
        return base64(std::string("\xfeu").substr(2 - shift) + std::string(text) +
                      std::string(behind));
      };
      out.push_back({kNames[shift], of(kReal), of(kFake)});
      out.push_back({kNames[shift], url_safe(of(kReal)), url_safe(of(kFake))});
    }
  }
  return out;
}

class ScrubberTest : public testing::Test {
 protected:
  const std::vector<ScrubbedValue> values_{{kReal, kFake}};
  const ScrubPatterns patterns_{values_};

  std::string fed(const std::vector<std::string_view>& pieces) const {
    Scrubber scrubber(patterns_);
    std::string out;
    for (const auto piece : pieces) scrubber.feed(piece, out);
    scrubber.finish(out);
    return out;
  }
};

TEST_F(ScrubberTest, EveryEncodingCutAtEveryByteBecomesTheSurrogates) {
  for (const auto& encoding : encodings()) {
    SCOPED_TRACE(encoding.name);
    ASSERT_NE(encoding.real, encoding.fake);
    for (const std::string_view before : {"", "{\"key\": \"", "data: ", "sk-Ab3", "%"}) {
      const std::string in = std::string(before) + encoding.real + "\", \"n\": 1}";
      const std::string wanted = std::string(before) + encoding.fake + "\", \"n\": 1}";
      for (std::size_t cut = 0; cut <= in.size(); ++cut) {
        const std::string_view text = in;
        ASSERT_EQ(fed({text.substr(0, cut), text.substr(cut)}), wanted) << "cut at " << cut;
      }
      std::vector<std::string_view> bytes;
      for (std::size_t i = 0; i < in.size(); ++i)
        bytes.push_back(std::string_view(in).substr(i, 1));
      ASSERT_EQ(fed(bytes), wanted) << "byte by byte";
    }
  }
}

TEST_F(ScrubberTest, WhatIsNotTheSecretPassesUnchanged) {
  for (const std::string_view text :
       {std::string_view(), kFake, kReal.substr(1), kReal.substr(0, kReal.size() - 1),
        std::string_view("sk-Ab3/+x=9sk-Ab3/+x=9"), std::string_view("\0\0\xff\xfe", 4)}) {
    EXPECT_EQ(fed({text}), text);
  }
  // In another case it is another value.
  EXPECT_EQ(fed({"SK-AB3/+X=9"}), "SK-AB3/+X=9");
}

TEST_F(ScrubberTest, HoldsBackWhatMayBeginASecretAndNothingElse) {
  Scrubber scrubber(patterns_);
  std::string out;
  scrubber.feed("id: 1\ndata: event\n\n", out);
  EXPECT_EQ(out, "id: 1\ndata: event\n\n");
  for (std::size_t length = 1; length < kReal.size(); ++length) {
    Scrubber each(patterns_);
    out.clear();
    each.feed("data: ", out);
    each.feed(kReal.substr(0, length), out);
    EXPECT_EQ(each.held(), length);
    each.feed("\n\n", out);
    EXPECT_EQ(out, "data: " + std::string(kReal.substr(0, length)) + "\n\n");
    EXPECT_EQ(each.held(), 0U);
  }
  // A whole one passes at once.
  out.clear();
  scrubber.feed(kReal, out);
  EXPECT_EQ(out, kFake);
  EXPECT_EQ(scrubber.counts().at(0), 1U);
}

TEST_F(ScrubberTest, AStreamThatEndsInsideASecretEndsAsItCame) {
  Scrubber scrubber(patterns_);
  std::string out;
  scrubber.feed(kReal.substr(0, 20), out);
  scrubber.finish(out);
  EXPECT_EQ(out, kReal.substr(0, 20));
  // The rest belongs to another stream.
  out.clear();
  scrubber.feed(kReal.substr(20), out);
  scrubber.finish(out);
  EXPECT_EQ(out, kReal.substr(20));
}

// The bits that a base64 character shares with the secret's neighbours stay the neighbours'.
TEST(Scrubber, Base64IsTheSurrogatesToTheLastBit) {
  constexpr std::string_view real = "7dF0s8kLq2Zx9Wv4";
  constexpr std::string_view fake = "Q1xY6mNb3CgP5RtZ";
  const std::vector<ScrubbedValue> values = {{real, fake}};
  const ScrubPatterns patterns(values);
  for (const std::string_view before : {"", "u", "\xff", "u:", "\xff\xfe", "abc", "user"}) {
    for (const std::string_view behind : {"", "\xff", "\xff\xff", "z", "@host"}) {
      const auto of = [&](std::string_view text) {
        return base64(std::string(before) + std::string(text) + std::string(behind));
      };
      for (std::size_t cut = 0; cut <= of(real).size(); ++cut) {
        Scrubber scrubber(patterns);
        std::string out;
        scrubber.feed(of(real).substr(0, cut), out);
        scrubber.feed(of(real).substr(cut), out);
        scrubber.finish(out);
        ASSERT_EQ(out, of(fake)) << before << " " << behind << " cut at " << cut;
        Scrubber again(patterns);
        std::string safe = url_safe(of(real));
        again.scrub(safe);
        ASSERT_EQ(safe, url_safe(of(fake)));
      }
    }
  }
}

TEST(Scrubber, ASecretWithinAnotherLeavesNothingOfEither) {
  const std::vector<ScrubbedValue> values = {
      {"postgres://me:Hunter2Hunter2@db/x", "postgres://me:Potato9Potato9@db/x"},
      {"Hunter2Hunter2", "Salads4Salads4"},
      {"ter2@", "zzz9@"}};
  const ScrubPatterns patterns(values);
  Scrubber scrubber(patterns);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a postgres://me:Hunter2Hunter2@db/x b", "a postgres://me:Potato9Potato9@db/x b"},
      {"postgres://me:Hunter2Hunter2", "postgres://me:Salads4Salads4"},
      {"Hunter2Hunter2Hunter2", "Salads4Salads4Salads4"},
      {"ter2@", "zzz9@"}};
  for (const auto& [in, wanted] : cases) {
    std::string text = in;
    scrubber.scrub(text);
    if (in == "Hunter2Hunter2Hunter2") {
      EXPECT_THAT(text, Not(HasSubstr("Hunter2"))) << "overlapping occurrences";
    } else {
      EXPECT_EQ(text, wanted);
    }
  }
}

TEST(Scrubber, ASurrogateOfAnotherLengthKeepsTheTextsLength) {
  for (const std::string_view fake : {"short", "much longer than the secret itself is"}) {
    const std::vector<ScrubbedValue> values = {{"Secret0Secret0Secret0", fake}};
    const ScrubPatterns patterns(values);
    Scrubber scrubber(patterns);
    for (const std::string& in :
         {std::string("a Secret0Secret0Secret0 b"), base64("user:Secret0Secret0Secret0")}) {
      std::string out = in;
      scrubber.scrub(out);
      EXPECT_EQ(out.size(), in.size());
      EXPECT_NE(out, in);
    }
  }
}

TEST(Scrubber, WithoutSecretsEverythingPasses) {
  const ScrubPatterns none({});
  Scrubber scrubber(none);
  std::string out;
  scrubber.feed("anything at all", out);
  EXPECT_EQ(out, "anything at all");
}

// Secrets of all lengths, of few letters so that everything nearly matches, in streams cut anyhow.
TEST(ScrubberProperty, AStreamGivesWhatASlowSearchOfTheWholeTextGives) {
  std::minstd_rand random(20240607);
  const auto below = [&](std::size_t n) { return random() % n; };
  const std::string_view alphabets[] = {"ab", "abc/", "ab\"\\ +%", "0123456789abcdef", "aA%2fF"};
  for (int round = 0; round < 300; ++round) {
    const std::string_view alphabet = alphabets[below(std::size(alphabets))];
    const auto word = [&](std::size_t length) {
      std::string out;
      while (out.size() < length) out += alphabet[below(alphabet.size())];
      return out;
    };
    std::vector<std::string> words;
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) {
      words.push_back(word(1 + below(below(2) == 0 ? 4 : 300)));
      words.push_back(word(words.back().size()));
    }
    std::vector<ScrubbedValue> values;
    for (std::size_t i = 0; i < words.size(); i += 2) values.push_back({words[i], words[i + 1]});
    const ScrubPatterns patterns(values);
    const fuzz::SlowScrubber slow(values);
    std::string text;
    while (text.size() < 600) {
      const std::string& real = words[2 * below(words.size() / 2)];
      switch (below(5)) {
        case 0:
          text += real;
          break;
        case 1:
          text += base64(word(below(4)) + real + word(below(4)));
          break;
        case 2:
          text += real.substr(0, below(real.size() + 1));
          break;
        case 3:
          text += with_each_byte(real, below(2) == 0 ? "%" : "", "%02x");
          break;
        default:
          text += word(below(20));
      }
    }
    text.resize(std::min<std::size_t>(text.size(), 1200));
    const std::string wanted = slow.scrub(text);
    Scrubber scrubber(patterns);
    for (const std::size_t longest : {1U, 5U, 64U, 5000U}) {
      ASSERT_EQ(
          fuzz::scrubbed_in_pieces(scrubber, text, longest, static_cast<std::uint32_t>(random())),
          wanted);
    }
  }
}

TEST(FuzzCorpus, Scrubber) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(REDOUBTFUL_SOURCE_DIR) / "tests/fuzz/corpus/scrubber")) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    fuzz::scrubber(bytes.str());
    ++files;
  }
  EXPECT_GE(files, 5U) << "the corpus is there";
}

}  // namespace
}  // namespace redoubtful::proxy
