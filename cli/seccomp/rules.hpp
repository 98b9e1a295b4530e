#pragma once

// The system-call rules of the box, compiled by libseccomp for the machine that builds.
// Runs at build time only; what fails is thrown as std::runtime_error and ends the build.

#include <linux/filter.h>

#include <vector>

#include "cli/agent_seccomp.hpp"

namespace redoubtful::cli::seccomp {

std::vector<sock_filter> compile_calls(Nesting nesting);
std::vector<sock_filter> compile_arguments(Nesting nesting);

}  // namespace redoubtful::cli::seccomp
