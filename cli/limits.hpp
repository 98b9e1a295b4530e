#pragma once

// What bounds a box: its memory and its processes. (Its time is the session's: a timer, and exit
// status 124.)
//
// Where a control group may be made (cgroup version 2 with delegation; version 1 as root) both hold
// for the box as a whole. Elsewhere init sets RLIMIT_DATA, which bounds each process by itself, and
// RLIMIT_NPROC, which since Linux 5.14 counts per user namespace, so per box; a note says so.
// RLIMIT_AS is never set: Node and JVMs reserve far more address space than they use.
//
// Not promised: RLIMIT_DATA does not see shared memory or what is written to the box's /tmp. And
// the kernel never holds its own uid 0 to RLIMIT_NPROC: as root without a control group a limit of
// processes is refused, not pretended.
//
// Lifetime: from before the box is built until every process of it is gone; then the control groups
// are removed.

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "cli/control_group.hpp"
#include "cli/init_spec.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

class BoxLimits {
 public:
  // Nothing is made when neither memory nor processes are limited. Errors: kSystemCall when a limit
  // cannot hold on this machine.
  static Result<BoxLimits> prepare(const Limits& limits);

  // For InitSpec::limits.
  const std::vector<ResourceLimit>& resource_limits() const noexcept { return resource_limits_; }
  // A line each, for the person, before the run.
  const std::vector<std::string>& notes() const noexcept { return notes_; }

  // Puts the calling process, the box's freshly forked child, under the limits. Errors:
  // kSystemCall.
  Result<void> enter() const;

  // After the box's end: a line for each limit that it ran into.
  std::vector<std::string> reached() const;

 private:
  // Where a limit is kept: a control group, or why there is none.
  struct Place {
    const char* controller;
    std::optional<OwnGroup> own;
    std::optional<std::size_t> group;  // index into groups_
    std::string reason;
  };

  BoxLimits() = default;
  void make_group(std::initializer_list<Place*> places);
  Result<void> limit_memory(const Sourced<std::uint64_t>& bytes);
  Result<void> limit_processes(const Sourced<std::uint64_t>& count);

  std::optional<Sourced<std::uint64_t>> memory_limit_;
  std::optional<Sourced<std::uint64_t>> processes_limit_;
  Place memory_{.controller = "memory", .own = {}, .group = {}, .reason = {}};
  Place processes_{.controller = "pids", .own = {}, .group = {}, .reason = {}};
  std::vector<ControlGroup> groups_;
  std::vector<ResourceLimit> resource_limits_;
  std::vector<std::string> notes_;
};

// "8G", "1536M", "1000000 bytes": the largest binary unit that divides it.
std::string memory_text(std::uint64_t bytes);

// Does the kernel hold this process to RLIMIT_NPROC? Tried in a child. Not so for its uid 0.
bool process_limit_binds_us();

}  // namespace redoubtful::cli
