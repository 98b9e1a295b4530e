// The JSON part of body_swap.hpp: a reader that follows the text byte by byte, and knows at each
// string whether it is the value of a wanted member.

#include <boost/json/parse.hpp>
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

// What the text between the quotes of a key stands for; nothing where it is no JSON.
std::optional<std::string> unescaped(const std::string& key) {
  if (key.find('\\') == std::string::npos) return key;
  boost::system::error_code error;
  const auto value = boost::json::parse('"' + key + '"', error);
  if (error) return std::nullopt;
  return std::string(value.get_string());
}

class JsonSwap final : public FieldSwap {
 public:
  JsonSwap(std::vector<BodySwap> swaps, bool demanded) : FieldSwap(std::move(swaps), demanded) {
    for (const auto& swap : this->swaps()) paths_.push_back(tokens_of(swap.field));
  }

 private:
  void take(std::string_view in, std::string& out) override {
    for (std::size_t i = 0; i < in.size() && !refused(); ++i) {
      if (state_ == State::kLost) {
        out += in.substr(i);
        return;
      }
      take(in[i], out);
    }
  }
  void end(std::string& out) override {
    if (strict() && state_ != State::kOver && state_ != State::kLiteral) return lose(out);
    out += held_;
    held_.clear();
  }

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
    if (strict()) return refuse(kUnread);
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
        if (!is_space(c)) take_mark(c);
        if (state_ == State::kLost && strict()) refuse(kUnread);
        if (!refused()) out += c;
        return;
    }
  }

  void take_mark(char c) {
    const bool begins = state_ == State::kValue || state_ == State::kFirstItem;
    if (begins) {
      wanted_ = wanted_here();
      blanking_ = false;
      if (strict() && !wanted_.empty() && c != '"') return refuse(kUnread);
    }
    if (begins && c == '"') {
      state_ = State::kInString;
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
    if (state_ == State::kInString && (wanted_.empty() || blanking_)) {
      out += blanking_ ? ' ' : c;
      return;
    }
    held_ += c;
    const bool key = state_ == State::kInKey;
    if (held_.size() <= (key ? kMaxKeyBytes : kMaxValueBytes)) return;
    if (key) return lose(out);
    foreign(wanted_.front());
    out.append(held_.size(), ' ');
    held_.clear();
    blanking_ = true;
  }

  void close_string(std::string& out) {
    if (state_ == State::kInKey) {
      auto key = unescaped(held_);
      if (!key) {
        lose(out);
        out += '"';
        return;
      }
      frames_.back().key = *std::move(key);
      state_ = State::kColon;
    } else {
      if (!blanking_) held_ = sent_value(wanted_, held_, Notation::kJson);
      ended();
    }
    if (refused()) return;
    out += held_;
    held_.clear();
    out += '"';
  }

  void ended() { state_ = frames_.empty() ? State::kOver : State::kEnd; }

  // `loosely`: some readers do not tell upper case from lower.
  bool fits(const std::vector<std::string>& path, bool loosely) const {
    if (path.size() != frames_.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const Frame& frame = frames_[i];
      const std::string name = frame.object ? frame.key : std::to_string(frame.index);
      if (path[i] != name && !(loosely && equals_ignoring_case(path[i], name))) return false;
    }
    return true;
  }
  std::vector<std::size_t> wanted_here() {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      if (fits(paths_[i], false)) {
        out.push_back(i);
      } else if (strict() && fits(paths_[i], true)) {
        refuse(kUnread);
      }
    }
    return out;
  }

  std::vector<std::vector<std::string>> paths_;
  std::vector<Frame> frames_;
  State state_ = State::kValue;
  std::string held_;  // of a key, or of a wanted string
  bool escaped_ = false;
  std::vector<std::size_t> wanted_;  // by whom this value is
  bool blanking_ = false;            // of what is wanted, the rest
};

}  // namespace

std::unique_ptr<FieldSwap> json_swap(std::vector<BodySwap> swaps, bool demanded) {
  return std::make_unique<JsonSwap>(std::move(swaps), demanded);
}

}  // namespace redoubtful::proxy
