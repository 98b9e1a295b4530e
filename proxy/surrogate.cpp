#include "proxy/surrogate.hpp"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <string_view>

#include "common/secret_look.hpp"
#include "proxy/random.hpp"
#include "proxy/token_surrogate.hpp"

namespace redoubtful::proxy {
namespace {

// Of random bits: with fewer, other text could be taken for the surrogate, or for the secret.
constexpr double kMinBits = 64;
constexpr std::size_t kMinDistinct = 5;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

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

// A value with almost nothing in it is a placeholder, and other text will hold it by chance.
bool is_monotonous(std::string_view text) {
  std::bitset<256> seen;
  for (const char c : text) seen.set(static_cast<unsigned char>(c));
  return seen.count() < kMinDistinct;
}

std::string aws_key_id_like(std::string_view real) {
  std::string out(real.substr(0, 4));
  while (out.size() < real.size()) out += kBase32[random_below(kBase32.size())];
  return out;
}

}  // namespace

Result<std::string> make_surrogate(const Secret& secret) {
  // Not longer than the call that reads it: `real` views the secret.
  const std::string_view real = secret.expose();
  if (is_aws_key_id(real)) return aws_key_id_like(real);
  if (auto token = token_surrogate(real)) return *std::move(token);
  std::size_t kept = 0;
  for (const std::string_view prefix : known_secret_prefixes()) {
    if (real.starts_with(prefix)) {
      kept = prefix.size();
      break;
    }
  }
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
  if (bits < kMinBits) {
    return Error(Errc::kInvalidSecret, "the secret is too short for a surrogate: of its " +
                                           std::to_string(real.size()) +
                                           " bytes too few are letters or digits")
        .hint(
            "use one of 16 letters or more: a short one stands in other text by chance, and would "
            "be replaced there");
  }
  if (is_monotonous(real.substr(kept))) {
    return Error(Errc::kInvalidSecret,
                 "the secret consists of a few characters over and over, as a placeholder does")
        .hint("put the real value where its source is");
  }
  return out;
}

bool hide_secret(std::string& text, const Secret& secret, std::string_view surrogate) {
  const std::string_view real = secret.expose();
  bool found = false;
  for (std::size_t at = 0; (at = text.find(real, at)) != std::string::npos;
       at += surrogate.size()) {
    text.replace(at, real.size(), surrogate);
    found = true;
  }
  return found;
}

}  // namespace redoubtful::proxy
