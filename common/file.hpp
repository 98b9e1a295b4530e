#pragma once

// Whole-file reading and writing with the checks that files under an attacker's hand need.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful {

// Opens `path` relative to `directory` (AT_FDCWD allowed) with O_CLOEXEC and openat2(2) RESOLVE_*
// flags. Source: openat2(2), Linux 5.6.
Result<UniqueFd> open_resolved(int directory, const std::string& path, int flags,
                               std::uint64_t resolve_flags, mode_t mode = 0);

// Opens a path that somebody we do not trust may have written: nothing in it may be a symlink, and
// it must stay below `directory`.
Result<UniqueFd> open_beneath(int directory, const std::string& path, int flags, mode_t mode = 0);

// The whole content. Errors: kSystemCall; kInvalidProfile when longer than `max_bytes` or when the
// descriptor is not a regular file.
Result<std::string> read_file(int fd, std::size_t max_bytes);
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

// Writes all bytes. Errors: kSystemCall.
Result<void> write_all(int fd, std::string_view bytes);

// kFlushed: what was written outlives a power cut. kQuick: until then the old content may come
// back.
enum class Durability { kFlushed, kQuick };

// Replaces `name` in the directory atomically (temporary file beside it, rename). Nothing is left
// behind when it fails.
Result<void> replace_file(int directory, const std::string& name, std::string_view bytes,
                          mode_t mode, Durability durability = Durability::kFlushed);

}  // namespace redoubtful
