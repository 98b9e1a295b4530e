#include "proxy/access_token.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <boost/beast/core/detail/base64.hpp>
#include <cstdlib>
#include <optional>

#include "proxy/denial.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";  // 64: no bias
constexpr std::size_t kRandomBytes = 32;

// What stands behind a scheme's name, without the spaces around it.
std::optional<std::string_view> behind(std::string_view value, std::string_view scheme) {
  if (value.size() <= scheme.size() ||
      !equals_ignoring_case(value.substr(0, scheme.size()), scheme)) {
    return std::nullopt;
  }
  value.remove_prefix(scheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

// How long the token is, is no secret.
bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Result<AccessToken> AccessToken::take(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.size() < kMinBytes || text.size() > kMaxBytes) {
    return Error(Errc::kInvalidSecret, "the token has " + std::to_string(text.size()) + " bytes; " +
                                           std::to_string(kMinBytes) + " to " +
                                           std::to_string(kMaxBytes) + " are wanted");
  }
  if (text.find_first_not_of(kLetters) != std::string::npos) {
    return Error(Errc::kInvalidSecret,
                 "the token holds a byte other than letters, digits, '-' and '_'");
  }
  return AccessToken(std::move(text));
}

AccessToken AccessToken::random() {
  unsigned char bytes[kRandomBytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1) std::abort();
  std::string text;
  for (const unsigned char byte : bytes) text += kLetters[byte % kLetters.size()];
  return AccessToken(std::move(text));
}

bool AccessToken::shown_in(std::string_view proxy_authorization) const {
  namespace base64 = boost::beast::detail::base64;
  if (const auto bearer = behind(proxy_authorization, "Bearer ")) return same(*bearer, text_);
  const auto basic = behind(proxy_authorization, "Basic ");
  if (!basic) return false;
  std::string decoded(base64::decoded_size(basic->size()), '\0');
  const auto [written, read] = base64::decode(decoded.data(), basic->data(), basic->size());
  decoded.resize(written);
  const std::size_t colon = decoded.find(':');
  return colon != std::string::npos && same(std::string_view(decoded).substr(colon + 1), text_);
}

Denial access_denial() {
  Denial denial;
  denial.reason = DenyReason::kNoToken;
  denial.target = "the proxy's port";
  denial.detail = "clients are given http://redoubtful:TOKEN@HOST:PORT as the proxy's URL";
  return denial;
}

Refusal access_refusal() {
  Refusal refusal = refusal_of(access_denial(), nullptr);
  refusal.fields.push_back({"proxy-authenticate", "Basic realm=\"redoubtful\""});
  return refusal;
}

}  // namespace redoubtful::proxy
