#include "cli/output_filter.hpp"

#include <algorithm>

#include "cli/output_rules.hpp"

namespace redoubtful::cli {
namespace {

constexpr unsigned char kEnquiry = 0x05;
constexpr unsigned char kBell = 0x07;
constexpr unsigned char kCancel = 0x18;
constexpr unsigned char kSubstitute = 0x1A;
constexpr unsigned char kEscape = 0x1B;
constexpr unsigned char kDelete = 0x7F;
constexpr unsigned char kC1Lead = 0xC2;  // C2 80 … C2 9F are the C1 controls in UTF-8
constexpr unsigned char kStringTerminator = 0x9C;

bool cancels(unsigned char c) { return c == kCancel || c == kSubstitute; }

// Terminals obey these in the middle of a sequence, or ignore them, and go on with it.
bool transparent(unsigned char c) {
  return (c < 0x20 && c != kEscape && !cancels(c)) || c == kDelete;
}

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
    if (c >= kDelete || (c == '?' && asks_) || (c < 0x20 && c != '\n' && c != '\r' && c != '\t')) break;
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
}

bool OutputFilter::text(unsigned char c, std::string& out) {
  if (c >= 0x80 || continuation_ > 0 || !held_.empty()) return high(c, out);
  if (c == kEscape) {
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
  introducer_ = held_.size();
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
      // An unfinished one is over; the terminal begins anew.
      flush(out);
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
    start_text(out);
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
    state_ = pass;
    return;
  }
  held_.clear();
  state_ = drop;
  escapes_ = 0;
}

bool OutputFilter::control(unsigned char c, std::string& out) {
  if (c >= 0x80 || c == kEscape) {
    // Broken off. Some terminals would go on with it, so it counts as what it may become.
    decide(Verdict::kQuery, State::kText, State::kText, out);
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

bool OutputFilter::osc_number(unsigned char c, std::string& out) {
  const bool padding = c == ' ' || c == '+' || (transparent(c) && c != kBell);
  if ((c >= '0' && c <= '9') || padding) {
    hold(c);
    return true;
  }
  // Ended before it said anything. Inside a tmux string the rest could come in the next one.
  if (c == kBell || c == kEscape || cancels(c)) {
    if (in_string_ && c == kEscape) held_.clear();
    flush(out);
    asks_ = false;
    state_ = State::kOscPass;
    return false;
  }
  switch (classify_osc(std::string_view(held_).substr(introducer_))) {
    case OscKind::kHarmless:
      asks_ = false;
      decide(Verdict::kPass, State::kOscPass, State::kOscDrop, out);
      return false;
    case OscKind::kMayAsk:
      asks_ = true;
      decide(queries_ == Queries::kDrop ? Verdict::kDrop : Verdict::kPass, State::kOscPass,
             State::kOscDrop, out);
      return false;
    case OscKind::kClipboard:
      if (clipboard_ == Clipboard::kPass && c == ';') {
        hold(c);
        introducer_ = held_.size();
        state_ = State::kOscTarget;
        return true;
      }
      break;
    case OscKind::kITerm:
      hold(c);
      introducer_ = held_.size();
      state_ = State::kOscWord;
      return true;
    case OscKind::kRefused:
      break;
  }
  decide(Verdict::kDrop, State::kOscPass, State::kOscDrop, out);
  return false;
}

bool OutputFilter::osc_word(unsigned char c, std::string& out) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool padding = c == ' ' || (transparent(c) && c != kBell);
  if (letter || padding) {
    hold(c);
    if (!is_undecided_iterm_word(std::string_view(held_).substr(introducer_))) {
      const ITermWord word = classify_iterm_word(std::string_view(held_).substr(introducer_));
      asks_ = false;
      decide(word == ITermWord::kCopy     ? Verdict::kDrop
             : word == ITermWord::kReport ? Verdict::kQuery
                                          : Verdict::kPass,
             State::kOscPass, State::kOscDrop, out);
    }
    return true;
  }
  if (in_string_ && c == kEscape) held_.clear();
  flush(out);
  asks_ = false;
  state_ = State::kOscPass;
  return false;
}

// "c;" and then base64; a '?' asks for the clipboard's content.
bool OutputFilter::osc_target(unsigned char c, std::string& out) {
  const std::string_view target = std::string_view(held_).substr(introducer_);
  const bool has_target = target.find(';') != std::string_view::npos;
  const bool base64 = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/' || c == '=';
  if (!has_target && (base64 || c == ';')) {
    hold(c);
    return true;
  }
  asks_ = false;
  // The end right behind "c;" clears the clipboard, which is a write.
  const bool write = has_target && (base64 || c == kBell || c == kEscape);
  decide(write ? Verdict::kPass : Verdict::kDrop, State::kOscPass, State::kOscDrop, out);
  return false;
}

bool OutputFilter::string_kind(unsigned char c, std::string& out) {
  if (c == kEscape || c >= 0x80 || cancels(c)) {
    // Screen's wrapping begins like this: ESC P ESC ] …
    in_string_ = true;
    start_text(out);
    return false;
  }
  hold(c);
  if (transparent(c) || (string_ == 'P' && c < 0x40)) return true;
  const Verdict verdict = judge_string();
  decide(verdict, State::kText, State::kStringDrop, out);
  in_string_ = in_string_ || state_ == State::kText;
  return true;
}

OutputFilter::Verdict OutputFilter::judge_string() const {
  const std::string_view start = std::string_view(held_).substr(introducer_);
  if (string_ == '_') return start.back() == 'G' ? Verdict::kQuery : Verdict::kPass;
  switch (classify_device_control(start)) {
    case DeviceControl::kRedefinesKeys:
      return Verdict::kDrop;
    case DeviceControl::kQuery:
      return Verdict::kQuery;
    case DeviceControl::kOther:
      break;
  }
  return Verdict::kPass;
}

bool OutputFilter::dropping(unsigned char c, std::string& out) {
  if (c == kEscape) {
    ++escapes_;
    return true;
  }
  if (escapes_ > 0) {
    const std::size_t run = std::min<std::size_t>(escapes_, 4 + escapes_ % 2);
    escapes_ = 0;
    state_ = State::kText;
    if (c != '\\') {
      // Something new begins.
      held_.assign(run, static_cast<char>(kEscape));
      state_ = State::kEscape;
      return false;
    }
    // The end of the dropped one, and with an odd run of the tmux string around it.
    if (run % 2 == 1 && in_string_) {
      out += "\x1b\\";
      in_string_ = false;
    }
    return true;
  }
  const bool ends =
      cancels(c) || c == kStringTerminator || (c == kBell && state_ == State::kOscDrop);
  if (ends) state_ = State::kText;
  return true;
}

void OutputFilter::finish(std::string& out) {
  // A lone C2 and an unfinished sequence alike.
  held_.clear();
  if (state_ == State::kOscPass || in_string_) out += "\x1b\\";
  state_ = State::kText;
  in_string_ = false;
  continuation_ = 0;
  lowest_ = 0x80;
  highest_ = 0xBF;
  escapes_ = 0;
}

}  // namespace redoubtful::cli
