#pragma once

// What the proxy does to itself before it accepts the first connection. [trusted core]
//
// It holds every key and reads bytes from the agent and from the Internet, so whoever takes it over
// should find nothing to do but what a proxy does. Four stages, each of which must succeed:
//
//   1 privileges   no_new_privs, every capability gone (root included), no core file, not dumpable:
//                  nobody of the same user can read its memory or attach to it
//   2 files        Landlock: nothing can be written, made or executed anywhere; what can be read is
//                  the list in confinement.cpp (resolver settings). ABI 4 and later: no TCP
//                  restriction, for it connects to any host that the policy admits
//   3 calls        a seccomp list, each call with its reason in confinement.cpp; sockets of the
//                  Internet families only; no new process, no executable memory, no ptrace
//   4 proof        tries what must fail now, and fails closed if it does not
//
// Before: sources are read, roots, audit log and libraries are opened. After: nothing new can be
// opened but the listed files. Without Landlock in the kernel stage 2 is skipped and said.
//
// Source: passt(1) and its isolation.c for the idea of stages; seccomp(2), landlock(7), prctl(2).

#include <string>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

// First thing in main(), before anything secret is read: stage 1 but for no_new_privs.
// Errors: kSystemCall.
Result<void> become_unreadable();

// Where the login helper (login_helper.hpp) may write; the proxy itself may nowhere.
struct WritableFolder {
  enum class What {
    kEverything,    // files and directories in it are read, made, replaced and removed
    kFoldersAlone,  // directories are made and removed
  };
  std::string path;
  What what = What::kEverything;
};

// All the rest. Returns what could not be done for want of a kernel feature, a line each. With
// folders, the calls that write files are among those of stage 3, and Landlock says where; where
// the kernel has none, anywhere. Errors: kSystemCall; the process must end then.
Result<std::vector<std::string>> confine(const std::vector<WritableFolder>& writable = {});

}  // namespace redoubtful::proxy
