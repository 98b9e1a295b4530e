#pragma once

// The environment of the box: a pure function from what the profile names to the exact list.
//
// Denied by default, because a shell's environment is where keys, agent sockets and loader hooks
// live. Inside exist HOME USER LOGNAME SHELL PATH, what says that this is a box (REDOUBTFUL=1,
// REDOUBTFUL_NETWORK, REDOUBTFUL_ALLOWED_HOSTS; IS_SANDBOX=1 for root, without which Claude Code
// refuses to work), and what `pass`, `set` and -e name. Nothing else.
//
// Later wins: the computed ones and the defaults, then `pass`, then `set`, then surrogates. What a
// credential's source names is never passed, however it is spelled. A wildcard in `pass` never
// matches a computed name or a dangerous one (see danger_of); spelled out in full these pass, for
// then somebody meant it. REDOUBTFUL and REDOUBTFUL_* are ours alone.
//
// Not promised: that a variable that passes holds no secret. `pass: ["*"]` hands over every key the
// shell has; it earns a warning.

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// What the machine and the mount plan say. Plain values.
struct EnvironmentFacts {
  std::string user;  // of the password database; for USER and LOGNAME
  uid_t uid = 0;
  std::string home;   // as it is called inside
  std::string shell;  // a path that exists inside
  std::vector<std::string>
      path;  // absolute directories, first one first, as the mount plan has them
  NetworkMode network = NetworkMode::kFiltered;
  std::vector<std::string>
      allowed_hosts;  // rules as they are shown; cut at 32 KiB, whole in /etc/redoubtful
  std::vector<std::string> defaults{};    // NAME=VALUE that `pass` and `set` overrule
  std::vector<std::string> surrogates{};  // NAME=VALUE that nothing overrules
  std::vector<std::string> withheld{};    // names that hold real secrets on the host: never passed
  std::string java_options{};  // added to what JAVA_TOOL_OPTIONS holds, unless that chose already
};

struct AgentEnvironment {
  std::vector<std::string> variables;  // NAME=VALUE, each name once, sorted by name
  std::vector<std::string> warnings;   // for the person at the terminal, one line each
};

// `host` is the environment of redoubtful itself, NAME=VALUE as in environ(7). An entry without
// '=', without a name, or whose name came before is dropped: programs disagree on what it means.
// Errors: kInvalidProfile, naming the place, when `pass` or `set` holds what is no name or no value
// (empty, '=', control characters; 128 KiB or more, which execve(2) refuses), or a name of ours.
Result<AgentEnvironment> agent_environment(const EnvironmentProfile& profile,
                                           std::span<const std::string> host,
                                           const EnvironmentFacts& facts);

// Why a wildcard does not match a variable.
enum class Danger {
  kNone,
  kRunsCode,    // loaders, shells, interpreters and tools execute or load what it names
  kReachesOut,  // names a socket, a bus, a display or a session of the host
};
Danger danger_of(std::string_view name) noexcept;

}  // namespace redoubtful::cli
