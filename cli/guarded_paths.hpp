#pragma once

// Which names in a read-write mount the host would later execute or obey, and which mounts keep the
// agent from writing them.
//
// The line is drawn at what runs or rules *without being asked*: on cd, on opening the folder in an
// editor, on an ordinary git command, on starting an agent there. What runs because the user
// builds, tests or starts the project (package.json, Makefile, build.rs, .cargo/config.toml) is the
// project itself, which the agent is there to change; nothing can guard against that but reading
// the diff.
//
// Built-in names count at any depth, except below directories where package managers unpack other
// people's packages (node_modules, vendor, target …): npm could not replace a package with a guard
// in it. Git's own names (".git/…") count in every git directory, those included, whatever it is
// called.
//
// How it is kept: an existing file or directory is bound onto itself read-only, and every directory
// from the mount down to it is bound onto itself, still writable, because a mount point cannot be
// renamed or removed: `mv .git .x; mkdir -p .git/hooks` gets EBUSY. The price is that such a
// directory is a mount of its own: renames and hard links across its border fail with EXDEV. What
// is *absent* cannot be bound without leaving a stub on the host; it is caught at exit
// (guard_snapshot.hpp), as are the keys of .git/config, which git must be able to write, and a
// guarded name that is a symlink, which cannot be bound over (its parents are pinned, what it leads
// to within the mount is read-only, the link itself is compared at exit).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/path_glob.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// What is guarded in each git directory; each can be taken off by its name, e.g. "!.git/hooks".
enum class GitGuard {
  kHooks,       // .git/hooks: programs
  kAttributes,  // .git/info/attributes: chooses which filter and diff programs run
  kConfig,      // .git/config and config.worktree: compared at exit, never read-only
  kPointers,  // .git files, .git/commondir, .git/worktrees/*/{gitdir,commondir}: where all is read
  kRemotes,   // .git/remotes, .git/branches: the old places of remote URLs
};

class GuardRules {
 public:
  // The built-in list, with `protect` (profile key filesystem.protect) applied in order: "x" adds a
  // glob (path_glob.hpp), "!x" takes off the entry written exactly x.
  // Errors: kInvalidProfile, with the origin: a bad glob, or "!x" where no x is (with the nearest).
  static Result<GuardRules> build(std::span<const Sourced<std::string>> protect);

  // For ScanRequest::guard and ::dependency_directories.
  const PathGlobSet& globs() const noexcept { return globs_; }
  static const std::vector<std::string>& dependency_directories();

  // True for a glob that stands for the directory of a guarded name (".vscode"): it matters only
  // where it is a symlink, for then the walk does not see what lies behind it.
  bool only_as_link(std::size_t glob) const noexcept { return glob >= full_names_; }

  bool guards(GitGuard what) const;
  // As written, in order; for `show` and /etc/redoubtful/policy.
  std::vector<std::string> texts() const;

 private:
  GuardRules() = default;
  PathGlobSet globs_;
  std::size_t full_names_ = 0;
  std::vector<GitGuard> git_guards_;
};

// What the attacher binds onto itself, in this order (parents first).
struct GuardTarget {
  enum class Kind {
    kReadOnly,  // bind read-only
    kPin,       // bind, still writable: so that it cannot be renamed or removed
  };
  std::string path;  // relative to the mount
  Kind kind = Kind::kPin;
  EntryType type = EntryType::kDirectory;  // kFile or kDirectory
  bool operator==(const GuardTarget&) const = default;
};

struct GuardedName {
  std::string path;
  EntryType type = EntryType::kFile;
};

// The list for one mount: `read_only` and pins above each of it and of `pinned` (directories to be
// pinned themselves). What lies below something read-only or hidden is left out.
std::vector<GuardTarget> guard_targets(const std::vector<GuardedName>& read_only,
                                       const std::vector<std::string>& pinned,
                                       const std::vector<std::string>& hidden);

}  // namespace redoubtful::cli
