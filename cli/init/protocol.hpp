#pragma once

// What the supervisor outside and redoubtful-init inside say to each other.
//
// The specification goes in first, and once: a sealed memfd with everything init needs to start the
// agent, with the order kSpecification. Until then init waits: the box is finished while the
// supervisor still learns what belongs into it. After that, fixed-size messages pass over a
// SOCK_SEQPACKET pair, one message a packet. Both programs come out of one build, so the layout is
// the compiler's; kProtocolVersion is checked all the same, because an old init left in an
// installation must fail with a sentence and not by chance.
//
// Trust: init believes the specification (it was sealed before it came, and nothing of the agent
// runs yet). The supervisor believes nothing: init shares its uid and its PID namespace with the
// agent. Nothing init says may do more than end, stop or continue this run.
//
// No heap, no exceptions, no library types: init is a static program that must start in no time.

#include <sys/types.h>

#include <cstdint>

namespace redoubtful::cli::protocol {

inline constexpr std::uint32_t kSpecMagic = 0x72646e69;  // "indr"
inline constexpr std::uint16_t kProtocolVersion = 1;

// The kernel's own bound on arguments and environment is 6 MiB (ARG_MAX at the largest stack).
inline constexpr std::uint32_t kMaxSpecBytes = 16U << 20U;
inline constexpr std::uint32_t kMaxSpecStrings = 1U << 20U;
inline constexpr std::uint32_t kMaxLimits = 16;

// Bits of SpecHeader::flags.
inline constexpr std::uint32_t kTerminalOn0 = 1U << 0U;  // descriptor 0 becomes the terminal
inline constexpr std::uint32_t kTerminalOn1 = 1U << 1U;
inline constexpr std::uint32_t kTerminalOn2 = 1U << 2U;
inline constexpr std::uint32_t kMakeTerminal = 1U << 3U;  // there is a controlling terminal at all
inline constexpr std::uint32_t kInBackground = 1U
                                               << 4U;    // the agent starts in the background of it
inline constexpr std::uint32_t kCopyTermios = 1U << 5U;  // SpecHeader::termios is meant
inline constexpr std::uint32_t kConfineWrites = 1U << 6U;  // confine writes to the writable paths
inline constexpr std::uint32_t kAllFlags = (1U << 7U) - 1U;

struct SpecTermios {
  std::uint32_t input = 0;
  std::uint32_t output = 0;
  std::uint32_t control = 0;
  std::uint32_t local = 0;
  std::uint8_t characters[32] = {};
};

struct SpecLimit {
  std::uint32_t resource = 0;  // RLIMIT_*
  std::uint32_t reserved = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// Followed by NUL-terminated strings: the directory, the arguments, the environment, the writable
// paths. `bytes` counts everything, this header included.
struct SpecHeader {
  std::uint32_t magic = kSpecMagic;
  std::uint16_t version = kProtocolVersion;
  std::uint16_t limit_count = 0;
  std::uint32_t bytes = 0;
  std::uint32_t flags = 0;
  std::uint32_t argument_count = 0;
  std::uint32_t variable_count = 0;
  std::uint32_t writable_count = 0;
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  std::uint16_t width_pixels = 0;
  std::uint16_t height_pixels = 0;
  SpecTermios termios;
  SpecLimit limits[kMaxLimits];
};

// init → supervisor.
enum class Report : std::uint16_t {
  kReady = 1,   // set up and waiting for kGo; carries the terminal's master when one was asked for
  kFailed,      // init cannot go on: value = errno, detail = Stage; init exits
  kNotice,      // weaker than asked, but going on: value = Notice
  kStarted,     // the agent's program is running
  kExecFailed,  // value = errno; init exits with 126 or 127
  kStopped,     // the agent stopped: value = signal
  kWantsTerminal,  // the agent was stopped for using the terminal from its background: value =
                   // signal
  kFrozen,         // answer to kFreeze
  kExited,         // value = wait status of the agent; init exits
  kPageSocket,     // before kReady: carries the datagram socket of kPagePort
};

// supervisor → init.
enum class Order : std::uint16_t {
  kGo = 1,
  kSignal,         // value = signal, detail = Target
  kFreeze,         // stop every process of the box; answered by kFrozen
  kContinue,       // undo kFreeze and continue the agent; value = Place
  kPlace,          // move the agent to the foreground or background of its terminal; value = Place
  kHangUp,         // the user's terminal is gone: SIGHUP, SIGCONT to the agent
  kSpecification,  // carries the sealed memfd; the first order, and only that
};

enum class Target : std::int32_t {
  kForegroundGroup = 0,  // whoever has the private terminal; without one, the agent's group
  kAgentGroup,
  kAgent,
};

enum class Place : std::int32_t { kBackground = 0, kForeground = 1 };

enum class Stage : std::int32_t {
  kSpecification = 1,
  kLandlock,
  kDescriptors,
  kSession,
  kTerminal,
  kFork,
};

// What the agent's process was doing when it failed, before its program ran.
enum class Step : std::int32_t {
  kExec = 0,
  kProcessGroup,
  kDirectory,
  kLimit,
  kPrivileges,
  kLandlock
};

enum class Notice : std::int32_t {
  kNoLandlock = 1,       // the kernel has none, or one without the right to move files (ABI < 2)
  kLandlockPathMissing,  // detail = index of the writable path that could not be opened
};

struct Message {
  std::uint16_t version = kProtocolVersion;
  std::uint16_t type = 0;  // Report or Order
  std::int32_t value = 0;
  std::int32_t detail = 0;
};

// Where programs in the box say which page they want opened, on its loopback: UDP, an address a
// datagram. Beside the port of the explicit proxy.
inline constexpr std::uint16_t kPagePort = 3129;
inline constexpr std::uint32_t kMaxPageBytes = 8192;  // what browsers and servers take

// Exit statuses of init itself that are not the agent's.
inline constexpr int kExitNotFound = 127;
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitBroken = 125;

}  // namespace redoubtful::cli::protocol
