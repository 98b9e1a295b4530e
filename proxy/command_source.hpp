#pragma once

// Runs a program of the user's and takes what it prints as a secret: `command:` and `keyring:`.
//
// It runs outside of every box, as the user, so what decides what runs is not the agent's: the
// working directory is "/", the environment is what the command line chose (no loader hooks, no
// GIT_*, a PATH without directories that a box may write), standard input is empty, and only
// descriptors 0 to 2 are open. It is in a process group of its own, and all of it is killed when
// the time is over. Before confinement only: it blocks.

#include <chrono>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct SourceCommand {
  // A program (with a '/', or found in PATH) and its arguments.
  std::vector<std::string> words;
  std::vector<std::string> environment;  // NAME=VALUE
};

inline constexpr std::chrono::milliseconds kCommandPatience = std::chrono::seconds(10);

// Standard output, without the newline at its end. Errors: kInvalidProfile when it cannot be
// started, ends with another status than 0 (with the last line of its standard error, never of its
// output), or takes longer than `patience`; kInvalidSecret when it prints more than 64 KiB.
Result<std::string> run_source_command(const SourceCommand& command,
                                       std::chrono::milliseconds patience = kCommandPatience);

// "/bin/sh -c TEXT".
std::vector<std::string> shell_words(const std::string& text);

}  // namespace redoubtful::proxy
