#pragma once

// The control bytes that OutputFilter knows by name.

namespace redoubtful::cli::terminal_bytes {

inline constexpr unsigned char kEnquiry = 0x05;
inline constexpr unsigned char kBell = 0x07;
inline constexpr unsigned char kCancel = 0x18;
inline constexpr unsigned char kSubstitute = 0x1A;
inline constexpr unsigned char kEscape = 0x1B;
inline constexpr unsigned char kDelete = 0x7F;
inline constexpr unsigned char kC1Lead = 0xC2;  // C2 80 … C2 9F are the C1 controls in UTF-8
inline constexpr unsigned char kStringTerminator = 0x9C;

constexpr bool cancels(unsigned char c) { return c == kCancel || c == kSubstitute; }

// Terminals obey these in the middle of a sequence, or ignore them, and go on with it.
constexpr bool transparent(unsigned char c) {
  return (c < 0x20 && c != kEscape && !cancels(c)) || c == kDelete;
}

}  // namespace redoubtful::cli::terminal_bytes
