#include "cli/guard_snapshot.hpp"

#include <fcntl.h>

#include <algorithm>

#include "cli/beneath.hpp"
#include "cli/git_config.hpp"
#include "cli/guard_state.hpp"
#include "cli/owned_path.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

class Taker {
 public:
  Taker(const GuardRules& rules, const TreeScan& scan, MountState& state,
        std::vector<std::string>& warnings)
      : rules_(rules),
        scan_(scan),
        state_(state),
        warnings_(warnings),
        mount_(state.directory.get()) {}

  void run() {
    for (const auto& match : scan_.guarded) {
      if (rules_.only_as_link(match.glob) && match.type != EntryType::kSymlink) continue;
      take_name(match.path, match.type);
    }
    using Kind = FoundRepository::Kind;
    for (const auto& repository : scan_.repositories) {
      if (is_hidden(repository.path, state_.hidden)) continue;
      if (repository.kind == Kind::kGitFile && rules_.guards(GitGuard::kPointers)) {
        take_pointer(repository.path);
      }
      if (repository.kind == Kind::kGitSymlink && rules_.guards(GitGuard::kPointers)) {
        take_name(repository.path, EntryType::kSymlink);
      }
      // A linked worktree's directory is not pinned: `git worktree remove` must be able to go.
      if (repository.kind == Kind::kGitDirectory || repository.kind == Kind::kBare) {
        pinned_.push_back(repository.path);
      }
    }
    for (const auto& path : git_directories(mount_, scan_, state_.hidden)) take_repository(path);
    take_jj_repository();
    state_.mounts = scan_.mounts;
    state_.unreadable.insert(scan_.unreadable.begin(), scan_.unreadable.end());
    state_.targets = guard_targets(read_only_, pinned_, state_.hidden);
  }

 private:
  // Something guarded that exists: read-only, or, where it is a symlink, what it leads to.
  void take_name(const std::string& path, EntryType type) {
    if (is_hidden(path, state_.hidden)) return;
    state_.names[path] = remember(path, type);
  }

  // A worktree or submodule inside the mount must stay removable (`git worktree remove`), and a
  // bind on its `.git` file would pin it: such a pointer is judged at exit by where it then leads.
  // The mount's own top cannot be removed anyway.
  void take_pointer(const std::string& path) {
    if (parent_of(path).empty()) return take_name(path, EntryType::kFile);
    if (auto content = content_beneath(mount_, path, kMaxPointerBytes)) {
      state_.pointers[path] = std::move(*content);
    }
  }

  NameAtStart remember(const std::string& path, EntryType type) {
    NameAtStart name;
    name.type = type;
    if (type == EntryType::kSymlink) {
      name.link = link_target(mount_, path).value_or("");
      if (const std::string parent = parent_of(path); !parent.empty()) pinned_.push_back(parent);
      const auto target = resolve_beneath(mount_, path);
      if (target && (target->type == EntryType::kFile || target->type == EntryType::kDirectory)) {
        read_only_.push_back({target->path, target->type});
      } else if (!target) {
        warnings_.push_back("the guarded " + quoted(joined(state_.path, path)) +
                            " is a symlink to " + quoted(name.link) +
                            ", outside the mount: what it leads to is not guarded");
      }
      return name;
    }
    if (type != EntryType::kFile && type != EntryType::kDirectory) return name;
    read_only_.push_back({path, type});
    if (type == EntryType::kFile) {
      // A read-only bind does not stop a write through another name of the same file.
      const auto info = stat_beneath(mount_, path);
      if (info && info->st_nlink > 1) {
        name.content = content_beneath(mount_, path, kMaxGitConfigBytes);
      }
    }
    return name;
  }

  void take_repository(const std::string& path) {
    RepositoryAtStart& repository = state_.repositories[path];
    for (const auto& place : kGitPlaceNames) {
      if (!rules_.guards(place.guard)) continue;
      const std::string full = joined(path, place.name);
      if (const auto info = stat_beneath(mount_, full)) {
        repository.names[place.name] = remember(full, entry_type(info->st_mode));
      }
    }
    if (rules_.guards(GitGuard::kPointers)) take_file(path, "commondir", repository);
    if (!rules_.guards(GitGuard::kConfig)) return;
    for (const char* name : kGitConfigNames) {
      take_file(path, name, repository);
      const auto found = repository.files.find(name);
      if (found != repository.files.end()) take_what_config_leads_to(path, found->second);
    }
    repository.todo = executing_todo_lines(mount_, path);
  }

  void take_file(const std::string& directory, const std::string& name,
                 RepositoryAtStart& repository) {
    const std::string full = joined(directory, name);
    const auto info = stat_beneath(mount_, full);
    if (!info) return;
    const EntryType type = entry_type(info->st_mode);
    if (type == EntryType::kSymlink) {
      repository.names[name] = remember(full, type);
      return;
    }
    if (auto content = content_beneath(mount_, full, kMaxGitConfigBytes)) {
      repository.files[name] = std::move(*content);
    }
  }

  // Where the person's own configuration sends git to a place in the tree, that place is as good as
  // a hook: read-only when it is there, watched for when it is not.
  void take_what_config_leads_to(const std::string& git_directory, const std::string& config) {
    auto entries = parse_git_config(config);
    if (!entries) return;
    const std::string directory = joined(state_.path, git_directory);
    const bool dot_git = name_of(git_directory) == ".git";
    const std::string top = dot_git ? parent_of(directory) : directory;
    for (const auto& entry : *entries) {
      const bool include =
          entry.key == "include.path" || (entry.section() == "includeif" && entry.name() == "path");
      const bool from_top = entry.key == "core.hookspath" || entry.key == "core.attributesfile";
      if ((!include && !from_top) || !entry.value || entry.value->empty()) continue;
      if (entry.value->starts_with('~') || entry.value->starts_with('%')) continue;
      const auto target = normalised(include ? directory : top, *entry.value);
      if (!target || !is_within(*target, state_.path) || *target == state_.path) continue;
      const std::string relative = target->substr(state_.path == "/" ? 1 : state_.path.size() + 1);
      if (const auto info = stat_beneath(mount_, relative)) {
        take_name(relative, entry_type(info->st_mode));
      } else {
        state_.absent.insert(relative);
      }
    }
  }

  // A jj repository that is a mount of its own (the main workspace's, for a second one).
  void take_jj_repository() {
    if (!state_.path.ends_with("/.jj/repo")) return;
    if (const auto info = stat_beneath(mount_, "config.toml")) {
      take_name("config.toml", entry_type(info->st_mode));
    } else {
      state_.absent.insert("config.toml");
    }
  }

  const GuardRules& rules_;
  const TreeScan& scan_;
  MountState& state_;
  std::vector<std::string>& warnings_;
  const int mount_;
  std::vector<GuardedName> read_only_;
  std::vector<std::string> pinned_;
};

}  // namespace

bool is_hidden(const std::string& path, const std::vector<std::string>& hidden) {
  return std::any_of(hidden.begin(), hidden.end(),
                     [&](const std::string& other) { return is_within(path, other); });
}

std::set<std::string> git_directories(int mount, const TreeScan& scan,
                                      const std::vector<std::string>& hidden) {
  using Kind = FoundRepository::Kind;
  std::set<std::string> paths;
  for (const auto& repository : scan.repositories) {
    if (is_hidden(repository.path, hidden) || repository.kind == Kind::kGitFile) continue;
    if (repository.kind == Kind::kGitSymlink) {
      const auto target = resolve_beneath(mount, repository.path);
      if (target && target->type == EntryType::kDirectory) paths.insert(target->path);
      continue;
    }
    paths.insert(repository.path);
  }
  return paths;
}

std::optional<std::string> content_beneath(int mount, const std::string& path,
                                           std::size_t max_bytes) {
  auto file = open_beneath(mount, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  if (!file) return std::nullopt;
  auto content = read_file(file->get(), max_bytes);
  if (!content) return std::nullopt;
  return std::move(*content);
}

std::string executing_todo_lines(int mount, const std::string& git_directory) {
  std::string lines;
  for (const char* name : {"rebase-merge/git-rebase-todo", "rebase-apply/git-rebase-todo"}) {
    const auto todo = content_beneath(mount, joined(git_directory, name), kMaxGitConfigBytes);
    if (!todo) continue;
    std::string_view rest = *todo;
    while (!rest.empty()) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      if (line.starts_with("exec ") || line.starts_with("exec\t") || line.starts_with("x ") ||
          line.starts_with("x\t")) {
        lines.append(line).append("\n");
      }
    }
  }
  return lines;
}

GuardSnapshot::GuardSnapshot(std::unique_ptr<State> state) : state_(std::move(state)) {}
GuardSnapshot::GuardSnapshot(GuardSnapshot&&) noexcept = default;
GuardSnapshot& GuardSnapshot::operator=(GuardSnapshot&&) noexcept = default;
GuardSnapshot::~GuardSnapshot() = default;

Result<GuardSnapshot> GuardSnapshot::take(std::span<const GuardedMount> mounts,
                                          const GuardRules& rules) {
  auto state = std::make_unique<State>();
  state->rules = &rules;
  for (const auto& mount : mounts) {
    MountState& one = state->mounts.emplace_back();
    one.path = mount.path;
    auto directory = open_beneath(mount.directory, ".", O_PATH | O_DIRECTORY);
    if (!directory) return std::move(directory).error().during("guarding " + quoted(mount.path));
    one.directory = std::move(*directory);
    for (const auto& hidden : mount.hidden) one.hidden.push_back(hidden.path);
    Taker(rules, *mount.scan, one, state->warnings).run();
  }
  return GuardSnapshot(std::move(state));
}

const std::vector<GuardTarget>& GuardSnapshot::targets(std::size_t number) const {
  return state_->mounts.at(number).targets;
}

const std::vector<std::string>& GuardSnapshot::warnings() const { return state_->warnings; }

}  // namespace redoubtful::cli
