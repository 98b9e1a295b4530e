#pragma once

// `redoubtful demo`: a real run in a project that is thrown away afterwards, with a tick for each
// thing that is visible, hidden, refused or kept.

#include "common/error.hpp"

namespace redoubtful::cli {

struct DemoRequest {};

// Prints to stdout; the exit status: 0 when every tick is there, else 1. Errors: whatever kept the
// box from being built.
Result<int> demo(const DemoRequest& request);

}  // namespace redoubtful::cli
