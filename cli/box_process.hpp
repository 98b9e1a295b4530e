#pragma once

// The process that becomes the box, from fork to the end of everything in it.
//
// Source: design 2, "Life and death". The child keeps its capabilities in its own namespaces until
// it execs bwrap; from then on the only way to end the box is the one used here: SIGKILL to the
// first process of its pid namespace, after which the kernel lets nothing in it live.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cli/agent_seccomp.hpp"
#include "cli/box_sockets.hpp"
#include "cli/limits.hpp"
#include "cli/mount_attach.hpp"
#include "common/child_process.hpp"

namespace redoubtful::cli {

struct BoxRequest {
  const MountPlan* plan = nullptr;
  std::vector<Overlay> overlays;
  std::string bwrap;  // program
  std::string init;   // program
  uid_t uid = 0;      // both stay what they are
  gid_t gid = 0;
  bool nested = false;
  std::array<int, 3> standard{};  // what becomes 0, 1 and 2
  int control_fd = -1;            // init's end of the conversation
  const AgentSeccomp* seccomp = nullptr;
  const BoxLimits* limits = nullptr;
  // Where the sockets of box_sockets.hpp are sent, then what writes to the plan's later files; -1:
  // no way in or out, and no such file.
  int ways_fd = -1;
  WaysIn ways{};  // which sockets those are
};

class BoxProcess {
 public:
  // Forks the child and returns as soon as its namespaces exist, while it still mounts.
  // Errors: kSystemCall for namespaces that cannot be made.
  static Result<BoxProcess> start(const BoxRequest& request);

  // Waits until bwrap is running. Errors: what the child could not do.
  Result<void> wait_until_built();

  // bwrap's own process; its namespaces /proc/PID/ns/{user,net} are the box's outer ones.
  pid_t pid() const noexcept { return bwrap_.pid(); }
  int pidfd() const noexcept { return bwrap_.pidfd(); }

  // The pid outside of the box's first process; nothing while bwrap has not made it.
  std::optional<pid_t> first_process() const;

  // Kills everything in the box and waits until the kernel has taken the last process away.
  // Returns bwrap's wait status.
  int end() noexcept;

 private:
  BoxProcess() = default;

  ChildProcess bwrap_;
  UniqueFd errors_;
};

}  // namespace redoubtful::cli
