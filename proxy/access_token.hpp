#pragma once

// The password of the explicit proxy port, where others than one box could reach it.
//
// In a box nobody else can: its port is in its own network namespace. Standing alone, the proxy
// listens on TCP, and whoever may use it uses the credentials that it holds. Clients show the token
// as the password of a proxy URL, http://redoubtful:TOKEN@HOST:PORT, which they send as
// Proxy-Authorization: Basic. Compared in constant time.

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "proxy/message.hpp"
#include "proxy/policy.hpp"

namespace redoubtful::proxy {

class AccessToken {
 public:
  static constexpr std::size_t kMinBytes = 16;
  static constexpr std::size_t kMaxBytes = 256;

  // Letters, digits, '-' and '_' only, so that it can stand in an URL as it is.
  // Errors: kInvalidSecret.
  static Result<AccessToken> take(std::string text);

  // 32 random ones of these letters: 192 bits.
  static AccessToken random();

  // A Proxy-Authorization value: Basic with any user and this password, or Bearer.
  bool shown_in(std::string_view proxy_authorization) const;

  // For the file or line that tells its owner.
  const std::string& text() const noexcept { return text_; }

 private:
  explicit AccessToken(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A client without it: 407, and what the log says.
Refusal access_refusal();
Denial access_denial();

}  // namespace redoubtful::proxy
