#pragma once

// What a terminal would do with bytes: a second, independent reading of the same rules.
//
// Follows the state machine of DEC's terminals as xterm and its relatives implement it, UTF-8 and
// 8-bit controls included, and unwraps what tmux and screen pass on. Slow and simple on purpose.

#include <string>
#include <string_view>
#include <vector>

namespace redoubtful::test {

struct Effects {
  std::vector<std::string> operating_system_commands;  // the text between OSC and its end
  std::vector<std::string> device_controls;
  std::string printed;

  // OSC 52 or one of its relatives took effect, here or behind tmux or screen.
  bool touches_clipboard() const;
};

Effects play(std::string_view bytes);

}  // namespace redoubtful::test
