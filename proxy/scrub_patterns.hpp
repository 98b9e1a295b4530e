#pragma once

// All spellings of some secrets as one automaton (Aho-Corasick), and a table that skips what cannot
// begin one. [trusted core]
//
// A trie with links to the longest proper suffix that is in it too; children of a node are a list,
// for nearly all have one. So a spelling costs 24 bytes for each of its own, and a step is
// amortised constant but for the lists, whatever the text. The table (Wu and Manber, "A fast
// algorithm for multi-pattern searching", 1994) looks at three bytes at the place where the
// shortest spelling would end and says how far it is at least to one: of ordinary text it reads a
// small part.
//
// Immutable after construction. The nodes spell secrets: their memory is locked as far as the limit
// allows, and erased (erasing.hpp).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/secret_spellings.hpp"

namespace redoubtful::proxy {

// What is scrubbed of one credential. The views need not outlive the call that they are given to.
struct ScrubbedValue {
  std::string_view secret;
  std::string_view surrogate;
};

class ScrubPatterns {
 public:
  using State = std::uint32_t;
  static constexpr State kRoot = 0;

  struct Match {
    std::size_t value = 0;  // index of the ScrubbedValue
    const Spelling* spelling = nullptr;
  };

  enum class Spellings { kAll, kText };  // secret_spellings.hpp

  explicit ScrubPatterns(std::span<const ScrubbedValue> values,
                         Spellings spellings = Spellings::kAll);
  ScrubPatterns(const ScrubPatterns&) = delete;
  ScrubPatterns& operator=(const ScrubPatterns&) = delete;

  // The state after one more byte.
  State next(State state, char byte) const noexcept;
  // The longest spelling that ends in this state.
  const Match* match(State state) const noexcept {
    const std::uint32_t found = nodes_[state].match;
    return found == 0 ? nullptr : &matches_[found - 1];
  }
  // The same without what can only have ended: a state in which some spelling goes on, or kRoot.
  State open(State state) const noexcept;
  // How many of the bytes that led to the state may be the beginning of a spelling.
  std::size_t depth(State state) const noexcept { return nodes_[state].depth; }
  // Could the byte before those be the left border of a base64 spelling?
  bool borders(State state, char before) const noexcept {
    return nodes_[state].bordered && border_bytes_[static_cast<unsigned char>(before)];
  }

  // The first place from `at` on at which a spelling may begin, as far as can be told without
  // next(); none begins before it. The size of the text where none does in all of it.
  std::size_t skip(std::string_view text, std::size_t at) const noexcept;

  std::size_t values() const noexcept { return values_; }
  bool empty() const noexcept { return matches_.empty(); }

 private:
  struct Node {
    State child = 0;    // the first
    State sibling = 0;  // 0: none, for the root is nobody's
    State suffix = 0;
    std::uint32_t match = 0;  // index + 1
    std::uint32_t depth = 0;
    char byte = 0;
    bool bordered = false;
  };

  State child_of(State state, char byte) const noexcept;
  void insert(std::uint32_t match);
  void link();
  void make_skips();
  void make_borders();
  std::size_t hash(const char* three) const noexcept;

  std::size_t values_;
  std::vector<Spelling> spellings_;  // but for their `secret`
  std::vector<Match> matches_;
  ErasedVector<Node> nodes_;
  std::array<State, 256> first_{};  // the root's children, by byte
  std::array<bool, 256> border_bytes_{};
  std::size_t window_ = 0;  // of the skip table; 0: it is not used
  unsigned hash_bits_ = 0;
  ErasedVector<std::uint8_t> skips_;   // by hash of a window's last three bytes
  ErasedVector<std::uint8_t> begins_;  // by hash of its first three: 1 where a spelling begins so
};

}  // namespace redoubtful::proxy
