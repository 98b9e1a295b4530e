#pragma once

// Working below a directory that an attacker writes, by descriptor: where a symlink leads, moving
// things out, reading with an identity that tells whether a file is still the same.

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "cli/path_glob.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

struct BeneathTarget {
  std::string path;  // relative to the mount, no symlink in it; "" for the mount itself
  EntryType type = EntryType::kFile;
};

// What `path` leads to with symlinks followed as long as they stay below `mount`. None when it
// leads out, to the mount itself, or to nothing.
std::optional<BeneathTarget> resolve_beneath(int mount, const std::string& path);

// The directory that holds `path`, with O_PATH; `path` without a slash lies in `mount` itself.
Result<UniqueFd> open_parent(int mount, const std::string& path);

// lstat(2) below `mount`, no symlink followed anywhere; none when absent.
std::optional<struct stat> stat_beneath(int mount, const std::string& path);

// readlink(2) below `mount`; none when it is no symlink.
std::optional<std::string> link_target(int mount, const std::string& path);

EntryType entry_type(mode_t mode);

// `directory` of the mount and `name` in it, as one relative path.
std::string joined(std::string_view directory, std::string_view name);

}  // namespace redoubtful::cli
