#pragma once

// Deletes a directory that an agent has filled.
//
// No link is followed, no path is built: every step is relative to an open directory. Directories
// of mode 000 and trees of any depth are no obstacle: what lies deeper is moved up to the top and
// emptied there, so three descriptors and no recursion are enough.

#include <string>

#include "common/error.hpp"

namespace redoubtful::cli {

// Removes `name` and everything below it. Nobody else may be writing in it.
// Errors: kSystemCall, kInvalidMount (it reaches into another file system); what could not be
// removed stays.
Result<void> remove_tree(int directory, const std::string& name);

}  // namespace redoubtful::cli
