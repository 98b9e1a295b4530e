#pragma once

// Opening, outside, what a pointer in an agent's tree names: by its real path, owned by us, no
// links.
//
// Used by the parts that follow `.git` files and their like (worktree.hpp). A path is first
// normalised as text and then opened without following any symlink, so that what was compared is
// what was opened.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "cli/path_text.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// `path` as text, relative to the absolute directory `base` unless it is absolute itself; "." and
// ".." resolved. None when it has a NUL byte or climbs above the root.
std::optional<std::string> normalised(std::string_view base, std::string_view path);

// Opens the directory with O_PATH. Errors: kSystemCall; kInvalidMount when a component is a
// symlink, when it is no directory, or when its owner is not `owner`.
Result<UniqueFd> open_owned_directory(const std::string& path, uid_t owner);

// The content of a small regular file below an open directory, no symlinks on the way, owned by
// `owner`. Errors: kSystemCall, kInvalidMount (owner), kInvalidProfile (size, type).
Result<std::string> read_owned_file(int directory, const std::string& path, uid_t owner,
                                    std::size_t max_bytes = 1 << 20);

// One line of text: without the newline at its end. None when there are further lines.
std::optional<std::string> single_line(std::string_view bytes);

// The entry's type without following it; none when it is absent.
std::optional<mode_t> type_at(int directory, const std::string& name);

// `directory` has what git demands of a repository: HEAD, objects and refs.
bool looks_like_repository(int directory);

}  // namespace redoubtful::cli
