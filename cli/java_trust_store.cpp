// The JKS writer, and the two algorithms that it needs.

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

}  // namespace

std::string sha1(std::string_view bytes) {
  std::array<std::uint32_t, 5> state{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U,
                                     0xC3D2E1F0U};
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t done = 0;
  for (; bytes.size() - done >= 64; done += 64) sha1_block(state, data + done);
  std::string tail(bytes.substr(done));
  tail += '\x80';
  tail.resize(tail.size() <= 56 ? 56 : 120, '\0');
  Writer length;
  length.number<8>(std::uint64_t{bytes.size()} * 8);
  tail += length.take();
  for (std::size_t at = 0; at < tail.size(); at += 64) {
    sha1_block(state, reinterpret_cast<const unsigned char*>(tail.data()) + at);
  }
  Writer digest;
  for (const auto word : state) digest.number<4>(word);
  return digest.take();
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

std::string java_trust_store(const std::vector<std::string>& certificates) {
  constexpr std::uint32_t kMagic = 0xFEEDFEED;
  constexpr std::uint32_t kVersion = 2;
  constexpr std::uint32_t kTrustedCertificate = 2;
  Writer store;
  store.number<4>(kMagic);
  store.number<4>(kVersion);
  store.number<4>(certificates.size());
  std::size_t number = 0;
  for (const auto& certificate : certificates) {
    store.number<4>(kTrustedCertificate);
    store.text("root" + std::to_string(number++));
    store.number<8>(0);  // when it was added: milliseconds since 1970
    store.text("X.509");
    store.blob(certificate);
  }
  std::string out = store.take();
  std::string checked;
  for (const char c : std::string_view("changeit")) {
    checked += '\0';
    checked += c;
  }
  checked += "Mighty Aphrodite";
  out += sha1(checked + out);
  return out;
}

}  // namespace redoubtful::cli
