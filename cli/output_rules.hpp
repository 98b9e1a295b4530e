#pragma once

// Which terminal sequences do what: the tables behind OutputFilter. [trusted core]
//
// Sources: xterm's ctlseqs, DEC STD 070, iTerm2's and kitty's protocol pages.

#include <string_view>

namespace redoubtful::cli {

// A complete CSI sequence without its introducer ("?25h", "6n") that makes the terminal answer.
// Control characters in the middle are ignored, as terminals do.
bool is_query_control(std::string_view body);

enum class OscKind {
  kHarmless,
  kMayAsk,     // colours, fonts …: a '?' in it asks for the current value
  kClipboard,  // 52
  kITerm,      // 1337: the next word decides
  kRefused,    // kitty's clipboard, and numbers that only overflow can turn into something
};

// `number`: what stands between OSC and the first separator: digits, and characters that some
// parsers skip (controls, spaces, '+'). "052" is 52; so is 65588 for one that counts in 16 bits.
OscKind classify_osc(std::string_view number);

enum class ITermWord { kOther, kCopy, kReport };

// More letters are needed to tell.
bool is_undecided_iterm_word(std::string_view word);
ITermWord classify_iterm_word(std::string_view word);

enum class DeviceControl { kOther, kQuery, kRedefinesKeys };

// Parameters, intermediates and final byte of a DCS: "$q" asks for a setting, "+q" for a
// capability, "0;1|" puts text onto keys.
DeviceControl classify_device_control(std::string_view start);

}  // namespace redoubtful::cli
