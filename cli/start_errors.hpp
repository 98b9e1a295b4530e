#pragma once

// What init reports in numbers, in words.

#include <string>
#include <vector>

#include "cli/init/protocol.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// init could not set itself up.
Error init_failure(int error, protocol::Stage stage);

// The agent's process failed before `command` ran, or at running it.
Error start_failure(int error, protocol::Step step, const std::string& command);

// A wall that is weaker than asked. `detail` is checked against `writable`.
std::string notice_text(int notice, int detail, const std::vector<std::string>& writable);

}  // namespace redoubtful::cli
