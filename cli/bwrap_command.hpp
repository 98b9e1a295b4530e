#pragma once

// The command line that makes bubblewrap turn the assembled view into the box. Pure.
//
// bwrap is given little to do, and all of it is what it is trusted for: the remaining namespaces, a
// fresh /proc and /dev, the change of root, no capability left, no user namespace again, the system
// call filters, and a reaper that takes every process with it.

#include <string>
#include <vector>

#include "cli/agent_seccomp.hpp"

namespace redoubtful::cli {

struct BwrapRequest {
  std::string program;                        // bwrap itself
  bool nested = false;                        // leave user namespaces usable inside
  std::vector<int> seccomp_fds;               // stacked filters
  std::vector<std::string> proc_files;        // to be hidden, see find_hidden_proc()
  std::vector<std::string> proc_directories;  // the same
  std::vector<std::string> proc_read_only;    // shown as on the host, read-only
  std::vector<std::string> command;           // what to start inside
};

std::vector<std::string> bwrap_command(const BwrapRequest& request);

// Entries of /proc outside the process directories that are not namespaced and must not be seen:
// the keys of the user; and, when this process runs as root, what kernel uid 0 could still write
// without any capability, or read while others may not.
//
// Nothing for an ordinary user whose programs may build sandboxes: the kernel lets them mount a
// /proc of their own only while they see a whole one. They can then read the names of the user's
// keys, never their content, for the filter has no keyctl(2). Root's stays covered: a fresh one
// could be written.
struct HiddenProc {
  std::vector<std::string> files;
  std::vector<std::string> directories;
  std::vector<std::string> read_only;  // /proc/sys, which programs read
};
HiddenProc find_hidden_proc(Nesting nesting);

}  // namespace redoubtful::cli
