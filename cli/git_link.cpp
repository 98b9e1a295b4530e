#include "cli/git_link.hpp"

#include "cli/git_config.hpp"
#include "cli/owned_path.hpp"
#include "cli/worktree.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

Error refused(std::string why) { return Error(Errc::kInvalidMount, std::move(why)); }

// The path in a one-line file of a git directory, normalised against that directory.
Result<std::string> pointer(int directory, const std::string& path, const std::string& name,
                            uid_t owner) {
  auto bytes = read_owned_file(directory, name, owner);
  if (!bytes) return std::move(bytes).error();
  const auto line = single_line(*bytes);
  if (!line) return refused(quoted(path + "/" + name) + " is not one line");
  const auto target = normalised(path, *line);
  if (!target) return refused(quoted(path + "/" + name) + " climbs above the root");
  return *target;
}

// G is a linked worktree's directory for `top`; returns its common directory.
Result<std::string> verify_linked(const std::string& top, const std::string& git_directory,
                                  int directory, uid_t owner) {
  if (name_of(parent_of(git_directory)) != "worktrees") {
    return refused(quoted(git_directory) + " has a commondir but does not lie in a repository's " +
                   "worktrees directory");
  }
  const std::string expected = parent_of(parent_of(git_directory));
  auto common = pointer(directory, git_directory, "commondir", owner);
  if (!common) return common;
  if (*common != expected) {
    return refused("its commondir leads to " + quoted(*common) + ", not to the repository " +
                   quoted(expected) + " that it lies in");
  }
  auto back = pointer(directory, git_directory, "gitdir", owner);
  if (!back) return back;
  if (*back != top + "/.git") {
    return refused(quoted(git_directory) + " points back at " + quoted(*back) + ", not at " +
                   quoted(top + "/.git"));
  }
  auto repository = open_owned_directory(*common, owner);
  if (!repository) return std::move(repository).error();
  if (!looks_like_repository(repository->get())) {
    return refused(quoted(*common) + " is not a git repository");
  }
  if (type_at(repository->get(), "commondir")) {
    return refused(quoted(*common) + " has a commondir of its own");
  }
  return common;
}

// Below which directory a submodule of the repository `git_directory` must lie.
Result<std::string> superproject_top(const std::string& git_directory, uid_t owner) {
  auto directory = open_owned_directory(git_directory, owner);
  if (!directory) return std::move(directory).error();
  if (name_of(parent_of(git_directory)) == "worktrees") {
    auto back = pointer(directory->get(), git_directory, "gitdir", owner);
    if (!back) return back;
    const std::string top = parent_of(*back);
    if (auto linked = verify_linked(top, git_directory, directory->get(), owner); !linked) {
      return linked;
    }
    return top;
  }
  if (name_of(git_directory) != ".git" || !looks_like_repository(directory->get())) {
    return refused(quoted(git_directory) + " is not a repository with a worktree");
  }
  return parent_of(git_directory);
}

Result<void> verify_submodule(const std::string& top, const std::string& git_directory,
                              int directory, uid_t owner) {
  constexpr std::string_view kModules = "/modules/";
  // A submodule's own submodules lie in its git directory's modules: the first one that is a
  // repository's is the superproject.
  std::size_t at = git_directory.find(kModules);
  Result<std::string> super = refused(quoted(git_directory) + " does not point back");
  for (; at != std::string::npos; at = git_directory.find(kModules, at + 1)) {
    auto found = superproject_top(git_directory.substr(0, at), owner);
    if (!found) {
      super = std::move(found);
      continue;
    }
    super = std::move(found);
    break;
  }
  if (!super) return std::move(super).error();
  if (top == *super || !is_within(top, *super)) {
    return refused("the submodule's repository belongs to " + quoted(*super) +
                   ", which this directory does not lie in");
  }
  if (!looks_like_repository(directory)) {
    return refused(quoted(git_directory) + " is not a git repository");
  }
  auto bytes = read_owned_file(directory, "config", owner);
  if (!bytes) return std::move(bytes).error();
  auto entries = parse_git_config(*bytes);
  if (!entries) return std::move(entries).error().during(quoted(git_directory + "/config"));
  std::size_t found = 0;
  for (const auto& entry : *entries) {
    if (entry.key != "core.worktree") continue;
    ++found;
    const auto back = normalised(git_directory, entry.value.value_or(""));
    if (!back || *back != top) {
      return refused("core.worktree of " + quoted(git_directory) + " is " +
                     quoted(entry.value.value_or("")) + ", which is not " + quoted(top));
    }
  }
  if (found != 1) {
    return refused("the configuration of " + quoted(git_directory) + " has " +
                   std::to_string(found) + " core.worktree entries, not one");
  }
  return {};
}

}  // namespace

Result<GitLink> verify_git_link(const std::string& top, std::string_view content, uid_t owner) {
  auto named = parse_git_file(content);
  if (!named) return std::move(named).error();
  const auto target = normalised(top, *named);
  if (!target) return refused("its path climbs above the root");
  auto directory = open_owned_directory(*target, owner);
  if (!directory) return std::move(directory).error();
  GitLink link;
  link.git_directory = *target;
  if (type_at(directory->get(), "commondir")) {
    auto common = verify_linked(top, *target, directory->get(), owner);
    if (!common) return std::move(common).error();
    link.common_directory = *common;
    return link;
  }
  if (auto fine = verify_submodule(top, *target, directory->get(), owner); !fine) {
    return std::move(fine).error();
  }
  link.kind = GitLink::Kind::kSubmodule;
  link.common_directory = *target;
  return link;
}

}  // namespace redoubtful::cli
