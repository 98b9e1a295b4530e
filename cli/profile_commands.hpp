#pragma once

// `redoubtful profile list` and `profile check FILE`.

#include <string>

#include "cli/places.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// A line for each profile that -u can name: name, commands, file, description. One that cannot be
// read is listed with its error.
Result<std::string> list_profiles(const Places& places);

// Reads `file` (always a file, with or without a slash) as -u would, over base and the
// configuration, with everything it extends. Errors: what -u would say.
Result<std::string> check_profile(const Places& places, const std::string& file);

}  // namespace redoubtful::cli
