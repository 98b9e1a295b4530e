#pragma once

// From the current directory to what git and jj need mounted so that they work in the box.
//
// A linked worktree keeps its repository elsewhere, and says where in a *file*, `.git`, that the
// agent may have written in an earlier run. Believing it would mount, read-write, whatever it
// names. So a pointer is believed only when the other side, which the agent could not write, points
// back:
//
//     linked worktree   G = <main>/.git/worktrees/<id>, G/gitdir names our .git file, and
//     G/commondir
//                       leads to exactly <main>/.git
//     submodule         G lies in <super>/.git/modules, our top lies below <super> (or below the
//                       linked worktree whose modules these are), and core.worktree in G/config is
//                       our top
//     jj workspace      .jj/repo names <main>/.jj/repo, and the operation our working copy was last
//                       at, a 512-bit number that nobody guesses, is an operation of that
//                       repository which lists our workspace by name
//
// Everything on the way belongs to us, nothing is a symlink, and every file is small. Nothing is
// ever mounted that is $HOME, above it, the root, or in or around `Limits::private_places`. What
// fails a check mounts nothing and becomes a warning that says why; it is not an error, since the
// agent in the box can do without. No git is run.
//
// A git directory made by `--separate-git-dir` does not point back and is not mounted; the warning
// names the -m that does it. The same for objects/info/alternates.

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

struct WorktreeLimits {
  std::string home;                         // real path of $HOME; "" when there is none
  std::vector<std::string> private_places;  // real paths of our configuration, state and runtime
  uid_t owner = 0;                          // whose files are believed
};

// A directory that must be mounted read-write beside the project.
struct ExtraDirectory {
  std::string path;    // real, absolute
  UniqueFd directory;  // O_PATH: what was checked; mount this, not the path
  std::string reason;  // "the repository of this linked worktree"
};

struct Worktree {
  // The worktree's top, real and absolute; the current directory itself where there is no
  // repository or where the top would be $HOME, above it, or one of the private places.
  std::string top;
  UniqueFd top_directory;             // O_PATH
  std::vector<ExtraDirectory> extra;  // never below `top`
  // Git directories that serve `top`, real and absolute: the .git directory, or what its file leads
  // to and the common directory. Each lies in `top` or in one of `extra`.
  std::vector<std::string> git_directories;
  std::vector<std::string> warnings;  // each a sentence, with untrusted bytes quoted
};

// `current_directory` must be a real path (no symlinks in it), as from getcwd(3).
// Errors: kInvalidMount when it cannot be opened that way.
Result<Worktree> find_worktree(const std::string& current_directory, const WorktreeLimits& limits);

// The path in a `.git` file ("gitdir: PATH"). Errors: kInvalidProfile for anything else: no such
// prefix, empty, a NUL or a newline within, more than 4,095 bytes.
Result<std::string> parse_git_file(std::string_view bytes);

}  // namespace redoubtful::cli
