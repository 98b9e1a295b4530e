#pragma once

// The command line that makes bubblewrap turn the assembled view into the box. Pure.
//
// bwrap is given little to do, and all of it is what it is trusted for: the remaining namespaces, a
// fresh /proc and /dev, the change of root, no capability left, no user namespace again, the system
// call filters, and a reaper that takes every process with it.

#include <string>
#include <vector>

namespace redoubtful::cli {

struct BwrapRequest {
  std::string program;                  // bwrap itself
  bool nested = false;                  // leave user namespaces usable inside
  std::vector<int> seccomp_fds;         // stacked filters
  int status_fd = -1;                   // bwrap writes the pid of the box's first process there
  std::vector<std::string> proc_files;  // to be hidden: what kernel uid 0 owns in /proc
  std::vector<std::string> proc_directories;  // the same
  std::vector<std::string> command;           // what to start inside
};

std::vector<std::string> bwrap_command(const BwrapRequest& request);

// Entries of /proc outside the process directories that a process with kernel uid 0 and no
// capability could still write, or that only root may read: they are not namespaced. Empty unless
// this process runs as root.
struct RootOwnedProc {
  std::vector<std::string> files;
  std::vector<std::string> directories;
};
RootOwnedProc find_root_owned_proc();

}  // namespace redoubtful::cli
