// The part of OutputFilter that looks into OSC, DCS and APC strings.

#include <algorithm>
#include <utility>

#include "cli/output_filter.hpp"
#include "cli/output_rules.hpp"
#include "cli/terminal_bytes.hpp"

namespace redoubtful::cli {

using namespace terminal_bytes;

bool OutputFilter::osc_number(unsigned char c, std::string& out) {
  const bool padding = c == ' ' || c == '+' || (transparent(c) && c != kBell);
  if ((c >= '0' && c <= '9') || padding) {
    hold(c);
    return true;
  }
  if (c == kEscape || escapes_ > 0) return osc_number_end(c, out);
  const OscKind kind = classify_osc(std::string_view(held_).substr(introducer_));
  if (kind == OscKind::kHarmless && (c == kBell || cancels(c))) {
    hold(c);
    start_text(out);
    return true;
  }
  switch (kind) {
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
      introducer_ = held_.size();
      state_ = State::kOscWord;
      return false;
    case OscKind::kRefused:
      break;
  }
  decide(Verdict::kDrop, State::kOscPass, State::kOscDrop, out);
  return false;
}

// The number and nothing else, then ST, or an ESC that begins something else.
bool OutputFilter::osc_number_end(unsigned char c, std::string& out) {
  if (c == kEscape) {
    hold(c);
    ++escapes_;
    return true;
  }
  const std::size_t run = std::exchange(escapes_, 0);
  held_.resize(held_.size() - run);
  const OscKind kind = classify_osc(std::string_view(held_).substr(introducer_));
  const bool refused = kind != OscKind::kHarmless && kind != OscKind::kMayAsk;
  if (c != '\\') {
    // Some terminals obey what there is at any ESC.
    if (refused) decide(Verdict::kDrop, State::kText, State::kText, out);
    interrupt(out);
    held_.assign(run, static_cast<char>(kEscape));
    state_ = State::kEscape;
    return false;
  }
  const bool ends_string = in_string_ && run % 2 == 1;
  if (ends_string || refused) {
    // What is unfinished inside a tmux string could be finished by the next one.
    decide(Verdict::kDrop, State::kText, State::kText, out);
    if (ends_string) {
      out += "\x1b\\";
      in_string_ = false;
    }
    return true;
  }
  held_.append(run, static_cast<char>(kEscape));
  hold(c);
  start_text(out);
  return true;
}

bool OutputFilter::osc_word(unsigned char c, std::string& out) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool padding = c == ' ' || (transparent(c) && c != kBell);
  const bool before = c == ';' && held_.find_first_not_of("; ", introducer_) == std::string::npos;
  if (letter || padding || before) {
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
  asks_ = false;
  if (c == kEscape) {
    interrupt(out);
    return false;
  }
  decide(Verdict::kPass, State::kOscPass, State::kOscDrop, out);
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
    interrupt(out);
    in_string_ = true;
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

}  // namespace redoubtful::cli
