#pragma once

// What the scrubber owes for every stream: the same as a slow search of the whole text, however the
// stream is cut. Shared by the libFuzzer program, the replay of its corpus, and a property test.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/scrubber.hpp"

namespace redoubtful::fuzz {

// By definition: at each end, the longest spelling that ends there in what came in is overwritten.
class SlowScrubber {
 public:
  using Spell = std::vector<proxy::Spelling> (*)(std::string_view, std::string_view);

  explicit SlowScrubber(const std::vector<proxy::ScrubbedValue>& values,
                        Spell spell = proxy::spellings_of) {
    for (const auto& value : values) {
      for (auto& spelling : spell(value.secret, value.surrogate)) {
        spellings_.push_back(std::move(spelling));
      }
    }
  }

  std::string scrub(const std::string_view in) const {
    std::string out(in);
    for (std::size_t end = 1; end <= in.size(); ++end) {
      const proxy::Spelling* longest = nullptr;
      for (const auto& spelling : spellings_) {
        if (!in.substr(0, end).ends_with(spelling.text())) continue;
        if (longest == nullptr || spelling.secret.size() > longest->secret.size()) {
          longest = &spelling;
        }
      }
      if (longest == nullptr) continue;
      const std::size_t begin = end - longest->secret.size();
      out.replace(begin, longest->secret.size(), longest->replacement());
      if (begin > 0) exchange(out[begin - 1], longest->left, longest->alphabet);
      if (end < out.size()) exchange(out[end], longest->right, longest->alphabet);
    }
    return out;
  }

 private:
  static void exchange(char& c, proxy::Border border, proxy::Alphabet alphabet) {
    const auto value = proxy::base64_value(c);
    if (border.mask == 0 || value > 63 || (value & border.mask) != border.secret) return;
    if (c == '-' || c == '_') alphabet = proxy::Alphabet::kUrlSafe;
    if (c == '+' || c == '/') alphabet = proxy::Alphabet::kStandard;
    c = proxy::base64_character(static_cast<std::uint8_t>(value ^ border.change), alphabet);
  }

  std::vector<proxy::Spelling> spellings_;
};

// Fed in pieces of 1 to `longest` bytes, in an order that `seed` chooses.
inline std::string scrubbed_in_pieces(proxy::Scrubber& scrubber, std::string_view text,
                                      std::size_t longest, std::uint32_t seed) {
  std::string out;
  while (!text.empty()) {
    seed = seed * 1664525U + 1013904223U;
    const std::size_t size = std::min<std::size_t>(text.size(), 1 + (seed >> 8U) % longest);
    scrubber.feed(text.substr(0, size), out);
    text.remove_prefix(size);
  }
  scrubber.finish(out);
  return out;
}

// Secrets that contain, begin and end each other, and have something to escape.
inline const std::vector<proxy::ScrubbedValue>& fuzz_values() {
  static const std::vector<proxy::ScrubbedValue> values = {
      {"abab", "cdcd"}, {"xx/\"abab", "xx/\"efef"}, {"b+ /\\", "d+ /\\"}, {"aa?>", "zz?>"}};
  return values;
}

// The first byte says how the rest is cut.
inline void scrubber(std::string_view input) {
  static const proxy::ScrubPatterns patterns(fuzz_values());
  static const SlowScrubber slow(fuzz_values());
  if (input.empty()) return;
  const auto seed = static_cast<unsigned char>(input.front());
  const std::string_view text = input.substr(1, 4096);
  const std::string wanted = slow.scrub(text);
  proxy::Scrubber scrubber(patterns);
  std::string whole(text);
  scrubber.scrub(whole);
  if (whole != wanted) std::abort();
  for (const std::size_t longest : {std::size_t{1}, std::size_t{7}, std::size_t{200}}) {
    if (scrubbed_in_pieces(scrubber, text, longest, seed) != wanted) std::abort();
    if (scrubber.held() != 0) std::abort();
  }
}

}  // namespace redoubtful::fuzz
