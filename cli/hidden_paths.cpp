#include "cli/hidden_paths.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cli/beneath.hpp"
#include "cli/git_index.hpp"
#include "cli/git_link.hpp"
#include "cli/owned_path.hpp"
#include "cli/worktree.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// The index of the repository whose worktree's top is `top` (relative to the mount); none when
// there is none that git would use inside.
Result<std::optional<GitIndex>> index_of(int mount, const std::string& mount_path,
                                         const FoundRepository& repository) {
  using Kind = FoundRepository::Kind;
  Result<UniqueFd> directory = Error();
  if (repository.kind == Kind::kGitDirectory) {
    directory = open_beneath(mount, repository.path, O_PATH | O_DIRECTORY);
  } else {
    // A `.git` file: git works inside only where what it names is below this mount or was verified
    // by the same check and mounted beside it.
    auto file = open_beneath(mount, repository.path, O_RDONLY | O_NONBLOCK);
    if (!file) return std::optional<GitIndex>();
    auto content = read_file(file->get(), 8192);
    if (!content) return std::optional<GitIndex>();
    const std::string top = parent_of(mount_path + "/" + repository.path);
    auto link = verify_git_link(top, *content, ::geteuid());
    std::string target;
    if (link) {
      target = link->git_directory;
    } else {
      auto named = parse_git_file(*content);
      const auto path = named ? normalised(top, *named) : std::nullopt;
      if (!path || !is_within(*path, mount_path)) return std::optional<GitIndex>();
      target = *path;
    }
    directory = open_owned_directory(target, ::geteuid());
  }
  if (!directory) return std::optional<GitIndex>();
  auto index = read_git_index(directory->get());
  if (!index) return std::move(index).error();
  return std::optional<GitIndex>(std::move(*index));
}

}  // namespace

Result<PathGlobSet> compile_hide(std::span<const Sourced<std::string>> patterns) {
  PathGlobSet set;
  for (const auto& pattern : patterns) {
    auto glob = PathGlob::parse(pattern.value);
    if (!glob) return std::move(glob).error().during(pattern.origin.text() + ": hide");
    set.add(std::move(*glob));
  }
  return set;
}

Result<std::vector<HiddenPath>> hidden_paths(int mount, const std::string& mount_path,
                                             const TreeScan& scan,
                                             std::span<const Sourced<std::string>> patterns) {
  struct Found {
    HiddenPath hidden;
    std::size_t glob;
  };
  std::vector<Found> found;
  for (const auto& match : scan.hidden) {
    found.push_back({{match.path, match.type}, match.glob});
    if (match.type != EntryType::kSymlink) continue;
    found.pop_back();
    // The link itself may be tracked: what is hidden is what it leads to.
    const auto target = resolve_beneath(mount, match.path);
    if (target) found.push_back({{target->path, target->type}, match.glob});
  }

  // Tops of repositories, so that each match is asked of the nearest one above it.
  std::map<std::string, const FoundRepository*> tops;
  for (const auto& repository : scan.repositories) {
    using Kind = FoundRepository::Kind;
    if (repository.kind == Kind::kGitDirectory || repository.kind == Kind::kGitFile) {
      tops.emplace(parent_of(repository.path), &repository);
    }
  }
  std::map<std::string, std::optional<GitIndex>> indexes;
  for (const auto& [hidden, glob] : found) {
    for (std::string top = hidden.path; !top.empty();) {
      top = parent_of(top);
      const auto repository = tops.find(top);
      if (repository == tops.end()) continue;
      auto known = indexes.find(top);
      if (known == indexes.end()) {
        auto index = index_of(mount, mount_path, *repository->second);
        const auto& pattern = patterns[glob];
        if (!index) {
          return std::move(index)
              .error()
              .during(pattern.origin.text() + ": hide " + quoted(pattern.value) +
                      ": cannot tell what git tracks in " +
                      quoted(top.empty() ? mount_path : mount_path + "/" + top))
              .hint("run git status there to see whether its index is sound");
        }
        known = indexes.emplace(top, std::move(*index)).first;
      }
      if (!known->second) break;
      const std::string inside = top.empty() ? hidden.path : hidden.path.substr(top.size() + 1);
      const std::string tracked = known->second->tracks(inside) ? inside
                                  : hidden.type == EntryType::kDirectory
                                      ? known->second->first_below(inside)
                                      : std::string();
      if (!tracked.empty()) {
        const auto& pattern = patterns[glob];
        const std::string file =
            (top.empty() ? mount_path : mount_path + "/" + top) + "/" + tracked;
        return Error(Errc::kInvalidProfile, pattern.origin.text() + ": hide " +
                                                quoted(pattern.value) + " matches " + quoted(file) +
                                                ", which git tracks")
            .hint(
                "a tracked file cannot be hidden, for git would commit its absence: take it out "
                "of git (git rm --cached) or narrow the pattern");
      }
      break;
    }
  }

  std::vector<HiddenPath> hidden;
  hidden.reserve(found.size());
  for (auto& one : found) hidden.push_back(std::move(one.hidden));
  std::sort(hidden.begin(), hidden.end(),
            [](const HiddenPath& a, const HiddenPath& b) { return a.path < b.path; });
  std::vector<HiddenPath> outermost;
  for (auto& one : hidden) {
    const bool covered =
        std::any_of(outermost.begin(), outermost.end(),
                    [&](const HiddenPath& other) { return is_within(one.path, other.path); });
    if (!covered) outermost.push_back(std::move(one));
  }
  return outermost;
}

}  // namespace redoubtful::cli
