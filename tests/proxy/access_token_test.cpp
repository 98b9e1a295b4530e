#include "proxy/access_token.hpp"

#include <gmock/gmock.h>

#include <boost/beast/core/detail/base64.hpp>
#include <set>

namespace redoubtful::proxy {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kToken = "abcdefghijklmnop";

std::string basic(const std::string& text) {
  namespace base64 = boost::beast::detail::base64;
  std::string out(base64::encoded_size(text.size()), '\0');
  out.resize(base64::encode(out.data(), text.data(), text.size()));
  return out;
}

TEST(AccessToken, IsShownAsAPasswordOrABearer) {
  const auto token = AccessToken::take(kToken).value();
  for (const auto& shown : {
           "Basic " + basic("redoubtful:" + kToken),
           "basic " + basic("anybody:" + kToken),
           "BASIC   " + basic(":" + kToken) + " ",
           "Bearer " + kToken,
           "bearer  " + kToken,
       }) {
    EXPECT_TRUE(token.shown_in(shown)) << shown;
  }
}

TEST(AccessToken, IsNotShownByAnythingElse) {
  const auto token = AccessToken::take(kToken).value();
  for (const auto& shown : {
           std::string(),
           std::string("Basic"),
           std::string("Basic "),
           std::string("Bearer"),
           std::string("Bearer "),
           kToken,
           "Basic " + kToken,
           "Basic " + basic(kToken),
           "Basic " + basic(kToken + ":"),
           "Basic " + basic(kToken + ":x"),
           "Basic " + basic("redoubtful:" + kToken + "q"),
           "Basic " + basic("redoubtful:" + kToken.substr(1)),
           "Basic " + basic("redoubtful:" + kToken.substr(0, 15)),
           "Basic " + basic("redoubtful:x:" + kToken),
           "Basic " + basic("redoubtful:" + kToken + '\0'),
           "Basic " + basic("redoubtful:ABCDEFGHIJKLMNOP"),
           "Basic !!!!" + basic("redoubtful:" + kToken),
           "Digest " + basic("redoubtful:" + kToken),
           "Bearer " + kToken + "q",
           "Bearer " + kToken.substr(1),
           "Bearer\t" + kToken,
           "Bearer " + kToken + ", Bearer " + kToken,
           "Token " + kToken,
       }) {
    EXPECT_FALSE(token.shown_in(shown)) << shown;
  }
}

TEST(AccessToken, IsTakenWhereItCanStandInAnUrl) {
  EXPECT_EQ(AccessToken::take(kToken + "\n").value().text(), kToken);
  EXPECT_EQ(AccessToken::take(kToken + "\r\n").value().text(), kToken);
  EXPECT_TRUE(AccessToken::take(std::string(256, 'x')));
  EXPECT_TRUE(AccessToken::take("0123456789-_AZaz"));
  for (const auto& text :
       {std::string(), std::string("\n"), kToken.substr(1), std::string(257, 'x'), kToken + "@",
        kToken + ":", kToken + " ", kToken + "\n" + kToken, kToken + "/", kToken + "%41",
        kToken + '\0', kToken + "\xc3\xa9", "\n" + kToken}) {
    const auto refused = AccessToken::take(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code(), Errc::kInvalidSecret);
    EXPECT_THAT(refused.error().what(), Not(HasSubstr(kToken)));
  }
}

TEST(AccessToken, ARandomOneIsTakenAndUnlikeAnyOther) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto token = AccessToken::random();
    EXPECT_EQ(token.text().size(), 32u);
    EXPECT_TRUE(AccessToken::take(token.text()));
    EXPECT_TRUE(seen.insert(token.text()).second);
  }
}

TEST(AccessToken, AClientWithoutItIsToldWhatToDo) {
  const auto refusal = access_refusal();
  EXPECT_EQ(refusal.status, 407u);
  const auto* challenge = find_field(refusal.fields, "Proxy-Authenticate");
  ASSERT_NE(challenge, nullptr);
  EXPECT_EQ(*challenge, "Basic realm=\"redoubtful\"");
  EXPECT_THAT(refusal.body, HasSubstr("http://redoubtful:TOKEN@HOST:PORT"));
}

}  // namespace
}  // namespace redoubtful::proxy
