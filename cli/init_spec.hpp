#pragma once

// The specification of one start, as the supervisor writes it for redoubtful-init.
//
// It exists so that nothing of it stands in an argument or a variable of a process: bwrap is
// started with an empty environment, and /proc/1 and /proc/2 inside show nothing of the host.

#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

struct ResourceLimit {
  int resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

enum class StartIn { kForeground, kBackground };

struct TerminalSpec {
  std::array<bool, 3> replaces{};  // which of 0–2 become the private terminal; may be none
  StartIn start = StartIn::kForeground;
  winsize size{};
  std::optional<termios> settings;  // of the user's terminal; none: the kernel's defaults
};

// Confines writing to what lies beneath `writable` (paths inside the box, directories or files).
// /dev and /proc have to be named like everything else.
struct LandlockSpec {
  std::vector<std::string> writable;
};

struct InitSpec {
  std::vector<std::string> arguments;  // argv; the first is looked up in the PATH of `environment`
  std::vector<std::string> environment;  // NAME=value
  std::string directory;                 // where the agent starts; absolute, inside the box
  std::vector<ResourceLimit> limits;     // at most 16
  std::optional<LandlockSpec> landlock;
  std::optional<TerminalSpec> terminal;  // written by Console::fill()
};

// Errors: kUsage: no argument, a NUL byte inside a string, or more than the kernel takes.
Result<std::string> encode(const InitSpec& spec);

// encode(), in a memfd that nobody can change or grow any more (F_SEAL_WRITE, _GROW, _SHRINK,
// _SEAL). Init only reads it, and closes it before the agent starts.
Result<UniqueFd> seal(const InitSpec& spec);

}  // namespace redoubtful::cli
