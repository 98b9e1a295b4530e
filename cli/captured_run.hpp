#pragma once

// Runs something in a child with nothing on its standard input, and keeps what it writes: for
// `doctor` and `demo`, which try things and then say what happened.
//
// A child is ended at its deadline, and every one with its parent (child_process.hpp). What the
// child itself left running is not waited for.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "common/child_process.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

inline constexpr std::chrono::seconds kTrialDeadline{10};

struct CapturedRun {
  int status = -1;  // as a shell reports it; -1 at the deadline
  std::string out;  // the first 64 KiB each
  std::string err;
  std::chrono::milliseconds took{0};
};

// How a child is made: ChildProcess::fork, or fork_into_box_namespaces.
using Fork = Result<ChildProcess> (*)(const std::function<int()>& body);

// Runs `body` in a child and returns its exit status and output. Errors: kSystemCall.
Result<CapturedRun> run_captured(const std::function<int()>& body, Fork fork = ChildProcess::fork);

struct ProgramRun {
  std::vector<std::string> arguments;    // the first is the path
  std::vector<std::string> environment;  // exact
  std::string directory = "/";
};
Result<CapturedRun> run_captured(const ProgramRun& program);

// Tries something that changes the process it happens in. Errors: those of `attempt`, with text and
// hint; kSystemCall when the child was killed or did not end.
Result<std::string> try_in_child(const std::function<Result<std::string>()>& attempt,
                                 Fork fork = ChildProcess::fork);

// The same in namespaces as a box has them, user and group kept.
Result<std::string> try_in_namespaces(const std::function<Result<std::string>()>& attempt);

}  // namespace redoubtful::cli
