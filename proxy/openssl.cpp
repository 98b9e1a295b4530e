#include "proxy/openssl.hpp"

#include <openssl/crypto.h>

namespace redoubtful::proxy {
namespace {

// A handshake under way holds up to four small objects here (its ephemeral key and numbers); 1,024
// connections on two legs must fit, for OpenSSL does not fall back to the ordinary heap.
constexpr std::size_t kSecureHeapBytes = 2 * 1024 * 1024;
constexpr std::size_t kSecureHeapUnit = 32;

SecureHeap make_secure_heap() noexcept {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
                       OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                   nullptr);
  switch (CRYPTO_secure_malloc_init(kSecureHeapBytes, kSecureHeapUnit)) {
    case 1:
      return SecureHeap::kLocked;
    case 2:
      return SecureHeap::kUnlocked;
    default:
      return SecureHeap::kAbsent;
  }
}

}  // namespace

SecureHeap initialize_openssl() noexcept {
  static const SecureHeap heap = make_secure_heap();
  return heap;
}

std::string take_openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return {};
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(ERR_GET_REASON(code));
}

Error openssl_error(std::string_view what) {
  std::string text(what);
  if (const std::string reason = take_openssl_reason(); !reason.empty()) text += ": " + reason;
  return Error(Errc::kTls, std::move(text));
}

}  // namespace redoubtful::proxy
