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
    kText,     // also the inside of a DCS, APC … that may pass
    kEscape,   // after ESC, or a run of them: tmux doubles those it passes on
    kCharset,  // ESC %
    kIntermediate,
    kControl,  // CSI, final byte not yet seen
    kOscNumber,
    kOscWord,    // OSC 1337 ;
    kOscTarget,  // OSC 52 ; when writes are allowed: a question must not pass
    kOscPass,
    kOscDrop,
    kStringKind,  // DCS, APC: kind not yet known
    kStringDrop,
  };
  enum class Verdict : std::uint8_t { kPass, kQuery, kDrop };

  // Each returns false when the byte is to be looked at again in the new state.
  bool step(unsigned char c, std::string& out);
  bool text(unsigned char c, std::string& out);
  bool high(unsigned char c, std::string& out);
  bool escape(unsigned char c, std::string& out);
  bool control(unsigned char c, std::string& out);
  bool osc_number(unsigned char c, std::string& out);
  bool osc_number_end(unsigned char c, std::string& out);
  bool osc_word(unsigned char c, std::string& out);
  bool osc_target(unsigned char c, std::string& out);
  bool string_kind(unsigned char c, std::string& out);
  bool dropping(unsigned char c, std::string& out);

  void introduce(unsigned char c1, std::string& out);
  void start_text(std::string& out);
  void close_string(std::string& out);
  void decide(Verdict verdict, State pass, State drop, std::string& out);
  void hold(unsigned char c);
  void flush(std::string& out);
  void interrupt(std::string& out);
  std::size_t plain_prefix(std::string_view bytes) const;
  Verdict judge_control() const;
  Verdict judge_osc_number();
  Verdict judge_string() const;

  Clipboard clipboard_;
  Queries queries_ = Queries::kPass;
  State state_ = State::kText;
  std::string held_;               // a sequence whose kind is not known yet
  std::size_t introducer_ = 0;     // bytes of held_ that are ESC [, ESC ] … themselves
  unsigned char string_ = 0;       // P, _, ^ or X while kStringKind
  bool in_string_ = false;         // inside a DCS, APC … that was passed
  bool open_ = false;              // an unfinished sequence was passed; the next one ends it
  bool asks_ = false;              // kOscPass: a '?' in it is a question
  bool eight_bit_ = false;         // ESC % @: the terminal no longer reads UTF-8
  std::uint8_t continuation_ = 0;  // UTF-8 continuation bytes to come
  unsigned char lowest_ = 0x80;    // range of the next one
  unsigned char highest_ = 0xBF;
  std::size_t escapes_ = 0;  // dropping: the run of ESC just seen
  std::uint64_t queries_passed_ = 0;
};

}  // namespace redoubtful::cli
