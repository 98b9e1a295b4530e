#pragma once

// Replaces every spelling of a secret by that of its surrogate in a stream of bytes. [trusted core]
//
// Lengths hold: each byte in gives one byte out. Of what was fed only those last bytes are held
// back that could be the beginning of a spelling; a text that ends in none passes at once. The
// result does not depend on how the stream was cut. Every byte of every occurrence is overwritten,
// also where occurrences overlap: then what was found last wins, so that a secret that contains
// another becomes its own surrogate.
//
// Linear in the stream, whatever is in it; nothing is allocated but room in `out`.
//
// Lifetime: the patterns must outlive it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/scrub_patterns.hpp"

namespace redoubtful::proxy {

class Scrubber {
 public:
  explicit Scrubber(const ScrubPatterns& patterns)
      : patterns_(&patterns), counts_(patterns.values()) {}

  // Appends what is decided.
  void feed(std::string_view in, std::string& out);
  // The stream has ended: appends the rest. What is fed next is another stream.
  void finish(std::string& out);
  // A whole text in place.
  void scrub(std::string& text);

  std::size_t held() const noexcept { return held_.size(); }
  // Occurrences so far, by index of the ScrubbedValue.
  const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }

 private:
  void scan(char* text, std::size_t at, std::size_t end);
  void replace(char* text, std::size_t end, const ScrubPatterns::Match& match);

  const ScrubPatterns* patterns_;
  ScrubPatterns::State state_ = ScrubPatterns::kRoot;
  Border right_;  // of the occurrence that has just ended
  Alphabet alphabet_ = Alphabet::kStandard;
  ErasedBytes held_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace redoubtful::proxy
