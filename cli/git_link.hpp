#pragma once

// Whether the repository that a `.git` file names agrees to be named: linked worktrees and
// submodules.
//
// Shared by the search before the run (worktree.hpp) and the judgement of `.git` files that a run
// made (guard_snapshot.hpp). The rules and their reason are in worktree.hpp.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::cli {

struct GitLink {
  enum class Kind { kLinkedWorktree, kSubmodule };
  Kind kind = Kind::kLinkedWorktree;
  std::string git_directory;     // what the file names, real and absolute
  std::string common_directory;  // the same for a submodule
};

// `top` is the directory with the `.git` file, real and absolute; `content` the file's.
// Errors: kInvalidProfile for the file itself; kInvalidMount with the check that failed.
Result<GitLink> verify_git_link(const std::string& top, std::string_view content, uid_t owner);

}  // namespace redoubtful::cli
