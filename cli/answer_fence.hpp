#pragma once

// Waits until a terminal has answered everything it was asked, and throws the answers away.
//
// A terminal answers in the order of the questions. A question of our own, with a random number in
// it that comes back in the answer, therefore marks the end: what arrived before it was for the
// agent. Without this, an agent that sets the title to a command, asks for the title and exits, has
// typed the command into the user's shell.
//
// Not promised: a terminal that is slower than kFenceTimeout, and answers to nothing we can ask.

#include <chrono>

namespace redoubtful::cli {

inline constexpr auto kFenceTimeout = std::chrono::milliseconds(500);

// `terminal` is in raw or keyboard mode, non-blocking or not; reads and writes it.
void absorb_pending_answers(int terminal);

}  // namespace redoubtful::cli
