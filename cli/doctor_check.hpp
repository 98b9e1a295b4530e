#pragma once

// The single trials of `doctor`, by group. Each tries the effect a run needs, with the code and the
// flags of a run, in a child of its own, and leaves nothing behind.

#include <initializer_list>
#include <string>
#include <string_view>
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

using Checks = std::vector<Check>;

// Each group appends to what was found before it, and does not try what stands on a problem there.
// The kernel: namespaces, mounts, /proc, calls, filters, the walls that are optional.
void check_kernel(const Surroundings& where, Checks& checks);

// bwrap (with the command line of a box), redoubtful-init, a real redoubtful-proxy, the profiles
// every run loads.
void check_programs(const Surroundings& where, Checks& checks);

// A real pasta attached to a namespace: a forwarded port is connected through.
void check_ports(const Surroundings& where, Checks& checks);

// The state directory, file watches, limits.
void check_places(const Surroundings& where, Checks& checks);

// `redoubtful run true`, whole.
void check_whole_run(const Surroundings& where, Checks& checks);

// The titles of those of `ids` that are not ok, "" when all are.
std::string not_ok(const Checks& checks, std::initializer_list<std::string_view> ids);

// A check that stands on `needed`, which is not ok.
Check not_tried(std::string id, std::string title, const std::string& needed);

// A Check from what an attempt said: ok with its text, or `otherwise` with its error; the remedy is
// `remedy`, or the error's hint when that is empty.
Check judged(std::string id, std::string title, Result<std::string> result, Verdict otherwise,
             const std::string& remedy);

}  // namespace redoubtful::cli
