#include "proxy/sigv4_key.hpp"

#include <openssl/hmac.h>
#include <string.h>

#include <stdexcept>

namespace redoubtful::proxy {
namespace {

std::string hex_of(const Sha256Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0xFU];
  }
  return out;
}

// OpenSSL fails here for want of memory alone.
[[noreturn]] void failed() { throw std::runtime_error("OpenSSL cannot hash"); }

void keyed_hash(const void* key, std::size_t key_size, std::string_view text, Sha256Bytes& out) {
  unsigned size = 0;
  const auto* done =
      ::HMAC(::EVP_sha256(), key, static_cast<int>(key_size),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  if (done == nullptr || size != out.size()) failed();
}

}  // namespace

Sha256::Sha256() : context_(::EVP_MD_CTX_new()) {
  if (!context_ || ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) != 1) failed();
}

void Sha256::add(std::string_view bytes) {
  if (::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) failed();
}

std::string Sha256::hex() {
  Sha256Bytes bytes{};
  unsigned size = 0;
  if (::EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1 || size != bytes.size()) {
    failed();
  }
  return hex_of(bytes);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::string SigV4Scope::text() const {
  return date + '/' + region + '/' + service + "/aws4_request";
}

SigningKey::SigningKey(std::string_view secret, const SigV4Scope& scope) {
  constexpr std::string_view kPrefix = "AWS4";
  std::string first;
  first.reserve(kPrefix.size() + secret.size());  // once, so that no freed copy is left
  first.append(kPrefix).append(secret);
  keyed_hash(first.data(), first.size(), scope.date, bytes_);
  ::explicit_bzero(first.data(), first.size());
  for (const std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    Sha256Bytes next{};
    keyed_hash(bytes_.data(), bytes_.size(), step, next);
    bytes_ = next;
    ::explicit_bzero(next.data(), next.size());
  }
}

SigningKey::SigningKey(SigningKey&& other) noexcept : bytes_(other.bytes_) {
  ::explicit_bzero(other.bytes_.data(), other.bytes_.size());
}

SigningKey::~SigningKey() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

std::string SigningKey::sign(std::string_view text) const {
  Sha256Bytes out{};
  keyed_hash(bytes_.data(), bytes_.size(), text, out);
  return hex_of(out);
}

std::string string_to_sign(std::string_view timestamp, const SigV4Scope& scope,
                           std::string_view canonical_request) {
  std::string out("AWS4-HMAC-SHA256\n");
  out.append(timestamp).append("\n").append(scope.text()).append("\n");
  return out.append(sha256_hex(canonical_request));
}

}  // namespace redoubtful::proxy
