// GuardSnapshot::check_at_exit(): what has appeared or changed in the guarded places, undone.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/beneath.hpp"
#include "cli/git_config.hpp"
#include "cli/git_executing_keys.hpp"
#include "cli/guard_state.hpp"
#include "cli/owned_path.hpp"
#include "cli/undone.hpp"
#include "cli/worktree.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxHookNames = 10'000;

// One mount, looked at again.
struct MountNow {
  TreeScan scan;
  std::set<std::string> git_directories;
};

class Judge {
 public:
  Judge(const GuardRules& rules, const std::vector<MountState>& states, UndonePlace& undone,
        GuardReport& report)
      : rules_(rules), states_(states), undone_(undone), report_(report) {}

  // Errors are kept for the end: what can be judged is judged.
  Result<void> run() {
    Result<void> first;
    now_.resize(states_.size());
    for (std::size_t i = 0; i < states_.size(); ++i) {
      auto looked = look(states_[i], now_[i]);
      if (!looked && first) {
        first = std::move(looked).error().during("looking for what the run left in " +
                                                 quoted(states_[i].path));
      }
    }
    for (number_ = 0; number_ < states_.size(); ++number_) judge_mount();
    return first;
  }

 private:
  const MountState& state() const { return states_[number_]; }
  int mount() const { return state().directory.get(); }

  // The agent may have taken the read permission from a directory in which git still finds its way.
  // It is given back for the walk; directories below come to light only then, hence the rounds.
  Result<void> look(const MountState& state, MountNow& now) {
    constexpr int kRounds = 64;
    const int directory = state.directory.get();
    const ScanRequest request{nullptr, &rules_.globs(), &GuardRules::dependency_directories()};
    std::vector<WritableDirectory> opened;
    std::set<std::string> tried;
    for (int round = 0;; ++round) {
      auto scan = scan_tree(directory, request);
      if (!scan) return std::move(scan).error();
      now.scan = std::move(*scan);
      bool again = false;
      for (const auto& path : now.scan.unreadable) {
        if (state.unreadable.contains(path) || is_hidden(path, state.hidden) ||
            !tried.insert(path).second) {
          continue;
        }
        auto open = WritableDirectory::open(directory, path);
        if (open) {
          opened.push_back(std::move(*open));
          again = true;
        } else {
          fail("cannot look into " + quoted(joined(state.path, path)) + ": " + open.error().what());
        }
      }
      if (!again || round == kRounds) break;
    }
    for (auto& one : opened) still_open_.push_back(std::move(one));
    now.git_directories = git_directories(directory, now.scan, state.hidden);
    return {};
  }

  void judge_mount() {
    MountNow& now = now_[number_];
    for (const auto& match : now.scan.guarded) {
      if (rules_.only_as_link(match.glob) && match.type != EntryType::kSymlink) continue;
      judge_name(match.path, match.type, "the host would obey it");
    }
    for (const auto& path : state().absent) {
      if (const auto info = stat_beneath(mount(), path)) {
        judge_name(path, entry_type(info->st_mode), "git's configuration leads there");
      }
    }
    for (const auto& [path, name] : state().names) judge_known_name(path, name);
    using Kind = FoundRepository::Kind;
    for (const auto& repository : now.scan.repositories) {
      if (is_hidden(repository.path, state().hidden)) continue;
      if (repository.kind == Kind::kGitFile) judge_git_file(repository.path);
      if (repository.kind == Kind::kGitSymlink) judge_git_link(repository.path);
    }
    for (const auto& path : now.git_directories) judge_repository(path);
  }

  // A guarded name that is there now.
  void judge_name(const std::string& path, EntryType type, std::string_view why) {
    if (is_hidden(path, state().hidden) || below_read_only(path)) return;
    if (state().names.contains(path)) return;  // judge_known_name() does
    if (!stat_beneath(mount(), path)) return;  // moved with a directory above
    (void)type;
    undo(path, why);
  }

  // A guarded name that was there at start.
  void judge_known_name(const std::string& path, const NameAtStart& name) {
    if (name.type == EntryType::kSymlink) {
      if (link_target(mount(), path) == name.link) return;
      restore_link(path, name.link);
      return;
    }
    if (!name.content) return;
    const auto now = content_beneath(mount(), path, kMaxGitConfigBytes);
    if (now && *now != *name.content) {
      report_.lines.push_back(
          quoted(joined(state().path, path)) +
          " changed during the run; it has several hard links, so look before " + "you use it");
    }
  }

  void restore_link(const std::string& path, const std::string& target) {
    if (stat_beneath(mount(), path) && !undo(path, "it replaced the symlink that was there"))
      return;
    auto parent = WritableDirectory::open(mount(), parent_of(path));
    const std::string name(name_of(path));
    if (!parent || ::symlinkat(target.c_str(), parent->fd(), name.c_str()) != 0) {
      fail("cannot make the symlink " + quoted(joined(state().path, path)) + " to " +
           quoted(target) + " again");
    }
  }

  bool below_read_only(const std::string& path) const {
    return std::any_of(state().targets.begin(), state().targets.end(), [&](const auto& target) {
      return target.kind == GuardTarget::Kind::kReadOnly && is_within(path, target.path);
    });
  }

  // Whether an absolute path is a git directory in one of the mounts, which is judged itself.
  bool is_judged_repository(const std::string& path) const {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (!is_within(path, states_[i].path)) continue;
      const std::string relative =
          path == states_[i].path
              ? ""
              : path.substr(states_[i].path == "/" ? 1 : states_[i].path.size() + 1);
      if (now_[i].git_directories.contains(relative)) return true;
    }
    return false;
  }

  void judge_git_file(const std::string& path) {
    if (!rules_.guards(GitGuard::kPointers) || state().names.contains(path)) return;
    const auto content = content_beneath(mount(), path, kMaxPointerBytes);
    if (!content && !stat_beneath(mount(), path)) return;
    auto named = parse_git_file(content.value_or(""));
    const std::string top = parent_of(joined(state().path, path));
    const auto target = named ? normalised(top, *named) : std::nullopt;
    if (!target || !is_judged_repository(*target)) {
      undo(path, "it leads git to " + quoted(named ? *named : content.value_or("")) +
                     ", no repository of this project");
    }
  }

  void judge_git_link(const std::string& path) {
    if (!rules_.guards(GitGuard::kPointers) || state().names.contains(path)) return;
    const auto target = resolve_beneath(mount(), path);
    if (target && now_[number_].git_directories.contains(target->path)) return;
    undo(path, "it leads git to " + quoted(link_target(mount(), path).value_or("")) +
                   ", no repository of this project");
  }

  void judge_repository(const std::string& path) {
    const auto known = state().repositories.find(path);
    const RepositoryAtStart* start = known == state().repositories.end() ? nullptr : &known->second;
    for (const auto& place : kGitPlaceNames) {
      if (rules_.guards(place.guard)) judge_git_place(path, place.name, start);
    }
    if (rules_.guards(GitGuard::kPointers)) judge_commondir(path, start);
    if (!rules_.guards(GitGuard::kConfig)) return;
    for (const char* name : kGitConfigNames) judge_config(path, name, start);
    const std::string todo = executing_todo_lines(mount(), path);
    if (!todo.empty() && (start == nullptr || todo != start->todo)) {
      report_.lines.push_back("the run left a rebase in " + quoted(joined(state().path, path)) +
                              " that executes " + quoted(todo) +
                              ": look before git rebase --continue");
    }
  }

  void judge_git_place(const std::string& git_directory, const std::string& name,
                       const RepositoryAtStart* start) {
    const std::string path = joined(git_directory, name);
    if (start != nullptr) {
      const auto known = start->names.find(name);
      if (known != start->names.end()) {
        // A file or directory that was there was read-only.
        judge_known_name(path, known->second);
        return;
      }
    }
    if (name == "info/attributes") {
      const std::string info_path = joined(git_directory, "info");
      const auto info = stat_beneath(mount(), info_path);
      if (info && S_ISLNK(info->st_mode)) {
        undo(info_path, "it leads git to attributes elsewhere");
        return;
      }
    }
    const auto info = stat_beneath(mount(), path);
    if (!info || below_read_only(path)) return;
    if (!S_ISDIR(info->st_mode)) {
      undo(path, name == "hooks" ? "git would run what is in it" : "git would obey it");
      return;
    }
    if (name == "info/attributes") return;  // git does not read a directory
    judge_entries(path, name);
  }

  // Hooks, remotes: each entry by itself, so that git's own samples stay.
  void judge_entries(const std::string& directory, const std::string& what) {
    std::vector<std::string> names;
    {
      auto open = WritableDirectory::open(mount(), directory);
      auto listed = open ? open_beneath(open->fd(), ".", O_RDONLY | O_DIRECTORY)
                         : Result<UniqueFd>(open.error());
      if (!listed) {
        fail("cannot look into " + quoted(joined(state().path, directory)) + ": " +
             listed.error().what());
        return;
      }
      alignas(dirent64) char buffer[16 * 1024];
      for (ssize_t got = 0; (got = ::getdents64(listed->get(), buffer, sizeof buffer)) > 0;) {
        for (ssize_t at = 0; at < got;) {
          const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
          at += entry->d_reclen;
          std::string name = entry->d_name;
          if (name == "." || name == "..") continue;
          if (what == "hooks" && name.ends_with(".sample")) continue;
          names.push_back(std::move(name));
        }
      }
    }
    if (names.size() > kMaxHookNames) {
      undo(directory, "git would run what is in it");
      return;
    }
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      undo(joined(directory, name), what == "hooks" ? "git would run it" : "git would obey it");
    }
  }

  void judge_commondir(const std::string& git_directory, const RepositoryAtStart* start) {
    const std::string path = joined(git_directory, "commondir");
    const auto info = stat_beneath(mount(), path);
    const auto before = start == nullptr ? std::map<std::string, std::string>::const_iterator()
                                         : start->files.find("commondir");
    const bool was = start != nullptr && before != start->files.end();
    if (start != nullptr && start->names.contains("commondir")) {
      judge_known_name(path, start->names.at("commondir"));
      return;
    }
    if (!info) return;
    const auto content = content_beneath(mount(), path, kMaxPointerBytes);
    if (was && content == before->second) return;
    const auto line = content ? single_line(*content) : std::nullopt;
    const auto target =
        line ? normalised(joined(state().path, git_directory), *line) : std::nullopt;
    // Only a worktree's own directory has one, and it leads to the repository that it lies in.
    if (!was && target && name_of(parent_of(git_directory)) == "worktrees" &&
        *target == parent_of(parent_of(joined(state().path, git_directory))) &&
        is_judged_repository(*target)) {
      return;
    }
    if (!undo(path, "it leads git to another repository, " + quoted(line.value_or("")))) return;
    if (was) put_back(path, before->second, 0644);
  }

  void judge_config(const std::string& git_directory, const std::string& name,
                    const RepositoryAtStart* start) {
    const std::string path = joined(git_directory, name);
    if (start != nullptr && start->names.contains(name)) {
      judge_known_name(path, start->names.at(name));
      return;
    }
    std::string before;
    bool was = false;
    if (start != nullptr) {
      const auto known = start->files.find(name);
      was = known != start->files.end();
      if (was) before = known->second;
    }
    const auto info = stat_beneath(mount(), path);
    const auto tolerate = [&](const GitConfigEntry& entry) {
      return is_own_worktree(git_directory, entry);
    };
    if (!info) {
      // Only what it forbade or chose is missed; git makes the rest anew.
      if (was && !repair_git_config(before, "", tolerate).removed.empty()) {
        put_back(path, before, 0644);
        add(quoted(joined(state().path, path)) + " was removed during the run; put back");
      }
      return;
    }
    const auto after = S_ISREG(info->st_mode) && (info->st_mode & 0400) != 0
                           ? content_beneath(mount(), path, kMaxGitConfigBytes)
                           : std::nullopt;
    if (!after) {
      if (undo(path, "git would obey it, and it is no readable file of moderate size") && was) {
        put_back(path, before, 0644);
      }
      return;
    }
    if (was && *after == before) return;
    repair_config(path, before, *after, was, info->st_mode & 0777, tolerate);
  }

  void repair_config(const std::string& path, const std::string& before, const std::string& after,
                     bool was, mode_t mode,
                     const std::function<bool(const GitConfigEntry&)>& tolerate) {
    const GitConfigRepair repair = repair_git_config(before, after, tolerate);
    if (!repair.repaired) return;
    const std::string shown = quoted(joined(state().path, path));
    std::string what;
    if (repair.anomaly) {
      if (!was) {
        undo(path, "git would obey it, and it cannot be read for certain: " + *repair.anomaly);
        return;
      }
      what = "the run left " + shown + " in a state that cannot be read for certain (" +
             *repair.anomaly + "); the version from before the run is back";
    } else {
      std::string planted;
      for (const auto& entry : repair.planted) {
        if (!planted.empty()) planted += ", ";
        planted += quoted(entry.key) + " = " + quoted(entry.value.value_or("true")) + " (" +
                   std::string(why_executing(entry)) + ")";
      }
      std::string removed;
      for (const auto& entry : repair.removed) {
        if (!removed.empty()) removed += ", ";
        removed += quoted(entry.key);
      }
      if (!planted.empty()) what = "the run planted " + planted + " in " + shown + "; taken out";
      if (!removed.empty()) {
        what += what.empty() ? "the run removed " : "; it removed ";
        what +=
            removed + (what.starts_with("the run removed") ? " from " + shown : "") + "; put back";
      }
      if (what.empty()) what = "the run reordered what git obeys in " + shown + "; put back";
    }
    auto kept = undone_.keep(after, state().path, path, what);
    if (!kept) {
      fail(what + " could not be done: " + kept.error().what());
      return;
    }
    if (put_back(path, *repair.repaired, mode)) {
      add(what + " (as the run left it: " + quoted(*kept, 4096) + ")");
    }
  }

  // `git submodule update` writes core.worktree into .git/modules/x/config.
  bool is_own_worktree(const std::string& git_directory, const GitConfigEntry& entry) const {
    if (entry.key != "core.worktree" || !entry.value) return false;
    const std::string whole = joined(state().path, git_directory);
    if (whole.find("/modules/") == std::string::npos) return false;
    const auto target = normalised(whole, *entry.value);
    return target && *target != state().path && is_within(*target, state().path) &&
           !is_within(*target, parent_of(whole)) && !is_within(whole, *target);
  }

  bool put_back(const std::string& path, const std::string& bytes, mode_t mode) {
    auto parent = WritableDirectory::open(mount(), parent_of(path));
    if (!parent) {
      fail("cannot repair " + quoted(joined(state().path, path)) + ": " + parent.error().what());
      return false;
    }
    auto put = replace_file(parent->fd(), std::string(name_of(path)), bytes, mode);
    if (!put) {
      fail("cannot repair " + quoted(joined(state().path, path)) + ": " + put.error().what());
      return false;
    }
    return true;
  }

  bool undo(const std::string& path, std::string_view why) {
    auto moved = undone_.move(mount(), state().path, path, why);
    const std::string shown = quoted(joined(state().path, path));
    if (!moved) {
      fail("the run planted " + shown + " (" + std::string(why) +
           "), which could not be moved: " + moved.error().what());
      return false;
    }
    add("the run planted " + shown + " (" + std::string(why) + "); moved to " +
        quoted(*moved, 4096));
    return true;
  }

  void add(std::string line) {
    report_.lines.push_back(std::move(line));
    ++report_.undone;
  }

  void fail(std::string line) {
    report_.lines.push_back(std::move(line));
    ++report_.failed;
  }

  const GuardRules& rules_;
  const std::vector<MountState>& states_;
  UndonePlace& undone_;
  GuardReport& report_;
  std::vector<MountNow> now_;
  std::vector<WritableDirectory> still_open_;
  std::size_t number_ = 0;
};

}  // namespace

Result<GuardReport> GuardSnapshot::check_at_exit(const std::string& undone) {
  GuardReport report;
  UndonePlace place(undone);
  Result<void> judged = Judge(*state_->rules, state_->mounts, place, report).run();
  if (auto written = place.write_index(); !written) {
    report.lines.push_back("cannot write the list of what was undone: " + written.error().what());
    ++report.failed;
  }
  if (!judged) {
    report.lines.push_back(judged.error().what());
    ++report.failed;
  }
  return report;
}

}  // namespace redoubtful::cli
