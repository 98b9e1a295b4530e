#pragma once

// One walk over a mounted tree that finds everything the box must hide or guard in it.
//
// The tree is the agent's: names, depth and links are chosen by an attacker who may still be
// running (another box in the same project). So it is read by descriptor alone: every directory is
// opened with openat2 below the mount and without symlinks; no entry is opened or followed but
// directories. d_type answers what an entry is; it is stat'ed only where the file system does not
// say.
//
// Other file systems mounted below come along with the bind (the kernel allows no other in a user
// namespace), so they are searched like the rest. Not entered, and to be masked, are the kernel's
// own (a chroot's /proc, /sys, /dev) and the directories that are never shown, whatever name a bind
// mount gives them.
//
// What is not promised: a snapshot. An entry made while the walk is on its way may be missed; that
// is why guards are checked again at exit.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "cli/path_glob.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct FoundPath {
  std::string path;  // relative to the mount
  EntryType type = EntryType::kFile;
  std::size_t glob = 0;  // the number of the glob in its set
};

// A place where git would find a repository.
struct FoundRepository {
  enum class Kind {
    kGitDirectory,  // ".git", a directory, whether or not it looks complete
    kGitFile,       // ".git", a file: linked worktree, submodule
    kGitSymlink,    // ".git", a symbolic link
    kBare,          // any other directory with HEAD, objects and refs: bare, .git/modules/x
    kLinked,        // any other directory with HEAD and commondir: .git/worktrees/x
  };
  std::string path;  // of the git directory, file or link; "" is the mount itself
  Kind kind = Kind::kGitDirectory;
};

struct TreeScan {
  std::vector<std::string> sockets;           // sockets and FIFOs, to be masked
  std::vector<FoundPath> hidden;              // matches of ScanRequest::hide
  std::vector<FoundPath> guarded;             // matches of ScanRequest::guard
  std::vector<FoundRepository> repositories;  // parents before what lies in them
  std::vector<std::string> mount_points;      // other mounts below, searched
  std::set<std::uint64_t> mounts;             // what the kernel calls those (STATX_MNT_ID)
  std::vector<std::string> masked_mounts;     // other mounts below, not entered
  std::vector<std::string> unreadable;        // directories that could not be opened, or too deep
  std::size_t directories = 0;
  std::size_t entries = 0;
};

struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct ScanRequest {
  // nullptr: none. What matches `hide` is not searched further: nothing below it is visible inside.
  const PathGlobSet* hide = nullptr;
  // nullptr: none. What matches `guard` is searched further, for a repository may lie in it.
  const PathGlobSet* guard = nullptr;
  // Below directories of these names `guard` is not asked: package managers unpack other people's
  // packages there, editor settings and all. Repositories and sockets are found there too. Sorted.
  const std::vector<std::string>* dependency_directories = nullptr;
  // Directories that must not be shown where they are mounted below, nor what contains them.
  const std::vector<FileIdentity>* never_shown = nullptr;
  // nullptr: any. Otherwise no other mount is entered: what the host mounted since is not the
  // agent's to answer for.
  const std::set<std::uint64_t>* mounts = nullptr;
};

// `directory` is borrowed, O_PATH will do. The cost is four system calls for each directory and
// next to nothing on top (100,000 files in 10,000 directories, warm: 77 ms of CPU where the bare
// system calls take 70). Errors: kSystemCall when `directory` itself cannot be read; kInvalidMount
// for more than 20 million entries (the walk must end).
Result<TreeScan> scan_tree(int directory, const ScanRequest& request);

}  // namespace redoubtful::cli
