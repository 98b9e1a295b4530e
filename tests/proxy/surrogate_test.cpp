#include "proxy/surrogate.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

#include "proxy/base64.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/token_surrogate.hpp"

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
      {"glpat-AbCdEfGhIjKlMnOpQr12", "glpat-"},
      {"xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx", "xoxb-"},
      {"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", "hf_"},
      {"npm_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "npm_"},
      {"sk_live_AbCdEfGhIjKlMnOpQrStUvWx", "sk_live_"},
      {"abcdabcdefghijkl", ""},
      {"p4ssw0rd+with/symbols=and-more", ""},
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
       {"abcd", "1234", "hunter2", "password123", "------------------------------",
        "sk-ant-api03-abc", "1234567890123456", "ghp_short"}) {
    const auto made = make_surrogate(secret(text));
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code(), Errc::kInvalidSecret);
    EXPECT_EQ(made.error().what().find(text), std::string::npos) << "the value is never shown";
  }
}

TEST(Surrogate, IsRefusedForAPlaceholder) {
  for (const char* text :
       {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghp_000000000000000000000000000000000000",
        "abababababababababababababababab"}) {
    const auto made = make_surrogate(secret(text));
    ASSERT_FALSE(made) << text;
    EXPECT_NE(made.error().what().find("placeholder"), std::string::npos) << made.error().what();
  }
}

TEST(Surrogate, AnAwsKeyIdStaysOne) {
  for (const std::string real : {"AKIAIOSFODNN7EXAMPLE", "ASIAQWERTYUIOPASDFGH"}) {
    const auto made = make_surrogate(secret(real));
    ASSERT_TRUE(made) << real;
    EXPECT_EQ(made->substr(0, 4), real.substr(0, 4));
    EXPECT_EQ(made->size(), 20U);
    EXPECT_EQ(made->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), std::string::npos);
    EXPECT_NE(*made, real);
  }
}

std::string token(const std::string& header, const std::string& payload,
                  std::size_t signature = 43) {
  return to_base64(header, Base64::kUrl) + "." + to_base64(payload, Base64::kUrl) + "." +
         std::string(signature - 1, 'x') + "A";
}

TEST(TokenSurrogate, IsATokenThatSaysWhoAndWhereAndNothingElse) {
  const std::string real = token(
      R"({"alg":"RS256","typ":"JWT","kid":"key-1"})",
      R"({"iss":"https://id.example","sub":"u1","aud":["a","b"],"exp":1700000000,"iat":1600000000,)"
      R"("email":"me@example.com","secret":"hunter2","https://x/auth":{"id":"hunter2"}})");
  const auto made = make_surrogate(secret(real));
  ASSERT_TRUE(made);
  ASSERT_EQ(made->size(), real.size());
  const std::size_t first = made->find('.');
  const std::size_t second = made->find('.', first + 1);
  const auto header = from_base64(made->substr(0, first), Base64::kUrl);
  const auto payload = from_base64(made->substr(first + 1, second - first - 1), Base64::kUrl);
  ASSERT_TRUE(header && payload) << *made;
  const auto head = parse_json(*header);
  const auto body = parse_json(*payload);
  ASSERT_TRUE(head && body) << *header << *payload;
  EXPECT_EQ(head->at("alg"), "RS256");
  EXPECT_FALSE(head->get_object().contains("kid"));
  EXPECT_EQ(body->at("iss"), "https://id.example");
  EXPECT_EQ(body->at("sub"), "u1");
  EXPECT_EQ(body->at("aud").get_array().size(), 2U);
  EXPECT_EQ(body->at("iat"), 1600000000);
  EXPECT_EQ(body->at("exp"), 4102444800);
  EXPECT_FALSE(body->get_object().contains("email"));
  EXPECT_EQ(payload->find("hunter2"), std::string::npos);
  EXPECT_TRUE(from_base64(made->substr(second + 1), Base64::kUrl)) << "the signature decodes";
  EXPECT_NE(made->substr(second), real.substr(real.rfind('.')));
  EXPECT_NE(*made, *make_surrogate(secret(real))) << "another one each time";
}

// Without this claim Codex takes its login file for none.
TEST(TokenSurrogate, KeepsWhoAnOpenAiAccountIsAndNothingElseOfIt) {
  const std::string real = token(
      R"({"alg":"RS256","typ":"JWT"})",
      R"({"exp":1700000000,"https://api.openai.com/auth":{"chatgpt_account_id":"a-1","user_id":"u-1",)"
      R"("chatgpt_plan_type":"pro","groups":["hunter2"],"organizations":[{"id":"hunter2"}]}})");
  const auto made = make_surrogate(secret(real));
  ASSERT_TRUE(made);
  ASSERT_EQ(made->size(), real.size());
  const std::size_t first = made->find('.');
  const auto payload =
      from_base64(made->substr(first + 1, made->rfind('.') - first - 1), Base64::kUrl).value();
  EXPECT_NE(payload.find(R"("https://api.openai.com/auth":{"chatgpt_account_id":"a-1",)"
                         R"("chatgpt_plan_type":"pro","user_id":"u-1"})"),
            std::string::npos)
      << payload;
  EXPECT_EQ(payload.find("hunter2"), std::string::npos);
}

TEST(TokenSurrogate, HasTheSameLengthWhateverTheClaims) {
  for (std::size_t more = 0; more < 40; ++more) {
    const std::string real =
        token(R"({"alg":"none"})", R"({"exp":1700000000,"a":")" + std::string(more, 'x') + "\"}",
              22 + more);
    if (real.size() - real.rfind('.') - 1 != 22 + more || (22 + more) % 4 == 1) continue;
    const auto made = token_surrogate(real);
    ASSERT_TRUE(made) << real;
    EXPECT_EQ(made->size(), real.size());
  }
}

TEST(TokenSurrogate, IsNotMadeOfWhatIsNoToken) {
  const std::string good = token(R"({"alg":"RS256"})", R"({"exp":1700000000})");
  EXPECT_TRUE(token_surrogate(good)) << "control";
  for (const std::string& text :
       {std::string("a.b.c"), good + ".x", good.substr(0, good.rfind('.') + 10), token("[1]", "{}"),
        token(R"({"typ":"JWT"})", "{}"), token(R"({"alg":"x"})", "no JSON"),
        std::string("abc.def")}) {
    EXPECT_FALSE(token_surrogate(text)) << text;
  }
}

TEST(StrictBase64, DecodesWhatItEncodes) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
    for (const Base64 form : {Base64::kStandard, Base64::kUrl}) {
      EXPECT_EQ(from_base64(to_base64(bytes, form), form), bytes) << size;
    }
  }
  EXPECT_EQ(to_base64("user:pass", Base64::kStandard), "dXNlcjpwYXNz");
  EXPECT_EQ(to_base64("a", Base64::kStandard), "YQ==");
  for (const char* text :
       {"YQ", "YQ=", "YR==", "YQ===", "Y===", "Y Q=", "YQ==x", "-_-_", "YQ==YQ=="}) {
    EXPECT_FALSE(from_base64(text, Base64::kStandard)) << text;
  }
  for (const char* text : {"Y", "YQ==", "YR", "+/+/", "YQ\n"}) {
    EXPECT_FALSE(from_base64(text, Base64::kUrl)) << text;
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
