#pragma once

// What `hide` makes unreadable in one mount, and the refusal to hide what git tracks.
//
// A hidden file stays where it is, with mode 000 inside: an emptied `.env` would get committed. A
// tracked file cannot be hidden for the same reason: git would read it, fail, and every commit,
// stash and checkout in the box would go wrong; that is an error before anything starts.
//
// A symlink that matches cannot be mounted over: what it leads to within the mount is hidden in its
// stead; where it leads out of the mount, it leads nowhere inside either.

#include <span>
#include <string>
#include <vector>

#include "cli/path_glob.hpp"
#include "cli/tree_scan.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

struct HiddenPath {
  std::string path;                   // relative to the mount
  EntryType type = EntryType::kFile;  // kDirectory, or anything else: mask it with a file
};

// For ScanRequest::hide; glob N is patterns[N]. Errors: kInvalidProfile, with the pattern's origin.
Result<PathGlobSet> compile_hide(std::span<const Sourced<std::string>> patterns);

// `mount` is borrowed; `mount_path` is for messages. Sorted, none below another.
// Errors: kInvalidProfile when git tracks a match, or a file below one: names the pattern, where it
// stands, and the file; also when an index cannot be read, with the remedy.
Result<std::vector<HiddenPath>> hidden_paths(int mount, const std::string& mount_path,
                                             const TreeScan& scan,
                                             std::span<const Sourced<std::string>> patterns);

}  // namespace redoubtful::cli
