#pragma once

// What the box will see: a pure function from the Profile and facts about the host to a list of
// steps. Nothing is touched here; mount_attach.hpp carries the list out.
//
// The view is built by allowing little, never by masking bits of everything. A step's target is its
// path in the box, which is the host's own path unless the user named another. Steps are ordered so
// that a parent comes before what is mounted inside it, whichever order the profile had.
//
// Where links are followed: outside the home directory as the host has them (they are put into the
// box too, so both spellings work); below the home directory the target keeps the spelling asked
// for; and never below a directory that some box could write, now or in an earlier run.

#include <string>
#include <vector>

#include "cli/host_files.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Facts about the host, collected once.
struct HostFacts {
  const HostFiles* files = nullptr;
  std::string home;  // $HOME as set: absolute
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;
  std::string shell;  // absolute path of the login shell
  std::string host_name;
  std::string working_directory;           // real path of the directory to run in
  std::vector<std::string> path_entries;   // $PATH, split
  std::vector<std::string> own_places;     // configuration, state, runtime: real paths
  std::vector<std::string> own_programs;   // what a run starts or believes: real paths
  std::string private_home;                // persistent home's directory; empty: tmpfs
  std::vector<std::string> written_roots;  // what boxes could write in earlier runs: real paths
  std::string project_top;                 // the worktree that the working directory lies in
  std::vector<std::string> project_extra;  // git's common directory and the like, read-write
};

enum class StepKind {
  kDirectory,  // an empty directory
  kSymlink,    // `text` is where it points
  kFile,       // a small read-only file with `text` as its content
  kTmpfs,      // an empty writable file system
  kBind,       // `source` with everything mounted below it
  kCover,      // `source`, a file of this plan (kFile), read-only over a file that is there
};

// Who asked for a step.
enum class StepPart {
  kSystem,   // every box has it
  kHome,     // the private home directory
  kProgram,  // so that a program of PATH can be found and started
  kUser,     // the working directory and the mounts: searched for guarded files, sockets, `hide`
};

struct MountStep {
  StepKind kind = StepKind::kDirectory;
  StepPart part = StepPart::kSystem;
  std::string target;
  std::string source;  // kBind: real path on the host; kCover: path in the box
  std::string text;
  mode_t permissions = 0444;  // kFile
  bool later = false;  // kFile: made empty; `text` is written through what attach_mounts() returns
  MountMode mode = MountMode::kReadOnly;
  FileFacts facts;  // kBind: what `source` was when it was planned
  std::string why;  // for `show`, --dry-run and errors: where it was asked for
};

// One that nobody asked for.
MountStep own_step(StepKind kind, std::string target);

struct MountPlan {
  std::vector<MountStep> steps;
  std::string home;                // the home directory's path in the box
  std::string directory;           // where the command starts
  std::vector<std::string> path;   // PATH inside, in order
  std::vector<std::string> notes;  // a line each, for the person: what was chosen, what looks risky
  // Of the host, real paths: never shown, whatever is mounted where below a mount of the user's.
  std::vector<std::string> never_shown;
  std::vector<std::string> own_programs;  // never writable, as HostFacts has them
};

// Errors: kInvalidMount for a source or target that is absent, unreadable or refused, naming where
// it was written and what to do.
Result<MountPlan> plan_mounts(const Profile& profile, const HostFacts& facts);

// The steps every box has: /usr, the listed parts of /etc, /tmp, /run.
std::vector<MountStep> system_steps(const HostFacts& facts, const std::string& home);

// PATH inside, and read-only binds for its entries below the home directory: each entry, and for a
// program that is a link the directory its target needs.
struct ProgramPath {
  std::vector<std::string> path;
  std::vector<MountStep> steps;
  std::vector<std::string> notes;
};
Result<ProgramPath> plan_program_path(const Profile& profile, const HostFacts& facts,
                                      const std::string& home_real,
                                      const std::vector<std::string>& visible);

// "~" and "~/x" with the home directory in place; anything else unchanged.
std::string expand_home(const std::string& path, const std::string& home);

}  // namespace redoubtful::cli
