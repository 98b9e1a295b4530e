#include "proxy/scrub_patterns.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kBlock = 3;  // bytes that the skip table looks at
// A skip fits into a byte.
constexpr std::size_t kMaxWindow = std::numeric_limits<std::uint8_t>::max() + kBlock - 1;
// Up to 65536 entries, of which one in 32 should be taken.
constexpr unsigned kSpare = 32;
constexpr unsigned kMinBits = 12;
constexpr unsigned kMaxBits = 16;

std::uint32_t byte_of(char c) { return static_cast<unsigned char>(c); }

}  // namespace

ScrubPatterns::ScrubPatterns(std::span<const ScrubbedValue> values, Spellings spellings)
    : values_(values.size()) {
  const auto spell = spellings == Spellings::kAll ? spellings_of : text_spellings_of;
  std::vector<std::size_t> owners;
  std::size_t bytes = 0;
  for (std::size_t value = 0; value < values.size(); ++value) {
    for (auto& spelling : spell(values[value].secret, values[value].surrogate)) {
      bytes += spelling.secret.size();
      spellings_.push_back(std::move(spelling));
      owners.push_back(value);
    }
  }
  for (std::size_t i = 0; i < spellings_.size(); ++i)
    matches_.push_back({owners[i], &spellings_[i]});
  nodes_.reserve(bytes + 1);
  // Best effort: the limit on locked memory is small where it is not raised.
  (void)::mlock(nodes_.data(), nodes_.capacity() * sizeof(Node));
  nodes_.emplace_back();
  for (std::uint32_t i = 0; i < matches_.size(); ++i) insert(i);
  link();
  make_borders();
  make_skips();
  // The nodes spell them now.
  for (Spelling& spelling : spellings_) ErasedBytes().swap(spelling.secret);
}

ScrubPatterns::State ScrubPatterns::child_of(State state, char byte) const noexcept {
  if (state == kRoot) return first_[byte_of(byte)];
  State child = nodes_[state].child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

void ScrubPatterns::insert(std::uint32_t match) {
  const Spelling& spelling = *matches_[match].spelling;
  const bool bordered = spelling.left.mask != 0;
  State state = kRoot;
  nodes_[kRoot].bordered |= bordered;
  for (const char byte : spelling.text()) {
    State child = child_of(state, byte);
    if (child == 0) {
      child = static_cast<State>(nodes_.size());
      Node node;
      node.byte = byte;
      node.depth = nodes_[state].depth + 1;
      node.sibling = nodes_[state].child;
      nodes_.push_back(node);
      nodes_[state].child = child;
      if (state == kRoot) first_[byte_of(byte)] = child;
    }
    state = child;
    nodes_[state].bordered |= bordered;
  }
  // Two credentials of one value: the first.
  if (nodes_[state].match == 0) nodes_[state].match = match + 1;
}

// Breadth first: what a suffix link leads to is less deep and finished.
void ScrubPatterns::link() {
  std::vector<State> queue = {kRoot};
  queue.reserve(nodes_.size());
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const State state = queue[i];
    for (State child = nodes_[state].child; child != 0; child = nodes_[child].sibling) {
      queue.push_back(child);
      if (state == kRoot) continue;
      State suffix = nodes_[state].suffix;
      while (suffix != kRoot && child_of(suffix, nodes_[child].byte) == 0) {
        suffix = nodes_[suffix].suffix;
      }
      nodes_[child].suffix = child_of(suffix, nodes_[child].byte);
      if (nodes_[child].match == 0) nodes_[child].match = nodes_[nodes_[child].suffix].match;
    }
  }
}

void ScrubPatterns::make_borders() {
  for (const Spelling& spelling : spellings_) {
    for (unsigned byte = 0; spelling.left.mask != 0 && byte < border_bytes_.size(); ++byte) {
      const std::uint8_t value = base64_value(static_cast<char>(byte));
      if (value < 64 && (value & spelling.left.mask) == spelling.left.secret) {
        border_bytes_[byte] = true;
      }
    }
  }
}

std::size_t ScrubPatterns::hash(const char* three) const noexcept {
  const std::uint32_t block =
      byte_of(three[0]) << 16U | byte_of(three[1]) << 8U | byte_of(three[2]);
  return static_cast<std::uint32_t>(block * 0x9E3779B1U) >> (32U - hash_bits_);
}

void ScrubPatterns::make_skips() {
  if (matches_.empty()) return;
  std::size_t shortest = kMaxWindow;
  for (const Spelling& spelling : spellings_) shortest = std::min(shortest, spelling.secret.size());
  if (shortest < kBlock) return;
  window_ = shortest;
  const auto wanted = static_cast<unsigned>(std::bit_width(kSpare * matches_.size() * window_));
  hash_bits_ = std::clamp(wanted, kMinBits, kMaxBits);
  const auto furthest = static_cast<std::uint8_t>(window_ - kBlock + 1);
  skips_.assign(std::size_t{1} << hash_bits_, furthest);
  begins_.assign(std::size_t{1} << hash_bits_, 0);
  for (const Spelling& spelling : spellings_) {
    begins_[hash(spelling.secret.data())] = 1;
    for (std::size_t end = kBlock; end <= window_; ++end) {
      auto& skip = skips_[hash(spelling.secret.data() + end - kBlock)];
      skip = std::min(skip, static_cast<std::uint8_t>(window_ - end));
    }
  }
}

ScrubPatterns::State ScrubPatterns::next(State state, char byte) const noexcept {
  for (;;) {
    const State child = child_of(state, byte);
    if (child != 0 || state == kRoot) return child;
    state = nodes_[state].suffix;
  }
}

ScrubPatterns::State ScrubPatterns::open(State state) const noexcept {
  while (state != kRoot && nodes_[state].child == 0) state = nodes_[state].suffix;
  return state;
}

std::size_t ScrubPatterns::skip(std::string_view text, std::size_t at) const noexcept {
  if (matches_.empty()) return text.size();
  if (window_ == 0) return at;
  const char* const begin = text.data();
  const std::size_t furthest = window_ - kBlock + 1;
  for (std::size_t end = at + window_; end <= text.size();) {
    // Four at once, as if the first three skipped furthest: the loads do not wait for each other.
    if (end + 3 * furthest <= text.size()) {
      const char* const last = begin + end - kBlock;
      const std::size_t least =
          std::min(std::min(skips_[hash(last)], skips_[hash(last + furthest)]),
                   std::min(skips_[hash(last + 2 * furthest)], skips_[hash(last + 3 * furthest)]));
      if (least == furthest) {
        end += 4 * furthest;
        at = end - window_;
        continue;
      }
    }
    const std::size_t skip = skips_[hash(begin + end - kBlock)];
    if (skip == 0 && begins_[hash(begin + end - window_)] != 0) return end - window_;
    end += std::max<std::size_t>(skip, 1);
    at = end - window_;
  }
  return at;
}

}  // namespace redoubtful::proxy
