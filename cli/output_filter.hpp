#pragma once

// What the agent writes to its terminal, before the user's terminal sees it. [trusted core]
//
// A terminal obeys more than text: it hands the clipboard over (OSC 52, kitty's OSC 5522, iTerm2's
// OSC 1337 Copy), lets keys be redefined (DECUDK), and answers questions by typing the answer into
// whatever reads the keyboard, which after the agent's end is the user's shell. The filter drops
// the first group, bare or wrapped for tmux and screen, and keeps count of the second.
//
// Pure and streaming: the output depends on the bytes alone, never on how they were split. Text and
// every other sequence pass unchanged; only the start of a sequence is held back until it is known
// what it is, at most kMaxHeldBytes. Strings of megabytes (sixel, kitty graphics) stream through.
//
// Not promised: terminals with other ways to the clipboard; text that merely looks like a prompt.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace redoubtful::cli {

class OutputFilter {
 public:
  static constexpr std::size_t kMaxHeldBytes = 256;

  // kDrop while nobody reads the terminal for the agent (it runs in the background): the answers
  // would land in the shell. Colours and titles are still set.
  enum class Queries { kPass, kDrop };
  enum class Clipboard { kDrop, kPass };

  explicit OutputFilter(Clipboard clipboard = Clipboard::kDrop) : clipboard_(clipboard) {}

  // Takes effect with the next sequence that begins.
  void set_queries(Queries queries) noexcept { queries_ = queries; }

  // Appends to `out` what may pass.
  void filter(std::string_view bytes, std::string& out);

  // The stream has ended or is interrupted: an unfinished sequence is dropped, and one that was
  // already passed in part is closed with ST, so that what the shell prints next is text again.
  void finish(std::string& out);

  // Sequences passed so far that make a terminal answer (DA, DSR, reports, DECRQSS, XTGETTCAP …).
  std::uint64_t queries_passed() const noexcept { return queries_passed_; }

 private:
  enum class State : std::uint8_t {
    kText,
    kEscape,        // after ESC (a run of them: tmux doubles them)
    kIntermediate,  // ESC, intermediate bytes
    kControl,       // CSI … final
    kOscNumber,     // OSC, its number not yet complete
    kOscCommand,    // OSC 1337 ;, the word not yet complete
    kOscPass,
    kOscDrop,
    kStringStart,  // DCS, APC …, kind not yet known
    kStringPass,
    kStringDrop,
  };

  void byte(unsigned char c, std::string& out);
  void text(unsigned char c, std::string& out);
  void escape(unsigned char c, std::string& out);
  void control(unsigned char c, std::string& out);
  void osc_number(unsigned char c, std::string& out);
  void osc_command(unsigned char c, std::string& out);
  void string_start(unsigned char c, std::string& out);
  void pass_or_drop_string(unsigned char c, std::string& out);

  Clipboard clipboard_;
  Queries queries_ = Queries::kPass;
  State state_ = State::kText;
  std::string held_;
  std::uint64_t queries_passed_ = 0;
};

}  // namespace redoubtful::cli
