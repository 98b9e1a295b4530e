#include "cli/worktree.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <algorithm>

#include "cli/git_link.hpp"
#include "cli/jj_workspace.hpp"
#include "cli/owned_path.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxGitFile = 8192;

// Why `path` may never be mounted for the sake of a repository; "" when it may.
std::string why_forbidden(const std::string& path, const WorktreeLimits& limits) {
  if (path == "/") return "it is the root directory";
  if (!limits.home.empty() && is_within(limits.home, path)) {
    return path == limits.home ? "it is your home directory" : "your home directory lies in it";
  }
  for (const auto& place : limits.private_places) {
    if (is_within(path, place) || is_within(place, path)) {
      return "it is, contains or lies in " + quoted(place) + ", which is redoubtful's own";
    }
  }
  return "";
}

class Finder {
 public:
  Finder(const WorktreeLimits& limits, Worktree& found) : limits_(limits), found_(found) {}

  Result<void> run(const std::string& current_directory) {
    auto current = open_directory(current_directory);
    if (!current) {
      return std::move(current)
          .error()
          .during("opening the current directory")
          .hint("cd to the directory by its real path (cd \"$(pwd -P)\")");
    }
    struct stat info {};
    if (::fstat(current->get(), &info) != 0) {
      return Error::system_call("cannot stat the current directory", errno);
    }
    const dev_t device = info.st_dev;
    found_.top = current_directory;
    for (std::string path = current_directory;; path = parent_of(path)) {
      auto directory = open_directory(path);
      if (!directory || ::fstat(directory->get(), &info) != 0 || info.st_dev != device) break;
      const bool git = type_at(directory->get(), ".git").has_value();
      const bool jj = type_at(directory->get(), ".jj").has_value();
      if (git || jj) {
        if (const std::string why = why_forbidden(path, limits_); !why.empty()) {
          if (path == current_directory) break;  // the mount plan refuses that by itself
          warn("the repository at " + quoted(path) + " is not mounted, because " + why +
               "; git will not find it inside");
          break;
        }
        if (info.st_uid != limits_.owner) {
          warn("the repository at " + quoted(path) + " is not mounted: it belongs to user " +
               std::to_string(info.st_uid));
          break;
        }
        found_.top = path;
        if (git) take_git(directory->get());
        if (jj) take_jj(directory->get());
        break;
      }
      if (path == "/" || looks_like_repository(directory->get())) break;
    }
    auto top = open_directory(found_.top);
    if (!top) return std::move(top).error();
    found_.top_directory = std::move(*top);
    return {};
  }

 private:
  static Result<UniqueFd> open_directory(const std::string& path) {
    auto fd = open_resolved(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW,
                            RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (!fd) return Error(Errc::kInvalidMount, fd.error().what());
    return fd;
  }

  void warn(std::string text) { found_.warnings.push_back(std::move(text)); }

  void take_git(int top) {
    const std::string dot_git = found_.top + "/.git";
    const mode_t type = type_at(top, ".git").value_or(0);
    if (type == S_IFDIR) {
      take_git_directory(dot_git);
      return;
    }
    if (type != S_IFREG) {
      warn(quoted(dot_git) + " is neither a directory nor a file and is not followed; " +
           "git will not work inside");
      return;
    }
    auto content = read_owned_file(top, ".git", limits_.owner, kMaxGitFile);
    Result<GitLink> link =
        content ? verify_git_link(found_.top, *content, limits_.owner) : content.error();
    if (!link) {
      take_unverified_git_file(content ? *content : "", link.error().what());
      return;
    }
    const bool linked = link->kind == GitLink::Kind::kLinkedWorktree;
    const bool mounted =
        add_extra(link->common_directory, linked ? "the repository of this linked worktree"
                                                 : "the repository of this submodule");
    if (!mounted) return;
    found_.git_directories.push_back(link->common_directory);
    if (linked) found_.git_directories.push_back(link->git_directory);
    warn_of_alternates(link->common_directory);
  }

  // A git file may also lead to a place inside the worktree, which needs no mount and no belief.
  void take_unverified_git_file(const std::string& content, const std::string& why) {
    const std::string dot_git = found_.top + "/.git";
    auto named = parse_git_file(content);
    const auto target = named ? normalised(found_.top, *named) : std::nullopt;
    if (target && is_within(*target, found_.top)) {
      auto directory = open_owned_directory(*target, limits_.owner);
      if (directory && looks_like_repository(directory->get()) &&
          !type_at(directory->get(), "commondir")) {
        found_.git_directories.push_back(*target);
        return;
      }
    }
    std::string text = quoted(dot_git) + " mounts nothing: " + why + "; git will not work inside";
    if (target && why_forbidden(*target, limits_).empty()) {
      text += " (if you trust it: -m " + quoted(*target) + ":rw)";
    }
    warn(std::move(text));
  }

  void take_git_directory(const std::string& path) {
    auto directory = open_owned_directory(path, limits_.owner);
    if (!directory) {
      warn(quoted(path) + " is not used: " + directory.error().what());
      return;
    }
    found_.git_directories.push_back(path);
    if (type_at(directory->get(), "commondir")) {
      warn(quoted(path) + " has a commondir, which is not followed; git will not work inside");
    }
    warn_of_alternates(path);
  }

  void take_jj(int top) {
    if (type_at(top, ".jj") != S_IFDIR) {
      warn(quoted(found_.top + "/.jj") + " is not a directory and is not followed");
      return;
    }
    if (type_at(top, ".jj/repo") != S_IFREG) return;  // a main workspace: all of it is here
    auto content = read_owned_file(top, ".jj/repo", limits_.owner, kMaxGitFile);
    Result<JjWorkspace> workspace = content
                                        ? verify_jj_workspace(found_.top, *content, limits_.owner)
                                        : std::move(content).error();
    if (!workspace) {
      warn(quoted(found_.top + "/.jj/repo") + " mounts nothing: " + workspace.error().what() +
           "; jj will not work inside");
      return;
    }
    for (const auto& directory : workspace->directories) {
      if (!add_extra(directory, "the repository of this jj workspace")) return;
    }
    if (!workspace->git_directory.empty()) {
      found_.git_directories.push_back(workspace->git_directory);
    }
  }

  // False when it must not be mounted.
  bool add_extra(const std::string& path, const std::string& reason) {
    std::string why = why_forbidden(path, limits_);
    if (why.empty() && is_within(found_.top, path)) why = "this directory lies in it";
    if (!why.empty()) {
      warn(reason + ", " + quoted(path) + ", is not mounted, because " + why);
      return false;
    }
    if (is_within(path, found_.top)) return true;
    const bool known = std::any_of(found_.extra.begin(), found_.extra.end(),
                                   [&](const auto& one) { return is_within(path, one.path); });
    if (known) return true;
    auto directory = open_owned_directory(path, limits_.owner);
    if (!directory) {
      warn(reason + " is not mounted: " + directory.error().what());
      return false;
    }
    found_.extra.push_back({path, std::move(*directory), reason});
    return true;
  }

  // Objects borrowed from elsewhere: nothing there points back, so they stay outside.
  void warn_of_alternates(const std::string& git_directory) {
    auto directory = open_owned_directory(git_directory, limits_.owner);
    if (!directory) return;
    auto content = read_owned_file(directory->get(), "objects/info/alternates", limits_.owner);
    if (!content) return;
    std::string_view rest = *content;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.empty() || line.front() == '#') continue;
      const auto place = normalised(git_directory + "/objects", line);
      const bool visible =
          place && (is_within(*place, found_.top) ||
                    std::any_of(found_.extra.begin(), found_.extra.end(),
                                [&](const auto& one) { return is_within(*place, one.path); }));
      if (visible) continue;
      warn("objects of " + quoted(git_directory) + " lie in " + quoted(line) +
           ", which is not visible inside (add -m with that directory)");
      return;
    }
  }

  const WorktreeLimits& limits_;
  Worktree& found_;
};

}  // namespace

Result<Worktree> find_worktree(const std::string& current_directory, const WorktreeLimits& limits) {
  Worktree found;
  if (auto done = Finder(limits, found).run(current_directory); !done) {
    return std::move(done).error();
  }
  return found;
}

// Source: git's setup.c, read_gitfile_gently(): "gitdir: " and a path; trailing newlines are
// dropped.
Result<std::string> parse_git_file(std::string_view bytes) {
  constexpr std::string_view kPrefix = "gitdir: ";
  const auto bad = [](const char* why) { return Error(Errc::kInvalidProfile, why); };
  if (!bytes.starts_with(kPrefix)) return bad("it does not begin with \"gitdir: \"");
  bytes.remove_prefix(kPrefix.size());
  while (bytes.ends_with('\n') || bytes.ends_with('\r')) bytes.remove_suffix(1);
  if (bytes.empty()) return bad("it names nothing");
  if (bytes.size() > 4095) return bad("its path is longer than 4,095 bytes");
  if (bytes.find_first_of(std::string_view("\0\n", 2)) != std::string_view::npos) {
    return bad("its path has a newline or a NUL byte in it");
  }
  return std::string(bytes);
}

}  // namespace redoubtful::cli
