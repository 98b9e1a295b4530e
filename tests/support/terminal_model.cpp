#include "tests/support/terminal_model.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace redoubtful::test {
namespace {

enum class Mode { kGround, kEscape, kIntermediate, kControl, kOsc, kString };

// One level: bytes → effects. In UTF-8, a valid character is decoded before it is looked at.
class Model {
 public:
  Effects effects;
  std::string
      passed_on;  // payloads of DCS tmux; with the doubling undone, and of bare DCS (screen)

  void feed(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
      const auto first = static_cast<unsigned char>(bytes[i]);
      const std::size_t length = character_length(bytes.substr(i));
      if (length == 2 && first == 0xC2 && static_cast<unsigned char>(bytes[i + 1]) < 0xA0) {
        control_8bit(static_cast<unsigned char>(bytes[i + 1]), bytes.substr(i, 2));
      } else if (length > 1) {
        character(bytes.substr(i, length));
      } else if (first >= 0x80 && first < 0xA0) {
        control_8bit(first, bytes.substr(i, 1));
      } else {
        byte(bytes[i]);
      }
      i += length;
    }
  }

 private:
  static std::size_t character_length(std::string_view s) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    std::size_t length = 1;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (at(0) >= 0xC2 && at(0) <= 0xDF) length = 2;
    if (at(0) >= 0xE0 && at(0) <= 0xEF) length = 3;
    if (at(0) >= 0xF0 && at(0) <= 0xF4) length = 4;
    if (at(0) == 0xE0) low = 0xA0;
    if (at(0) == 0xED) high = 0x9F;
    if (at(0) == 0xF0) low = 0x90;
    if (at(0) == 0xF4) high = 0x8F;
    for (std::size_t i = 1; i < length; ++i) {
      // A broken character swallows what fitted so far, as decoders do.
      if (i >= s.size() || at(i) < low || at(i) > high) return i;
      low = 0x80;
      high = 0xBF;
    }
    return length;
  }

  void character(std::string_view text) {
    if (mode_ == Mode::kOsc || mode_ == Mode::kString) {
      string_ += text;
    } else {
      mode_ = Mode::kGround;
      effects.printed += text;
    }
  }

  void control_8bit(unsigned char c, std::string_view raw) {
    switch (c) {
      case 0x90:
      case 0x98:
      case 0x9E:
      case 0x9F:
        begin(Mode::kString, c == 0x90);
        return;
      case 0x9B:
        mode_ = Mode::kControl;
        return;
      case 0x9D:
        begin(Mode::kOsc, false);
        return;
      case 0x9C:
        end();
        return;
      default:
        if (mode_ == Mode::kOsc || mode_ == Mode::kString) string_ += raw;
    }
  }

  void begin(Mode mode, bool device_control) {
    mode_ = mode;
    device_control_ = device_control;
    string_.clear();
  }

  void end() {
    if (mode_ == Mode::kOsc) effects.operating_system_commands.push_back(string_);
    if (mode_ == Mode::kString && device_control_) {
      effects.device_controls.push_back(string_);
      pass_on();
    }
    mode_ = Mode::kGround;
    string_.clear();
  }

  void pass_on() {
    if (string_.rfind("tmux;", 0) != 0) {
      passed_on += string_;
      return;
    }
    for (std::size_t i = 5; i < string_.size(); ++i) {
      if (string_[i] == '\x1b' && i + 1 < string_.size()) ++i;
      passed_on += string_[i];
    }
  }

  void byte(char c) {
    if (mode_ == Mode::kString && pending_escape_) {
      pending_escape_ = false;
      if (c == '\\') {
        end();
      } else if (string_.rfind("tmux;", 0) == 0 && c == '\x1b') {
        string_ += "\x1b\x1b";
      } else {
        // For most terminals the string is over and something new begins; for screen it goes on.
        if (device_control_ && c == ']') {
          begin(Mode::kOsc, false);
        } else {
          mode_ = Mode::kEscape;
          byte(c);
        }
      }
      return;
    }
    if (c == '\x18' || c == '\x1a') {
      mode_ = Mode::kGround;
      return;
    }
    if (c == '\x1b') {
      if (mode_ == Mode::kString) {
        pending_escape_ = true;
      } else {
        // xterm obeys an OSC only at its end; others at any ESC.
        if (mode_ == Mode::kOsc) end();
        mode_ = Mode::kEscape;
      }
      return;
    }
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    switch (mode_) {
      case Mode::kGround:
        effects.printed += c;
        return;
      case Mode::kEscape:
        if (is_control) return;
        if (c == '[') {
          mode_ = Mode::kControl;
        } else if (c == ']') {
          begin(Mode::kOsc, false);
        } else if (c == 'P' || c == '_' || c == '^' || c == 'X') {
          begin(Mode::kString, c == 'P');
        } else {
          mode_ = c >= 0x20 && c <= 0x2F ? Mode::kIntermediate : Mode::kGround;
        }
        return;
      case Mode::kIntermediate:
        if (!is_control && c >= 0x30) mode_ = Mode::kGround;
        return;
      case Mode::kControl:
        if (!is_control && c >= 0x40) mode_ = Mode::kGround;
        return;
      case Mode::kOsc:
        if (c == '\a') {
          end();
        } else if (!is_control) {
          string_ += c;
        }
        return;
      case Mode::kString:
        string_ += c;
        return;
    }
  }

  Mode mode_ = Mode::kGround;
  bool device_control_ = false;
  bool pending_escape_ = false;
  std::string string_;
};

bool is_clipboard_command(const std::string& text) {
  // strtol skips spaces and a sign and reads "052" as 52.
  char* end = nullptr;
  const long number = std::strtol(text.c_str(), &end, 10);
  const bool has_payload = *end != '\0';
  if ((number == 52 || number == 5522) && has_payload) return true;
  if (number != 1337) return false;
  std::string word(end);
  word.erase(0, std::min(word.find_first_not_of("; "), word.size()));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word.rfind("copy", 0) == 0;
}

}  // namespace

bool Effects::touches_clipboard() const {
  return std::any_of(operating_system_commands.begin(), operating_system_commands.end(),
                     is_clipboard_command);
}

Effects play(std::string_view bytes) {
  Effects all;
  std::string next(bytes);
  // tmux in tmux in tmux.
  for (int level = 0; level < 4 && !next.empty(); ++level) {
    Model model;
    model.feed(next);
    auto& commands = model.effects.operating_system_commands;
    all.operating_system_commands.insert(all.operating_system_commands.end(), commands.begin(),
                                         commands.end());
    if (level == 0) {
      all.printed = model.effects.printed;
      all.device_controls = model.effects.device_controls;
    }
    next = model.passed_on;
  }
  return all;
}

}  // namespace redoubtful::test
