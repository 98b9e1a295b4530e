#pragma once

// `redoubtful run`: builds the box, runs the command in it, and takes everything down again.
//
// The supervisor stays outside. It owns every process it starts (bwrap, pasta) by pidfd with a
// parent-death signal, so that its own death, however it comes, ends them too.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/proxy_process.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

struct RunRequest {
  Profile profile;                   // merged; the command line is its last layer
  std::vector<std::string> command;  // empty: the user's shell
  std::string directory;             // -C: absolute; empty: the current directory
  bool dry_run = false;              // print the plan, start nothing
  // Started while the profile was read; none: run() starts one where the profile wants one.
  std::optional<ProxyProcess> proxy;
};

// Before anything is read: in a box neither profiles nor bwrap need to be there.
// Errors: kSystemCall in a box of ours; the hint says what to do there instead.
Result<void> refuse_inside_a_box(std::string_view instead);

// Runs to the end and returns the exit status of design 3: the command's own, 128+n for a signal,
// or 124, 126, 127. Errors: whatever kept the box from being built; exit_status() of its code
// applies.
Result<int> run(RunRequest request);

}  // namespace redoubtful::cli
