#pragma once

// The second wall: even if a mount were wrong, nothing outside the writable paths can be changed.
//
// Every right that changes a file system is handled and allowed beneath the given paths only.
// Reading and executing are the mounts' business. Where the kernel has scopes, the agent can
// neither signal a process outside its domain (that is: init) nor connect to an abstract socket
// there. Source: landlock(7), Linux 5.13; REFER 5.19 (ABI 2), TRUNCATE 6.2 (ABI 3), scopes 6.12
// (ABI 6).

#include <cstdint>

namespace redoubtful::cli::init {

enum class LandlockResult { kReady, kUnsupported, kFailed };

// Builds the ruleset in `ruleset` (close-on-exec). A path that cannot be opened goes to `missing`
// with its index and is left out: less is writable, never more. kFailed: errno says why.
LandlockResult prepare_landlock(char* const* writable, std::uint32_t count, int& ruleset,
                                void (*missing)(std::uint32_t index, int error));

// Confines the calling process for good. no_new_privs must be set. False: errno.
bool enter_landlock(int ruleset);

}  // namespace redoubtful::cli::init
