#pragma once

// `redoubtful --version`: ours, and those of the programs the box is made with.

#include <string>

namespace redoubtful::cli {

// Three lines. A program that is absent or does not answer is said to be so; that is no error.
std::string version_text();

}  // namespace redoubtful::cli
