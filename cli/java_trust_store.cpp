// The JKS writer, and the two algorithms that it needs.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "cli/trust_files.hpp"

namespace redoubtful::cli {
namespace {

class Writer {
 public:
  template <std::size_t N>
  void number(std::uint64_t value) {
    for (std::size_t i = N; i-- > 0;) bytes_ += static_cast<char>((value >> (8 * i)) & 0xFFU);
  }
  void text(std::string_view value) {
    number<2>(value.size());
    bytes_ += value;
  }
  void blob(std::string_view value) {
    number<4>(value.size());
    bytes_ += value;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

constexpr std::array<signed char, 256> base64_values() {
  std::array<signed char, 256> out{};
  out.fill(-1);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<signed char>(i);
  }
  return out;
}
constexpr auto kBase64 = base64_values();

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = kBase64[static_cast<unsigned char>(c)];
    if (value < 0 || padding > 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xFFU);
    }
  }
  if (padding > 2 || count >= 6) return std::nullopt;
  return out;
}

void sha1_block(std::array<std::uint32_t, 5>& state, const unsigned char* block) {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = static_cast<std::uint32_t>(block[4 * i]) << 24U |
           static_cast<std::uint32_t>(block[4 * i + 1]) << 16U |
           static_cast<std::uint32_t>(block[4 * i + 2]) << 8U | block[4 * i + 3];
  }
  for (std::size_t i = 16; i < 80; ++i) {
    w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    const std::uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999U
                            : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1U
                            : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCU
                                     : (b ^ c ^ d) + 0xCA62C1D6U;
    const std::uint32_t next = std::rotl(a, 5) + f + e + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

constexpr std::size_t kBlockBytes = 64;

}  // namespace

void Sha1::add(std::string_view bytes) {
  length_ += bytes.size();
  if (!rest_.empty()) {
    const std::size_t part = std::min(bytes.size(), kBlockBytes - rest_.size());
    rest_ += bytes.substr(0, part);
    bytes.remove_prefix(part);
    if (rest_.size() < kBlockBytes) return;
    sha1_block(state_, reinterpret_cast<const unsigned char*>(rest_.data()));
    rest_.clear();
  }
  for (; bytes.size() >= kBlockBytes; bytes.remove_prefix(kBlockBytes)) {
    sha1_block(state_, reinterpret_cast<const unsigned char*>(bytes.data()));
  }
  rest_ = bytes;
}

std::string Sha1::finish() {
  Writer length;
  length.number<8>(length_ * 8);
  std::string tail = "\x80";
  tail.resize((rest_.size() < 56 ? 56 : 120) - rest_.size(), '\0');
  add(tail + length.take());
  Writer digest;
  for (const auto word : state_) digest.number<4>(word);
  return digest.take();
}

std::string sha1(std::string_view bytes) {
  Sha1 sum;
  sum.add(bytes);
  return sum.finish();
}

std::vector<std::string> certificates_of(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> out;
  while (true) {
    const std::size_t begin = pem.find(kBegin);
    if (begin == std::string_view::npos) return out;
    pem.remove_prefix(begin + kBegin.size());
    const std::size_t end = pem.find(kEnd);
    if (end == std::string_view::npos) return out;
    if (auto der = decode_base64(pem.substr(0, end)); der && !der->empty()) {
      out.push_back(*std::move(der));
    }
    pem.remove_prefix(end + kEnd.size());
  }
}

JavaTrustStore::JavaTrustStore(std::size_t count, std::size_t bytes) {
  constexpr std::size_t kAround = 64;  // of the store, and of each entry: names, lengths, dates
  bytes_.reserve(bytes + (count + 1) * kAround);
  for (const char c : std::string_view("changeit")) checksum_.add(std::string{'\0', c});
  checksum_.add("Mighty Aphrodite");
  constexpr std::uint32_t kMagic = 0xFEEDFEED;
  constexpr std::uint32_t kVersion = 2;
  Writer head;
  head.number<4>(kMagic);
  head.number<4>(kVersion);
  head.number<4>(count);
  put(head.take());
}

void JavaTrustStore::add(std::string_view certificate) {
  constexpr std::uint32_t kTrustedCertificate = 2;
  Writer entry;
  entry.number<4>(kTrustedCertificate);
  entry.text("root" + std::to_string(number_++));
  entry.number<8>(0);  // when it was added: milliseconds since 1970
  entry.text("X.509");
  entry.blob(certificate);
  put(entry.take());
}

std::string JavaTrustStore::finish() {
  bytes_ += checksum_.finish();
  return std::move(bytes_);
}

void JavaTrustStore::put(std::string_view bytes) {
  checksum_.add(bytes);
  bytes_ += bytes;
}

std::string java_trust_store(const std::vector<std::string>& certificates) {
  JavaTrustStore store(certificates.size(), 0);
  for (const auto& certificate : certificates) store.add(certificate);
  return store.finish();
}

}  // namespace redoubtful::cli
