#include "proxy/surrogate.hpp"

#include <openssl/rand.h>

#include <array>
#include <cmath>
#include <string_view>

namespace redoubtful::proxy {
namespace {

// Longer ones first. Sources: the vendors' documentation and secret scanners' public patterns.
constexpr std::array kPrefixes = {
    std::string_view("sk-ant-api03-"), std::string_view("sk-ant-oat01-"),
    std::string_view("sk-ant-ort01-"), std::string_view("sk-ant-admin01-"),
    std::string_view("sk-ant-"),       std::string_view("sk-proj-"),
    std::string_view("sk-svcacct-"),   std::string_view("sk-or-v1-"),
    std::string_view("sk-"),           std::string_view("github_pat_"),
    std::string_view("ghp_"),          std::string_view("gho_"),
    std::string_view("ghu_"),          std::string_view("ghs_"),
    std::string_view("ghr_"),          std::string_view("glpat-"),
    std::string_view("npm_"),          std::string_view("pypi-"),
    std::string_view("hf_"),           std::string_view("xoxb-"),
    std::string_view("xoxp-"),         std::string_view("xapp-"),
    std::string_view("AIza"),          std::string_view("ya29."),
    std::string_view("gsk_"),          std::string_view("dop_v1_"),
    std::string_view("hvs."),          std::string_view("rt_"),
};

constexpr double kMinBits = 80;

struct Alphabet {
  char first;
  unsigned size;
};

// What a byte is replaced from; size 0: it stays.
Alphabet alphabet_of(char c, bool hexadecimal) {
  if (c >= '0' && c <= '9') return {'0', 10};
  if (c >= 'a' && c <= (hexadecimal ? 'f' : 'z')) return {'a', hexadecimal ? 6U : 26U};
  if (c >= 'A' && c <= (hexadecimal ? 'F' : 'Z')) return {'A', hexadecimal ? 6U : 26U};
  return {c, 0};
}

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

// Uniform in 0 … size - 1. Errors: none; without random bytes nothing here may go on.
unsigned random_below(unsigned size) {
  const unsigned limit = 256 - 256 % size;
  for (;;) {
    unsigned char byte = 0;
    if (RAND_bytes(&byte, 1) != 1) std::abort();
    if (byte < limit) return byte % size;
  }
}

}  // namespace

Result<std::string> make_surrogate(const Secret& secret) {
  std::size_t kept = 0;
  for (const std::string_view prefix : kPrefixes) {
    if (secret.expose().starts_with(prefix)) {
      kept = prefix.size();
      break;
    }
  }
  // Not longer than the call that reads it: `real` views the secret.
  const std::string_view real = secret.expose();
  const bool hexadecimal = is_hexadecimal(real.substr(kept));
  std::string out(real.substr(0, kept));
  double bits = 0;
  for (const char c : real.substr(kept)) {
    const Alphabet alphabet = alphabet_of(c, hexadecimal);
    if (alphabet.size == 0) {
      out += c;
      continue;
    }
    out += static_cast<char>(alphabet.first + static_cast<char>(random_below(alphabet.size)));
    bits += std::log2(alphabet.size);
  }
  if (bits >= kMinBits) return out;
  return Error(Errc::kInvalidSecret, "the secret is too short for a surrogate: of its " +
                                         std::to_string(real.size()) +
                                         " bytes too few are letters or digits")
      .hint(
          "a secret of at least 24 letters and digits is safe; a short one could be mistaken for "
          "other text");
}

}  // namespace redoubtful::proxy
