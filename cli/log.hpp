#pragma once

// What redoubtful itself says, on standard error: lines that begin with "redoubtful:".
//
// Normal runs say little: what was chosen, what went wrong. `-q` leaves errors only, `-v` explains
// each stage, `-vv` adds milliseconds since the start. Never a secret, and bytes of others only
// through quoted().

#include <string_view>

#include "common/error.hpp"

namespace redoubtful::cli::log {

enum class Verbosity { kQuiet, kNormal, kVerbose, kTimed };

// Called once, before anything is said. Nothing said before is lost, but it is said as kNormal.
void configure(Verbosity verbosity);

void error(std::string_view text);  // always
void note(std::string_view text);   // unless quiet
void stage(std::string_view text);  // with -v

// What was asked for, without our name in front: always. Safe for a terminal already.
void plain(std::string_view lines);

// An Error with its hint on a second line.
void error(const Error& problem);

}  // namespace redoubtful::cli::log
