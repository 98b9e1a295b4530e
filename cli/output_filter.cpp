#include "cli/output_filter.hpp"

#include <algorithm>
#include <utility>

#include "cli/output_rules.hpp"
#include "cli/terminal_bytes.hpp"

namespace redoubtful::cli {

using namespace terminal_bytes;

namespace {

// The letter that follows ESC in the seven-bit form; 0 when `c1` introduces nothing.
unsigned char seven_bit(unsigned char c1) {
  switch (c1) {
    case 0x90:
    case 0x98:
    case 0x9B:
    case 0x9D:
    case 0x9E:
    case 0x9F:
      return static_cast<unsigned char>(c1 - 0x40);
    default:
      return 0;
  }
}

}  // namespace

void OutputFilter::filter(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const std::size_t plain = plain_prefix(bytes);
    out.append(bytes.substr(0, plain));
    bytes.remove_prefix(plain);
    if (bytes.empty()) return;
    const auto c = static_cast<unsigned char>(bytes.front());
    while (!step(c, out)) {
    }
    bytes.remove_prefix(1);
    // Longer than any sequence that means something: padding, to get past a filter that gives up.
    if (held_.size() > kMaxHeldBytes) {
      const bool osc =
          state_ == State::kOscNumber || state_ == State::kOscWord || state_ == State::kOscTarget;
      held_.clear();
      state_ = osc                            ? State::kOscDrop
               : state_ == State::kStringKind ? State::kStringDrop
                                              : State::kText;
    }
  }
}

std::size_t OutputFilter::plain_prefix(std::string_view bytes) const {
  if (continuation_ > 0 || !held_.empty()) return 0;
  if (state_ != State::kText && state_ != State::kOscPass) return 0;
  std::size_t length = 0;
  while (length < bytes.size()) {
    const auto c = static_cast<unsigned char>(bytes[length]);
    // What is below space and not layout, '?' for questions, and everything above ASCII.
    if (c >= kDelete || (c == '?' && asks_) || (c < 0x20 && c != '\n' && c != '\r' && c != '\t'))
      break;
    ++length;
  }
  return length;
}

bool OutputFilter::step(unsigned char c, std::string& out) {
  switch (state_) {
    case State::kText:
    case State::kOscPass:
      return text(c, out);
    case State::kEscape:
    case State::kCharset:
    case State::kIntermediate:
      return escape(c, out);
    case State::kControl:
      return control(c, out);
    case State::kOscNumber:
      return osc_number(c, out);
    case State::kOscWord:
      return osc_word(c, out);
    case State::kOscTarget:
      return osc_target(c, out);
    case State::kStringKind:
      return string_kind(c, out);
    case State::kOscDrop:
    case State::kStringDrop:
      return dropping(c, out);
  }
  return true;
}

void OutputFilter::hold(unsigned char c) { held_ += static_cast<char>(c); }

void OutputFilter::flush(std::string& out) {
  out += held_;
  held_.clear();
}

void OutputFilter::start_text(std::string& out) {
  flush(out);
  state_ = State::kText;
  open_ = false;
}

// Something new begins before `held_` was complete. For the terminal it is over with that; but if
// what begins now is dropped, the remains must not join what follows. Inside a tmux string, where
// they could also join the next string, they are dropped.
void OutputFilter::interrupt(std::string& out) {
  if (in_string_) {
    held_.clear();
  } else {
    flush(out);
    open_ = true;
  }
  state_ = State::kText;
}

bool OutputFilter::text(unsigned char c, std::string& out) {
  if (c >= 0x80 || continuation_ > 0 || !held_.empty()) return high(c, out);
  if (c == kEscape) {
    open_ = open_ || (state_ == State::kOscPass && !in_string_);
    hold(c);
    state_ = State::kEscape;
    return true;
  }
  if (state_ == State::kOscPass) {
    if (c == '?' && asks_) {
      ++queries_passed_;
      asks_ = false;
    }
    if (c == kBell || cancels(c)) state_ = State::kText;
  } else if (cancels(c)) {
    in_string_ = false;
  } else if (c == kEnquiry && !in_string_) {
    if (queries_ == Queries::kDrop) return true;
    ++queries_passed_;
  }
  out += static_cast<char>(c);
  return true;
}

// Bytes above ASCII, and what follows them: whether 0x9D is the C1 control or the end of a
// quotation mark depends on the bytes before it. `held_` is a lone C2 here, or empty.
bool OutputFilter::high(unsigned char c, std::string& out) {
  const bool after_c1_lead = !held_.empty();
  if (continuation_ > 0 || after_c1_lead) {
    const bool fits = c >= lowest_ && c <= highest_;
    if (continuation_ > 0 && fits) {
      --continuation_;
      lowest_ = 0x80;
      highest_ = 0xBF;
      out += static_cast<char>(c);
      return true;
    }
    if (!after_c1_lead || c < 0x80 || c > 0xBF) {
      continuation_ = 0;
      lowest_ = 0x80;
      highest_ = 0xBF;
      flush(out);
      return false;
    }
    if (c > 0x9F) {
      hold(c);
      flush(out);
      return true;
    }
  } else if (!eight_bit_ && c >= 0xC2 && c <= 0xF4) {
    if (c == kC1Lead) {
      hold(c);
      return true;
    }
    continuation_ = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    lowest_ = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    highest_ = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    out += static_cast<char>(c);
    return true;
  }
  // A C1 control: in UTF-8, or a bare byte that belongs to no character.
  hold(c);
  if (seven_bit(c) != 0) {
    introduce(seven_bit(c), out);
    return true;
  }
  if (c == kStringTerminator) {
    state_ = State::kText;
    in_string_ = false;
  }
  flush(out);
  return true;
}

// `held_` is the whole introducer.
void OutputFilter::introduce(unsigned char letter, std::string& out) {
  open_ = open_ || (state_ == State::kOscPass && !in_string_);
  introducer_ = held_.size();
  escapes_ = 0;
  switch (letter) {
    case '[':
      state_ = State::kControl;
      return;
    case ']':
      state_ = State::kOscNumber;
      return;
    case 'P':
    case '_':
      string_ = letter;
      state_ = State::kStringKind;
      return;
    default:  // SOS, PM: nobody obeys them
      start_text(out);
      in_string_ = true;
      return;
  }
}

// ST, with the run of ESC before it in held_. tmux sends on one ESC of two, so an odd run ends its
// string; what precedes the last ESC would wait outside for the next string, and is dropped.
void OutputFilter::close_string(std::string& out) {
  const bool odd = std::count(held_.begin(), held_.end(), static_cast<char>(kEscape)) % 2 == 1;
  if (odd && in_string_) held_.assign(1, static_cast<char>(kEscape));
  hold('\\');
  start_text(out);
  if (odd) in_string_ = false;
}

bool OutputFilter::escape(unsigned char c, std::string& out) {
  if (c == kEscape) {
    if (state_ != State::kEscape) {
      interrupt(out);
      state_ = State::kEscape;
    }
    hold(c);
    return true;
  }
  if (transparent(c)) {
    hold(c);
    return true;
  }
  if (c >= 0x80) {
    // Some terminals skip what cannot stand here, some begin anew at a C1 control: without what
    // began, both read the same.
    held_.clear();
    state_ = State::kText;
    return false;
  }
  if (state_ == State::kEscape) {
    if (c == '\\') {
      close_string(out);
      return true;
    }
    if (c == '[' || c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X') {
      hold(c);
      introduce(c, out);
      return true;
    }
    if (c == 'Z') {  // DECID
      hold(c);
      decide(Verdict::kQuery, State::kText, State::kText, out);
      return true;
    }
    if (c == 'c') eight_bit_ = false;
  } else if (state_ == State::kCharset) {
    // ISO 2022: ESC % @ leaves UTF-8, ESC % G and ESC % 8 enter it.
    if (c == '@') eight_bit_ = true;
    if (c == 'G' || c == '8') eight_bit_ = false;
  }
  hold(c);
  if (c >= 0x20 && c <= 0x2F) {
    state_ = c == '%' && state_ == State::kEscape ? State::kCharset : State::kIntermediate;
    return true;
  }
  start_text(out);
  return true;
}

void OutputFilter::decide(Verdict verdict, State pass, State drop, std::string& out) {
  if (verdict == Verdict::kQuery && queries_ == Queries::kPass) {
    ++queries_passed_;
    verdict = Verdict::kPass;
  }
  if (verdict == Verdict::kPass) {
    flush(out);
    open_ = false;
    state_ = pass;
    return;
  }
  held_.clear();
  if (open_) {
    out += "\x1b\\";
    open_ = false;
    in_string_ = false;
  }
  state_ = drop;
  escapes_ = 0;
}

bool OutputFilter::control(unsigned char c, std::string& out) {
  if (c >= 0x80 || c == kEscape) {
    // Broken off. Some terminals would go on with it, so it counts as what it may become.
    if (queries_ == Queries::kDrop) {
      held_.clear();
    } else {
      ++queries_passed_;
    }
    interrupt(out);
    return false;
  }
  hold(c);
  if (cancels(c)) {
    start_text(out);
  } else if (c >= 0x40 && c != kDelete) {
    decide(judge_control(), State::kText, State::kText, out);
  }
  return true;
}

OutputFilter::Verdict OutputFilter::judge_control() const {
  return is_query_control(std::string_view(held_).substr(introducer_)) ? Verdict::kQuery
                                                                       : Verdict::kPass;
}

void OutputFilter::finish(std::string& out) {
  // A lone C2 and an unfinished sequence alike.
  held_.clear();
  if (state_ == State::kOscPass || in_string_) out += "\x1b\\";
  state_ = State::kText;
  in_string_ = false;
  open_ = false;
  continuation_ = 0;
  lowest_ = 0x80;
  highest_ = 0xBF;
  escapes_ = 0;
}

}  // namespace redoubtful::cli
