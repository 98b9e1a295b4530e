#pragma once

// SHA-256 and the keyed hashes of AWS Signature Version 4. [trusted core]
//
// A signing key is good for one day, region and service. It is erased when it goes away, and so is
// every step on the way to it; it does not print, copy or convert. Source: "Signature Version 4
// signing process", AWS IAM User Guide.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/openssl.hpp"

namespace redoubtful::proxy {

using Sha256Bytes = std::array<unsigned char, 32>;

// A hash of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  // 64 lower-case hex digits. Nothing may be added afterwards.
  std::string hex();

 private:
  DigestPtr context_;
};

// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// Day, region and service that a signature is for.
struct SigV4Scope {
  std::string date;  // "20130524"
  std::string region;
  std::string service;
  // "20130524/us-east-1/s3/aws4_request"
  std::string text() const;
  bool operator==(const SigV4Scope&) const = default;
};

class SigningKey {
 public:
  // `secret` is not kept.
  SigningKey(std::string_view secret, const SigV4Scope& scope);
  SigningKey(SigningKey&& other) noexcept;
  SigningKey& operator=(SigningKey&&) = delete;
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;
  ~SigningKey();

  // 64 lower-case hex digits.
  std::string sign(std::string_view text) const;

 private:
  Sha256Bytes bytes_{};
};

// "AWS4-HMAC-SHA256", time, scope and the hash of the canonical request: what is signed.
std::string string_to_sign(std::string_view timestamp, const SigV4Scope& scope,
                           std::string_view canonical_request);

}  // namespace redoubtful::proxy
