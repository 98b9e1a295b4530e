#pragma once

// How `doctor` tells what it found. Pure.

#include <string>
#include <vector>

#include "cli/doctor_check.hpp"
#include "cli/terminal_style.hpp"

namespace redoubtful::cli {

// A line for each check, its remedy below it, and a last line that counts.
std::string doctor_text(const Surroundings& where, const std::vector<Check>& checks, Colour colour);

// {"distribution", "kernel", "checks": [{"id", "title", "verdict", "found", "remedy"}], "problems"}
std::string doctor_json(const Surroundings& where, const std::vector<Check>& checks);

int count(const std::vector<Check>& checks, Verdict verdict);

}  // namespace redoubtful::cli
