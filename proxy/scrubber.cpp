#include "proxy/scrubber.hpp"

#include <algorithm>
#include <utility>

namespace redoubtful::proxy {
namespace {

// Changes the secret's bits of a base64 character that it shares with a neighbour; a character that
// does not hold them is something else.
void exchange(char& c, Border border, Alphabet alphabet) {
  const std::uint8_t value = base64_value(c);
  if (value > 63 || (value & border.mask) != border.secret) return;
  if (c == '-' || c == '_') alphabet = Alphabet::kUrlSafe;
  if (c == '+' || c == '/') alphabet = Alphabet::kStandard;
  c = base64_character(static_cast<std::uint8_t>(value ^ border.change), alphabet);
}

}  // namespace

void Scrubber::replace(char* text, std::size_t end, const ScrubPatterns::Match& match) {
  const Spelling& spelling = *match.spelling;
  const std::size_t begin = end - spelling.surrogate.size();
  std::copy(spelling.surrogate.begin(), spelling.surrogate.end(), text + begin);
  if (spelling.left.mask != 0 && begin > 0) {
    exchange(text[begin - 1], spelling.left, spelling.alphabet);
  }
  right_ = spelling.right;
  alphabet_ = spelling.alphabet;
  ++counts_[match.value];
}

// The bytes of text[at, end) are new; those before are what was held back.
void Scrubber::scan(char* text, std::size_t at, std::size_t end) {
  while (at < end) {
    if (state_ == ScrubPatterns::kRoot && right_.mask == 0) {
      at = patterns_->skip({text, end}, at);
      if (at == end) return;
    }
    state_ = patterns_->next(state_, text[at]);
    if (right_.mask != 0) exchange(text[at], std::exchange(right_, {}), alphabet_);
    ++at;
    if (const auto* match = patterns_->match(state_)) {
      replace(text, at, *match);
      state_ = patterns_->open(state_);
    }
  }
}

void Scrubber::feed(std::string_view in, std::string& out) {
  const std::size_t begin = out.size();
  out.append(held_.data(), held_.size()).append(in);
  char* const text = out.data() + begin;
  const std::size_t size = out.size() - begin;
  scan(text, held_.size(), size);
  std::size_t hold = patterns_->depth(state_);
  if (hold < size && patterns_->borders(state_, text[size - hold - 1])) ++hold;
  held_.assign(text + size - hold, text + size);
  out.resize(out.size() - hold);
}

void Scrubber::finish(std::string& out) {
  out.append(held_.data(), held_.size());
  held_.clear();
  state_ = ScrubPatterns::kRoot;
  right_ = {};
}

void Scrubber::scrub(std::string& text) {
  finish(text);  // nothing was held back: a text of its own
  scan(text.data(), 0, text.size());
  state_ = ScrubPatterns::kRoot;
  right_ = {};
}

}  // namespace redoubtful::proxy
