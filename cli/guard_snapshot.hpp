#pragma once

// What the guarded places of the read-write mounts looked like before the agent ran, and the
// comparison afterwards that undoes and reports what the run planted.
//
// Use, in the supervisor, outside the box:
//
//     scan_tree() of each read-write mount  →  GuardSnapshot::take()  →  targets() to the attacher
//     … the run …  every process of the box is gone  →  check_at_exit()  →  print the lines
//
// At exit each mount is scanned anew, and these are undone:
//   - a guarded name that was absent (T1), or was a symlink and has changed;
//   - in any repository, known or new: hooks that are not *.sample, executing keys in config and
//     config.worktree (also those removed are put back), info/attributes, .git files and commondir
//     that lead out of the mounts or to no repository;
//   - guarded files with several hard links whose content changed (a read-only bind does not stop a
//     write through the other name) are reported, not undone: the host may have written them.
// "Undone" is: moved, by descriptor, to `undone/<session>/<the path without its first slash>`, with
// an index.json that says what came from where; configs are copied there and repaired in place.
//
// A repository that was not known at start is judged by its whole content, whatever the time stamps
// say: a hook prepared in an earlier run and renamed into place keeps its old ctime.
//
// Not promised: who did it. Whatever the host itself puts there during the run (an IDE that makes
// .idea) is moved too; the line says where to. Nor a barrier against what another box in the same
// tree does meanwhile or afterwards: its own end checks again. A program of the tree that the
// user's configuration ran before (alias, filter) is not guarded unless `protect` names it.
//
// Lifetime: keeps its own descriptors; independent of the scans given to take().

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/guarded_paths.hpp"
#include "cli/hidden_paths.hpp"
#include "cli/tree_scan.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// One read-write directory mount.
struct GuardedMount {
  std::string path;    // real and absolute, on the host
  int directory = -1;  // borrowed: the host's directory, not the box's view of it; O_PATH will do
  const TreeScan* scan = nullptr;  // borrowed; made with GuardRules::globs()
  std::vector<HiddenPath> hidden;  // hidden_paths() of this mount; nothing below is guarded
};

struct GuardReport {
  // For the person, one each, without "redoubtful:"; at most 51, the last one then says how many
  // more.
  std::vector<std::string> lines;
  std::size_t undone = 0;  // things moved or repaired
  std::size_t failed = 0;  // things found that could not be undone; `lines` says why
};

class GuardSnapshot {
 public:
  // Reads configs and hook lists; `rules` must outlive the snapshot. Errors: kSystemCall. A config
  // that cannot be parsed is not an error: it is kept as bytes.
  static Result<GuardSnapshot> take(std::span<const GuardedMount> mounts, const GuardRules& rules);

  GuardSnapshot(GuardSnapshot&&) noexcept;
  GuardSnapshot& operator=(GuardSnapshot&&) noexcept;
  ~GuardSnapshot();

  // What to bind in mounts[number]. Includes what the configs lead to at start: core.hooksPath,
  // include.path and core.attributesFile that lie within the mount.
  const std::vector<GuardTarget>& targets(std::size_t number) const;

  // Things the person should know before the run (a guarded name that leads out by a symlink …).
  const std::vector<std::string>& warnings() const;

  // `undone` is the absolute path of $STATE/undone/<session>, made (0700, with its parents) only
  // when something is moved. Call when no process of the box is left. What cannot be done is
  // counted in GuardReport::failed and said in its lines; the rest is done all the same.
  GuardReport check_at_exit(const std::string& undone);

 private:
  struct State;
  explicit GuardSnapshot(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubtful::cli
