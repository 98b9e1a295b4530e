#pragma once

// One running box and its helpers, from the first fork to the last process gone.
//
// Everything here is the supervisor's loop: who ended, what to say, what to take down. What the box
// looks like was decided before (mount_plan, agent_environment, agent_seccomp).

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/box_guards.hpp"
#include "cli/init_spec.hpp"
#include "cli/limits.hpp"
#include "cli/proxy_process.hpp"
#include "cli/trust_files.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// What is only known when the proxy has answered, while the box is being built.
struct Completion {
  std::vector<std::string> environment;  // of the agent, NAME=VALUE
  std::vector<FileText> files;           // the plan's later ones, in the order of their steps
};

struct SessionRequest {
  const Profile* profile = nullptr;
  const MountPlan* plan = nullptr;
  BoxGuards* guards = nullptr;
  const BoxLimits* limits = nullptr;
  ProxyProcess* proxy = nullptr;  // none: there is no way out
  InitSpec spec;                  // without the terminal's part and the environment
  // Called once, when the box has its namespaces; waits for the proxy. Errors: end the run.
  std::function<Result<Completion>()> complete;
  std::string bwrap;  // programs, found and trusted
  std::string pasta;  // empty when no port is forwarded
  std::string init;
};

// Runs the box to its end and returns the exit status of design 3. When this returns, with a value
// or an error, no process of the box is left. Errors: what kept it from starting.
Result<int> run_session(SessionRequest request);

}  // namespace redoubtful::cli
