// Judging one git directory at exit.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "cli/beneath.hpp"
#include "cli/git_config.hpp"
#include "cli/git_executing_keys.hpp"
#include "cli/guard_judge.hpp"
#include "cli/owned_path.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxHookNames = 10'000;

class RepositoryJudge {
 public:
  explicit RepositoryJudge(GuardJudge& judge) : judge_(judge) {}

  void run(const std::string& path) {
    const auto known = judge_.state().repositories.find(path);
    const RepositoryAtStart* start =
        known == judge_.state().repositories.end() ? nullptr : &known->second;
    for (const auto& place : kGitPlaceNames) {
      if (judge_.rules().guards(place.guard)) judge_git_place(path, place.name, start);
    }
    if (judge_.rules().guards(GitGuard::kPointers)) judge_commondir(path, start);
    if (!judge_.rules().guards(GitGuard::kConfig)) return;
    for (const char* name : kGitConfigNames) judge_config(path, name, start);
    const std::string todo = executing_todo_lines(judge_.mount(), path);
    if (!todo.empty() && (start == nullptr || todo != start->todo)) {
      judge_.note("the run left a rebase in " + judge_.shown(path) + " that executes " +
                  quoted(todo) + ": look before git rebase --continue");
    }
  }

 private:
  void judge_git_place(const std::string& git_directory, const std::string& name,
                       const RepositoryAtStart* start) {
    const std::string path = joined(git_directory, name);
    if (start != nullptr) {
      const auto known = start->names.find(name);
      if (known != start->names.end()) {
        // A file or directory that was there was read-only.
        judge_.judge_known_name(path, known->second);
        return;
      }
    }
    if (name == "info/attributes") {
      const std::string info_path = joined(git_directory, "info");
      const auto info = stat_beneath(judge_.mount(), info_path);
      if (info && S_ISLNK(info->st_mode)) {
        judge_.undo(info_path, "it leads git to attributes elsewhere");
        return;
      }
    }
    const auto info = stat_beneath(judge_.mount(), path);
    if (!info || judge_.below_read_only(path)) return;
    if (!S_ISDIR(info->st_mode)) {
      judge_.undo(path, name == "hooks" ? "git would run what is in it" : "git would obey it");
      return;
    }
    if (name == "info/attributes") return;  // git does not read a directory
    judge_entries(path, name);
  }

  // Hooks, remotes: each entry by itself, so that git's own samples stay.
  void judge_entries(const std::string& directory, const std::string& what) {
    std::vector<std::string> names;
    {
      auto open = WritableDirectory::open(judge_.mount(), directory);
      auto listed = open ? open_beneath(open->fd(), ".", O_RDONLY | O_DIRECTORY)
                         : Result<UniqueFd>(open.error());
      if (!listed) {
        judge_.fail("cannot look into " + judge_.shown(directory) + ": " + listed.error().what());
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
      judge_.undo(directory, "git would run what is in it");
      return;
    }
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      judge_.undo(joined(directory, name),
                  what == "hooks" ? "git would run it" : "git would obey it");
    }
  }

  void judge_commondir(const std::string& git_directory, const RepositoryAtStart* start) {
    const std::string path = joined(git_directory, "commondir");
    const auto info = stat_beneath(judge_.mount(), path);
    const auto before = start == nullptr ? std::map<std::string, std::string>::const_iterator()
                                         : start->files.find("commondir");
    const bool was = start != nullptr && before != start->files.end();
    if (start != nullptr && start->names.contains("commondir")) {
      judge_.judge_known_name(path, start->names.at("commondir"));
      return;
    }
    if (!info) return;
    const auto content = content_beneath(judge_.mount(), path, kMaxPointerBytes);
    if (was && content == before->second) return;
    const auto line = content ? single_line(*content) : std::nullopt;
    const auto target =
        line ? normalised(joined(judge_.state().path, git_directory), *line) : std::nullopt;
    // Only a worktree's own directory has one, and it leads to the repository that it lies in.
    if (!was && target && name_of(parent_of(git_directory)) == "worktrees" &&
        *target == parent_of(parent_of(joined(judge_.state().path, git_directory))) &&
        judge_.is_judged_repository(*target)) {
      return;
    }
    if (!judge_.undo(path, "it leads git to another repository, " + quoted(line.value_or(""))))
      return;
    if (was) judge_.put_back(path, before->second, 0644);
  }

  void judge_config(const std::string& git_directory, const std::string& name,
                    const RepositoryAtStart* start) {
    const std::string path = joined(git_directory, name);
    if (start != nullptr && start->names.contains(name)) {
      judge_.judge_known_name(path, start->names.at(name));
      return;
    }
    std::string before;
    bool was = false;
    if (start != nullptr) {
      const auto known = start->files.find(name);
      was = known != start->files.end();
      if (was) before = known->second;
    }
    const auto info = stat_beneath(judge_.mount(), path);
    const auto tolerate = [&](const GitConfigEntry& entry) {
      return is_own_worktree(git_directory, entry);
    };
    if (!info) {
      // Only what it forbade or chose is missed; git makes the rest anew.
      if (was && !repair_git_config(before, "", tolerate).removed.empty()) {
        judge_.put_back(path, before, 0644);
        judge_.add(judge_.shown(path) + " was removed during the run; put back");
      }
      return;
    }
    const auto after = S_ISREG(info->st_mode) && (info->st_mode & 0400) != 0
                           ? content_beneath(judge_.mount(), path, kMaxGitConfigBytes)
                           : std::nullopt;
    if (!after) {
      if (judge_.undo(path, "git would obey it, and it is no readable file of moderate size") &&
          was) {
        judge_.put_back(path, before, 0644);
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
    const std::string shown = judge_.shown(path);
    std::string what;
    if (repair.anomaly) {
      if (!was) {
        judge_.undo(path,
                    "git would obey it, and it cannot be read for certain: " + *repair.anomaly);
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
    // Repaired even where no copy could be kept: the line says what it was.
    std::string where;
    const bool kept = judge_.keep(after, path, what, where);
    if (judge_.put_back(path, *repair.repaired, mode)) {
      judge_.add(what + (kept ? " (as the run left it: " + quoted(where, 4096) + ")" : ""));
    }
  }

  // `git submodule update` writes core.worktree into .git/modules/x/config.
  bool is_own_worktree(const std::string& git_directory, const GitConfigEntry& entry) const {
    if (entry.key != "core.worktree" || !entry.value) return false;
    const std::string whole = joined(judge_.state().path, git_directory);
    if (whole.find("/modules/") == std::string::npos) return false;
    const auto target = normalised(whole, *entry.value);
    return target && *target != judge_.state().path && is_within(*target, judge_.state().path) &&
           !is_within(*target, parent_of(whole)) && !is_within(whole, *target);
  }

  GuardJudge& judge_;
};

}  // namespace

void judge_repository(GuardJudge& judge, const std::string& path) {
  RepositoryJudge(judge).run(path);
}

}  // namespace redoubtful::cli
