#pragma once

// The single trials of `doctor`, by group. Each tries the effect a run needs, with the code and the
// flags of a run, in a child of its own, and leaves nothing behind.

#include <string>
#include <vector>

#include "cli/surroundings.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

enum class Verdict {
  kOk,
  kNote,      // a run works without it, less well
  kProblem,   // a run, or a forwarded port, does not work
  kNotTried,  // something it stands on is a problem already
};

struct Check {
  std::string id;  // for programs: stable, lower case with dashes
  std::string title;
  Verdict verdict = Verdict::kOk;
  std::string found;   // what happened
  std::string remedy;  // what to do; empty when ok
};

// The kernel: namespaces, mounts, /proc, calls, filters, the walls that are optional.
std::vector<Check> check_kernel(const Surroundings& where);

// bwrap (with the command line of a box), redoubtful-init, the profiles every run loads.
std::vector<Check> check_programs(const Surroundings& where);

// A real pasta attached to a namespace: a forwarded port is connected through.
std::vector<Check> check_ports(const Surroundings& where);

// The state directory, file watches, limits.
std::vector<Check> check_places(const Surroundings& where);

// `redoubtful run true`, whole.
Check check_whole_run();

// A Check from what an attempt said: ok with its text, or `otherwise` with its error; the remedy is
// `remedy`, or the error's hint when that is empty.
Check judged(std::string id, std::string title, Result<std::string> result, Verdict otherwise,
             std::string remedy);

}  // namespace redoubtful::cli
