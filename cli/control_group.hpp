#pragma once

// A control group (cgroup) of our own: where one may be made, making it, and taking it away again.
//
// Two directories are made, one in the other. The outer one carries the limits, the box lives in
// the inner one: a cgroup namespace made inside has the inner one as its root, so that not even an
// agent that may mount (`nested: true`) finds the files that hold its limits.
//
// Only the box's child is ever moved, by itself. No process of anybody else is touched, which is
// why a version 2 group is made beside our own and not in it: a group that hands controllers on
// must not hold processes (cgroups(7), "no internal processes"). The box then no longer counts
// against limits of the group that `redoubtful` was started in; the caller must ask tightest() and
// not exceed it.
//
// What kill -9 leaves, an empty directory, is removed by the next run that makes one in the same
// place. A lock held for the life of the run tells the two apart.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

enum class GroupVersion { kOne, kTwo };

// The group this process is in, in the hierarchy that may hold a controller.
struct OwnGroup {
  GroupVersion version = GroupVersion::kTwo;
  std::string directory;
  std::string top;  // the mount point; `directory` is it or lies below it
};

// Pure. `groups` is /proc/self/cgroup, `mounts` is /proc/self/mountinfo. A version 1 hierarchy that
// has the controller is the one that counts; otherwise version 2, whether it has it or not. Nothing
// when no hierarchy is mounted where our group can be seen.
// Source: cgroups(7) "/proc files", proc(5) /proc/[pid]/mountinfo.
std::optional<OwnGroup> find_own_group(std::string_view groups, std::string_view mounts,
                                       std::string_view controller);

class ControlGroup {
 public:
  // Makes a group for `controllers`, all of the hierarchy of `own`. Version 1: below our own.
  // Version 2: in the nearest place above our own that may be written and that hands these
  // controllers on, or can be made to.
  // Errors: kSystemCall: there is no such place; the text says what was tried.
  static Result<ControlGroup> create(const OwnGroup& own,
                                     const std::vector<std::string>& controllers);

  ControlGroup(ControlGroup&&) noexcept;
  ControlGroup& operator=(ControlGroup&&) noexcept;
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;
  ~ControlGroup();  // removes both directories; no process may be left in them

  GroupVersion version() const noexcept { return version_; }
  const std::string& directory() const noexcept { return directory_; }

  // Errors: kSystemCall. A file that does not exist is one, too.
  Result<void> write(const std::string& file, const std::string& value) const;

  // The number behind `key` in a file of "key number" lines, such as memory.events. Both groups'
  // together: version 1 counts an event where the process was, version 2 where the limit is.
  std::uint64_t counter(const std::string& file, std::string_view key) const;

  // The smallest number that `file` holds in the groups which this process is in and the box is
  // not. Nothing when none of them has a limit.
  std::optional<std::uint64_t> tightest(const std::string& file) const;

  // Moves the calling process, which must be single-threaded. Errors: kSystemCall.
  Result<void> enter() const;

 private:
  ControlGroup() = default;
  void remove() noexcept;

  GroupVersion version_ = GroupVersion::kTwo;
  std::string parent_;
  std::string directory_;
  std::string own_;
  UniqueFd lock_;  // the outer directory, locked
};

}  // namespace redoubtful::cli
