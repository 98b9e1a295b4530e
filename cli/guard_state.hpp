#pragma once

// What guard_snapshot.cpp remembers and guard_exit.cpp compares. Internal to the two.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/guard_snapshot.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

constexpr std::size_t kMaxGitConfigBytes = 4u << 20;
constexpr std::size_t kMaxPointerBytes = 8192;

// A guarded name as it was at start.
struct NameAtStart {
  EntryType type = EntryType::kFile;
  std::string link;                    // for a symlink: its target
  std::optional<std::string> content;  // for a file with several hard links
};

struct RepositoryAtStart {
  // "config", "config.worktree", "commondir": content, for those that were there.
  std::map<std::string, std::string> files;
  // "hooks", "info/attributes", "remotes", "branches", and the files above when they are symlinks.
  std::map<std::string, NameAtStart> names;
  std::string todo;  // of a rebase that was under way
};

struct MountState {
  std::string path;
  UniqueFd directory;
  std::map<std::string, NameAtStart> names;               // guarded names, `.git` files and links
  std::map<std::string, RepositoryAtStart> repositories;  // by git directory
  std::map<std::string, std::string> pointers;            // content of `.git` files below the top
  std::set<std::string> absent;      // named by a config, not there: hooksPath, include.path …
  std::set<std::uint64_t> mounts;    // below it, searched at start
  std::set<std::string> unreadable;  // directories that could not be read at start
  std::vector<std::string> hidden;
  std::vector<GuardTarget> targets;
};

struct GuardSnapshot::State {
  const GuardRules* rules = nullptr;
  std::vector<MountState> mounts;
  std::vector<std::string> warnings;
};

// The git directories of a scan: real ones, and what `.git` symlinks lead to within the mount.
std::set<std::string> git_directories(int mount, const TreeScan& scan,
                                      const std::vector<std::string>& hidden);

// A regular file below `mount`, no symlinks; none when absent, not regular or too large.
std::optional<std::string> content_beneath(int mount, const std::string& path,
                                           std::size_t max_bytes);

bool is_hidden(const std::string& path, const std::vector<std::string>& hidden);

// The lines of a rebase's todo list that run a command.
std::string executing_todo_lines(int mount, const std::string& git_directory);

// Names in a git directory that are guarded by being there at all.
struct GitPlaceName {
  const char* name;
  GitGuard guard;
};
inline constexpr GitPlaceName kGitPlaceNames[] = {
    {"hooks", GitGuard::kHooks},
    {"info/attributes", GitGuard::kAttributes},
    {"remotes", GitGuard::kRemotes},
    {"branches", GitGuard::kRemotes},
};
inline constexpr const char* kGitConfigNames[] = {"config", "config.worktree"};

}  // namespace redoubtful::cli
