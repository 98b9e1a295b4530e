#pragma once

// The agent's process, from fork to exec.

#include <sys/types.h>

#include "cli/init/protocol.hpp"
#include "cli/init/spec_reader.hpp"

namespace redoubtful::cli::init {

// Why the agent's program did not start; travels over a pipe that exec closes.
struct StartFailure {
  int error = 0;
  protocol::Step step = protocol::Step::kExec;
};

struct Agent {
  pid_t pid = -1;         // leader of its own process group
  int start_result = -1;  // read end: EOF when the program runs, a StartFailure when it does not
};

// Forks and, in the child: own process group (in the terminal's foreground unless the specification
// says background), directory, limits, no_new_privs, Landlock when `ruleset` ≥ 0, default signal
// mask, exec with PATH of the specification's environment. Errors: pid -1 with errno.
Agent start_agent(const Spec& spec, int terminal, int ruleset);

}  // namespace redoubtful::cli::init
