#pragma once

// `redoubtful doctor`: tries each thing that a run needs on this machine, and says what to do about
// what does not work.

#include "cli/options.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct DoctorRequest {
  Format format = Format::kText;
};

// Prints to stdout; the exit status: 0, or 1 when there is a problem. Errors: only when the trying
// itself could not begin.
Result<int> doctor(const DoctorRequest& request);

}  // namespace redoubtful::cli
