#pragma once

// Looks at descriptors 0–2 and decides what the agent gets in their place.
//
//   pipe, FIFO, /dev/null        passed on as they are
//   regular file, socket,        a pipe; the supervisor copies. With the file itself the agent
//   could character device             reopen `< prompt.txt` for writing through /proc/self/fd/0
//   terminal                     the private terminal (a second, different terminal: a pipe)
//   directory, block device …    refused: openat(0, "..") leaves any mount namespace

#include <array>
#include <optional>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// Opens /dev/null in the place of a closed 0, 1 or 2. Errors: kSystemCall.
Result<void> reserve_standard_descriptors();

enum class StreamKind { kPassed, kRelayed, kTerminal };

struct StandardStream {
  StreamKind kind = StreamKind::kPassed;
  UniqueFd child;  // for the box's child to put on 0, 1 or 2
  UniqueFd ours;   // kRelayed: the supervisor's end of the pipe, non-blocking. Empty when 2 shares
                   // the pipe of 1, because both lead to the same file
};

struct StandardStreams {
  std::array<StandardStream, 3> streams;
  // The descriptor (0–2) of the terminal that the private one stands for.
  std::optional<int> terminal;
};

// Errors: kInvalidMount with a remedy; kSystemCall.
Result<StandardStreams> vet_standard_streams();

}  // namespace redoubtful::cli
