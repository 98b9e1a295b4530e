// The JSON part of body_swap.hpp: a reader that follows the text byte by byte, and knows at each
// string whether it is the value of a wanted member.

#include <algorithm>
#include <optional>

#include "proxy/body_swap.hpp"
#include "proxy/placing.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxDepth = 512;
constexpr std::size_t kMaxKeyBytes = 4096;

// The tokens of a JSON pointer; a plain name is one. Source: RFC 6901, section 4.
std::vector<std::string> tokens_of(const std::string& field) {
  if (!field.starts_with('/')) return {field};
  std::vector<std::string> out;
  for (std::size_t at = 1;;) {
    const std::size_t end = std::min(field.find('/', at), field.size());
    std::string token;
    for (std::size_t i = at; i < end; ++i) {
      if (field[i] == '~' && i + 1 < end) {
        token += field[++i] == '1' ? '/' : '~';
      } else {
        token += field[i];
      }
    }
    out.push_back(std::move(token));
    if (end == field.size()) return out;
    at = end + 1;
  }
}

class JsonSwap final : public BodyFilter {
 public:
  explicit JsonSwap(std::vector<BodySwap> swaps) : swaps_(std::move(swaps)) {
    for (const auto& swap : swaps_) paths_.push_back(tokens_of(swap.field));
  }

  void feed(std::string_view in, std::string& out) override {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (state_ == State::kLost) {
        out += in.substr(i);
        return;
      }
      take(in[i], out);
    }
  }
  void finish(std::string& out) override {
    out += held_;
    held_.clear();
  }
  bool keeps_length() const noexcept override { return keep_length(swaps_); }

 private:
  enum class State {
    kValue,      // a value must begin
    kFirstKey,   // a key, or the end of an object that has none
    kKey,        // a key must begin
    kFirstItem,  // a value, or the end of an array that has none
    kColon,
    kEnd,      // of a value: a comma or a closing bracket
    kLiteral,  // in a number, true, false or null
    kInKey,
    kInString,
    kOver,  // the outermost value is complete
    kLost,  // not JSON: nothing is changed any more
  };
  struct Frame {
    bool object = false;
    std::size_t index = 0;  // of an array's item
    std::string key;        // of an object's member
  };

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  void lose(std::string& out) {
    out += held_;
    held_.clear();
    state_ = State::kLost;
  }

  void take(char c, std::string& out) {
    switch (state_) {
      case State::kInKey:
      case State::kInString:
        return take_in_string(c, out);
      case State::kLiteral:
        if (is_space(c) || c == ',' || c == ']' || c == '}') {
          ended();
          return take(c, out);
        }
        out += c;
        return;
      default:
        out += c;
        if (!is_space(c)) take_mark(c);
        return;
    }
  }

  void take_mark(char c) {
    const bool begins = state_ == State::kValue || state_ == State::kFirstItem;
    if (begins && c == '"') {
      state_ = State::kInString;
      wanted_ = is_wanted();
      return;
    }
    if ((state_ == State::kFirstKey || state_ == State::kKey) && c == '"') {
      state_ = State::kInKey;
      return;
    }
    if (begins && (c == '{' || c == '[')) {
      if (frames_.size() == kMaxDepth) {
        state_ = State::kLost;
        return;
      }
      frames_.push_back({.object = c == '{', .index = 0, .key = {}});
      state_ = c == '{' ? State::kFirstKey : State::kFirstItem;
      return;
    }
    const bool closes = state_ == State::kEnd || (state_ == State::kFirstKey && c == '}') ||
                        (state_ == State::kFirstItem && c == ']');
    if (closes && !frames_.empty() && c == (frames_.back().object ? '}' : ']')) {
      frames_.pop_back();
      ended();
      return;
    }
    if (state_ == State::kEnd && c == ',' && !frames_.empty()) {
      ++frames_.back().index;
      state_ = frames_.back().object ? State::kKey : State::kValue;
      return;
    }
    if (state_ == State::kColon && c == ':') {
      state_ = State::kValue;
      return;
    }
    const bool literal = (c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f' || c == 'n';
    state_ = begins && literal ? State::kLiteral : State::kLost;
  }

  void take_in_string(char c, std::string& out) {
    if (static_cast<unsigned char>(c) < 0x20) {
      lose(out);
      out += c;
      return;
    }
    if (c == '"' && !escaped_) {
      close_string(out);
      return;
    }
    escaped_ = c == '\\' && !escaped_;
    if (state_ == State::kInString && !wanted_) {
      out += c;
      return;
    }
    held_ += c;
    const bool key = state_ == State::kInKey;
    if (held_.size() <= (key ? kMaxKeyBytes : kMaxValueBytes)) return;
    if (key) return lose(out);
    out += held_;
    held_.clear();
    wanted_ = false;
  }

  void close_string(std::string& out) {
    if (state_ == State::kInKey) {
      // A key with escapes is none of ours, and servers agree on how it reads.
      frames_.back().key = held_;
      out += held_;
      state_ = State::kColon;
    } else {
      out += wanted_ ? swapped() : held_;
      ended();
    }
    held_.clear();
    out += '"';
  }

  void ended() { state_ = frames_.empty() ? State::kOver : State::kEnd; }

  bool fits(const std::vector<std::string>& path) const {
    if (path.size() != frames_.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const Frame& frame = frames_[i];
      if (path[i] != (frame.object ? frame.key : std::to_string(frame.index))) return false;
    }
    return true;
  }
  bool is_wanted() const {
    return std::any_of(paths_.begin(), paths_.end(),
                       [this](const auto& path) { return fits(path); });
  }
  std::string swapped() const {
    std::string value = held_;
    for (std::size_t i = 0; i < swaps_.size(); ++i) {
      if (!fits(paths_[i])) continue;
      auto by = placed(value, *swaps_[i].surrogate, *swaps_[i].secret, Notation::kJson);
      if (by) value = *std::move(by);
    }
    return value;
  }

  std::vector<BodySwap> swaps_;
  std::vector<std::vector<std::string>> paths_;
  std::vector<Frame> frames_;
  State state_ = State::kValue;
  std::string held_;  // of a key, or of a wanted string
  bool escaped_ = false;
  bool wanted_ = false;
};

}  // namespace

std::unique_ptr<BodyFilter> json_swap(std::vector<BodySwap> swaps) {
  return std::make_unique<JsonSwap>(std::move(swaps));
}

}  // namespace redoubtful::proxy
