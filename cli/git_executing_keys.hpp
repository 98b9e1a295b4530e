#pragma once

// Which entries of a git configuration make git run a program, or decide whom it believes, where it
// reads further configuration, and where it sends what it pushes.
//
// The list is of what is dangerous in a file that somebody else wrote, not of what is unusual: an
// ordinary `git clone`, `remote add`, `submodule update`, `sparse-checkout`, `branch -u` or
// `config user.name` writes none of these. Source: git-config(1) of 2.51 and the manual pages it
// names; git-lfs-config(5), git-annex.

#include <string_view>

#include "cli/git_config.hpp"

namespace redoubtful::cli {

// Why this entry is dangerous, e.g. "runs a program"; "" when it is not. The view is to static
// text.
std::string_view why_executing(const GitConfigEntry& entry);

// True for a URL that makes git run a remote helper ("ext::…", "fd::…"), or that a program could
// take for an option (starts with "-", or its host does).
bool is_dangerous_git_url(std::string_view url);

}  // namespace redoubtful::cli
