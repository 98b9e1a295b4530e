#pragma once

// What is owed for the frames of either side of a WebSocket: the same as a slow reader makes of the
// whole stream, however the stream is cut, and however its messages are cut into frames. Shared by
// the libFuzzer program and the replay of its corpus.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/placing.hpp"
#include "proxy/websocket_scrubber.hpp"
#include "proxy/websocket_swap.hpp"
#include "tests/fuzz/scrubber_target.hpp"
#include "tests/proxy/websocket_support.hpp"

namespace redoubtful::fuzz {

// One side: the filter of its frames, and what is to become of a payload by a slow search. Nothing:
// it must not pass.
class WebSocketSide {
 public:
  virtual ~WebSocketSide() = default;
  virtual proxy::WebSocketFrames& filter() = 0;
  virtual std::optional<std::string> message(unsigned opcode, std::string_view text) const = 0;
  virtual std::optional<std::string> control(std::string_view text) const = 0;
  virtual bool masks() const = 0;
};

class OriginsSide final : public WebSocketSide {
 public:
  proxy::WebSocketFrames& filter() override { return filter_; }
  std::optional<std::string> message(unsigned, std::string_view text) const override {
    static const SlowScrubber slow(fuzz_values());
    return slow.scrub(text);
  }
  std::optional<std::string> control(std::string_view text) const override {
    return message(0, text);
  }
  bool masks() const override { return false; }

 private:
  static const proxy::ScrubPatterns& patterns() {
    static const proxy::ScrubPatterns patterns(fuzz_values());
    return patterns;
  }
  proxy::Scrubber messages_{patterns()};
  proxy::Scrubber control_{patterns()};
  proxy::WebSocketScrubber filter_{messages_, control_};
};

class ClientsSide final : public WebSocketSide {
 public:
  proxy::WebSocketFrames& filter() override { return *filter_; }
  std::optional<std::string> message(unsigned opcode, std::string_view text) const override {
    if (finds(kElsewhere, text)) return std::nullopt;
    if (opcode != proxy::test::kText) return control(text);
    static const SlowScrubber slow({{kSurrogate, kReal}, {kQuoted, kQuotedReal}},
                                   proxy::text_spellings_of);
    return slow.scrub(text);
  }
  std::optional<std::string> control(std::string_view text) const override {
    for (const auto surrogate : {kSurrogate, kQuoted, kElsewhere}) {
      if (finds(surrogate, text)) return std::nullopt;
    }
    return std::string(text);
  }
  bool masks() const override { return true; }

 private:
  static constexpr std::string_view kSurrogate = "SURR0";
  static constexpr std::string_view kReal = "REAL-";
  static constexpr std::string_view kQuoted = "a\"b/\\c";
  static constexpr std::string_view kQuotedReal = "x\"y/\\z";
  static constexpr std::string_view kElsewhere = "NOT-HERE";

  static bool finds(std::string_view surrogate, std::string_view text) {
    static std::map<std::string_view, std::vector<proxy::Spelling>> known;
    auto& spellings = known[surrogate];
    if (spellings.empty()) spellings = proxy::text_spellings_of(surrogate, surrogate);
    return std::any_of(spellings.begin(), spellings.end(), [&](const auto& spelling) {
      return text.find(spelling.text()) != std::string_view::npos;
    });
  }
  static std::shared_ptr<const proxy::ScrubPatterns> patterns() {
    const Secret real = Secret::take(std::string(kReal)).value();
    const Secret quoted = Secret::take(std::string(kQuotedReal)).value();
    return proxy::placing_patterns(
        {{kSurrogate, &real}, {kQuoted, &quoted}, {kElsewhere, nullptr}});
  }
  static std::unique_ptr<proxy::WebSocketSwap> make() {
    static const auto made = patterns();
    return std::make_unique<proxy::WebSocketSwap>(
        made,
        std::vector<proxy::WebSocketSwap::Value>{{"one", true}, {"two", true}, {"three", false}});
  }
  std::unique_ptr<proxy::WebSocketSwap> filter_ = make();
};

// `out`: of messages that are whole or that the stream's end cut, and of control frames.
struct SlowOutcome {
  std::string out;
  bool faulty = false;
  std::vector<std::pair<unsigned, std::string>> messages;  // by opcode
  std::vector<std::string> rewritten;                      // the same messages
};

// Reads all of it first and writes then. Source: RFC 6455, section 5.2.
class SlowReader {
 public:
  SlowReader(const WebSocketSide& side, std::string_view in) : side_(side), in_(in) {}

  SlowOutcome read() {
    while (!outcome_.faulty && one_frame()) {
    }
    if (!outcome_.faulty && begun_) end_message();
    return std::move(outcome_);
  }

 private:
  struct Part {
    std::string before;  // control frames, and the head
    std::size_t size = 0;
    std::string mask;
  };

  // False: the stream has ended, or must.
  bool one_frame() {
    if (in_.size() < 2) return false;
    const auto first = static_cast<unsigned char>(in_[0]);
    const auto second = static_cast<unsigned char>(in_[1]);
    const unsigned bytes = (second & 127U) == 126 ? 2 : (second & 127U) == 127 ? 8 : 0;
    const bool masked = second > 127;
    const std::size_t head_size = 2 + bytes + (masked ? 4 : 0);
    if (in_.size() < head_size) return false;
    std::uint64_t length = bytes == 0 ? second & 127U : 0;
    for (unsigned i = 0; i < bytes; ++i) {
      length = length * 256 + static_cast<unsigned char>(in_[2 + i]);
    }
    const unsigned opcode = first & 15U;
    const bool control = opcode >= 8;
    const bool last = first > 127;
    outcome_.faulty = (first & 0x70U) != 0 || masked != side_.masks() || length >= 1ULL << 63U ||
                      opcode > 10 || (opcode > 2 && opcode < 8) ||
                      (control && (!last || length > 125)) || (!control && begun_ != (opcode == 0));
    if (outcome_.faulty) return false;
    const std::string head(in_.substr(0, head_size));
    const std::string mask = masked ? head.substr(head_size - 4) : std::string(4, '\0');
    const bool whole = length <= in_.size() - head_size;
    std::string payload(in_.substr(head_size, length));
    in_.remove_prefix(head_size + payload.size());
    put_mask(payload, mask);
    if (control) return whole && take_control(head, payload, mask);
    if (opcode != 0) opcode_ = opcode;
    begun_ = true;
    message_ += payload;
    parts_.push_back({std::exchange(waiting_, {}) + head, payload.size(), mask});
    if (whole && last) end_message();
    return whole;
  }

  bool take_control(const std::string& head, std::string& payload, const std::string& mask) {
    const auto rewritten = side_.control(payload);
    outcome_.faulty = !rewritten;
    if (!rewritten) return false;
    payload = *rewritten;
    put_mask(payload, mask);
    (begun_ ? waiting_ : outcome_.out) += head + payload;
    return true;
  }

  void end_message() {
    const auto rewritten = side_.message(opcode_, message_);
    outcome_.faulty = !rewritten;
    if (!rewritten) return;
    std::size_t at = 0;
    for (const auto& part : parts_) {
      std::string piece = rewritten->substr(at, part.size);
      at += part.size;
      put_mask(piece, part.mask);
      outcome_.out += part.before + piece;
    }
    outcome_.out += std::exchange(waiting_, {});
    outcome_.messages.emplace_back(opcode_, std::exchange(message_, {}));
    outcome_.rewritten.push_back(*rewritten);
    parts_.clear();
    begun_ = false;
  }

  static void put_mask(std::string& bytes, const std::string& mask) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(bytes[i] ^ mask[i % 4]);
  }

  const WebSocketSide& side_;
  std::string_view in_;
  bool begun_ = false;
  unsigned opcode_ = 0;
  std::string message_;
  std::vector<Part> parts_;
  std::string waiting_;
  SlowOutcome outcome_;
};

inline std::unique_ptr<WebSocketSide> websocket_side(bool client) {
  if (client) return std::make_unique<ClientsSide>();
  return std::make_unique<OriginsSide>();
}

struct Filtered {
  std::string out;
  unsigned code = 0;  // of the Close; 0: no fault
};

inline Filtered filtered(bool client, std::string_view in, std::size_t longest,
                         std::uint32_t seed) {
  const auto side = websocket_side(client);
  Filtered got;
  while (!in.empty()) {
    seed = seed * 1664525U + 1013904223U;
    const std::size_t size = std::min<std::size_t>(in.size(), 1 + (seed >> 8U) % longest);
    side->filter().feed(in.substr(0, size), got.out);
    in.remove_prefix(size);
  }
  side->filter().finish(got.out);
  got.code = side->filter().fault().empty() ? 0 : side->filter().close_code();
  return got;
}

// The same messages in other frames, with pings between.
inline std::string cut_anew(bool client, const SlowOutcome& slow, std::uint32_t seed) {
  std::string out;
  for (const auto& [opcode, text] : slow.messages) {
    std::string_view rest = text;
    for (bool first = true; first || !rest.empty(); first = false) {
      seed = seed * 1664525U + 1013904223U;
      const std::string_view piece = rest.substr(0, (seed >> 8U) % 9);
      rest.remove_prefix(piece.size());
      std::string mask;
      for (unsigned i = 0; i < 4; ++i) mask += static_cast<char>(seed >> (8 * i));
      const unsigned head = (first ? opcode : 0U) | (rest.empty() ? proxy::test::kFin : 0U);
      out +=
          client ? proxy::test::masked_frame(head, piece, mask) : proxy::test::frame(head, piece);
      if (seed % 5 == 0) {
        const unsigned ping = proxy::test::kFin | proxy::test::kPing;
        out += client ? proxy::test::masked_frame(ping, "p", mask) : proxy::test::frame(ping, "p");
      }
    }
  }
  return out;
}

// The first byte says whose frames they are, and how the stream is cut.
inline void websocket(std::string_view input) {
  if (input.empty()) return;
  const auto seed = static_cast<unsigned char>(input.front());
  const bool client = seed % 2 == 0;
  const std::string_view in = input.substr(1, 1024);
  const SlowOutcome slow = SlowReader(*websocket_side(client), in).read();
  const Filtered whole = filtered(client, in, in.size() + 1, 0);
  for (const std::size_t longest : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    const Filtered cut = filtered(client, in, longest, seed);
    if (cut.code != whole.code || (cut.code != 0) != slow.faulty) std::abort();
    // What came before a fault, and no more than is decided of what it is in.
    if (!cut.out.starts_with(slow.out)) std::abort();
    if (cut.code != proxy::kClosePolicyViolation && cut.out != whole.out) std::abort();
    if (!slow.faulty && cut.out != slow.out) std::abort();
  }
  if (slow.faulty) return;
  const std::string anew = cut_anew(client, slow, seed);
  const Filtered again = filtered(client, anew, 1 + seed % 16U, seed);
  if (again.code != 0) std::abort();
  const SlowOutcome read = SlowReader(*websocket_side(client), again.out).read();
  if (read.faulty || read.messages.size() != slow.rewritten.size()) std::abort();
  for (std::size_t i = 0; i < slow.rewritten.size(); ++i) {
    if (read.messages[i].second != slow.rewritten[i]) std::abort();
  }
}

}  // namespace redoubtful::fuzz
