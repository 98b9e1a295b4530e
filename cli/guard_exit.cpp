// GuardSnapshot::check_at_exit(): what has appeared or changed in the guarded places, undone.

#include <sys/stat.h>

#include "cli/beneath.hpp"
#include "cli/guard_judge.hpp"
#include "cli/owned_path.hpp"
#include "cli/worktree.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// What a person reads; all of it is in index.json.
constexpr std::size_t kMaxLines = 50;
// Rounds of giving read permission back; each costs a walk.
constexpr int kMaxRounds = 64;
// Directories whose mode is restored afterwards; each keeps a descriptor until then.
constexpr std::size_t kMaxRestored = 128;

class ExitCheck {
 public:
  ExitCheck(const GuardRules& rules, const std::vector<MountState>& states, UndonePlace& undone,
            GuardReport& report)
      : states_(states), now_(states.size()), judge_(rules, states, now_, undone, report) {}

  // What can be judged is judged, whatever else fails.
  void run() {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      judge_.select(i);
      if (auto looked = look(states_[i], now_[i]); !looked) {
        judge_.fail("cannot look for what the run left in " + quoted(states_[i].path, 4096) + ": " +
                    looked.error().what());
      }
    }
    for (std::size_t i = 0; i < states_.size(); ++i) {
      judge_.select(i);
      judge_mount();
    }
  }

 private:
  // The agent may have taken the read permission from a directory in which git still finds its way.
  // It is given back for the walk; directories below come to light only then, hence the rounds.
  Result<void> look(const MountState& state, MountNow& now) {
    const int directory = state.directory.get();
    ScanRequest request;
    request.guard = &judge_.rules().globs();
    request.dependency_directories = &GuardRules::dependency_directories();
    request.mounts = &state.mounts;
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
        if (!open) {
          judge_.fail("cannot look into " + judge_.shown(path) + ": " + open.error().what());
          continue;
        }
        again = true;
        if (restored_later_.size() < kMaxRestored) {
          restored_later_.push_back(std::move(*open));
        } else {
          open->keep_open();
        }
      }
      if (!again) break;
      if (round == kMaxRounds) {
        judge_.fail("directories without read permission are nested too deeply in " +
                    quoted(state.path, 4096) + " to look into all of them");
        break;
      }
    }
    now.git_directories = git_directories(directory, now.scan, state.hidden);
    return {};
  }

  void judge_mount() {
    const MountState& state = judge_.state();
    const MountNow& now = judge_.now();
    for (const auto& match : now.scan.guarded) {
      if (judge_.rules().only_as_link(match.glob) && match.type != EntryType::kSymlink) continue;
      judge_new_name(match.path, "the host would obey it");
    }
    for (const auto& path : state.absent) {
      judge_new_name(path, "git's configuration leads there");
    }
    for (const auto& [path, name] : state.names) judge_.judge_known_name(path, name);
    using Kind = FoundRepository::Kind;
    for (const auto& repository : now.scan.repositories) {
      if (is_hidden(repository.path, state.hidden) || state.names.contains(repository.path) ||
          !judge_.rules().guards(GitGuard::kPointers)) {
        continue;
      }
      if (repository.kind == Kind::kGitFile) judge_git_file(repository.path);
      if (repository.kind == Kind::kGitSymlink) judge_git_link(repository.path);
    }
    for (const auto& path : now.git_directories) judge_repository(judge_, path);
  }

  void judge_new_name(const std::string& path, std::string_view why) {
    const MountState& state = judge_.state();
    if (is_hidden(path, state.hidden) || state.names.contains(path)) return;
    if (judge_.below_read_only(path)) return;
    if (!stat_beneath(judge_.mount(), path)) return;  // absent, or moved with a directory above
    judge_.undo(path, why);
  }

  void judge_git_file(const std::string& path) {
    const auto content = content_beneath(judge_.mount(), path, kMaxPointerBytes);
    if (!content && !stat_beneath(judge_.mount(), path)) return;
    const auto before = judge_.state().pointers.find(path);
    if (content && before != judge_.state().pointers.end() && before->second == *content) return;
    auto named = parse_git_file(content.value_or(""));
    const std::string top = parent_of(joined(judge_.state().path, path));
    const auto target = named ? normalised(top, *named) : std::nullopt;
    if (target && judge_.is_judged_repository(*target)) return;
    judge_.undo(path, "it leads git to " + quoted(named ? *named : content.value_or("")) +
                          ", no repository of this project");
  }

  void judge_git_link(const std::string& path) {
    const auto target = resolve_beneath(judge_.mount(), path);
    if (target && judge_.now().git_directories.contains(target->path)) return;
    const auto text = link_target(judge_.mount(), path);
    if (!text) return;
    judge_.undo(path, "it leads git to " + quoted(*text) + ", no repository of this project");
  }

  const std::vector<MountState>& states_;
  std::vector<MountNow> now_;
  GuardJudge judge_;
  std::vector<WritableDirectory> restored_later_;
};

}  // namespace

GuardReport GuardSnapshot::check_at_exit(const std::string& undone) {
  GuardReport report;
  UndonePlace place(undone);
  ExitCheck(*state_->rules, state_->mounts, place, report).run();
  if (auto written = place.write_index(); !written) {
    report.lines.push_back("cannot write the list of what was undone: " + written.error().what());
    ++report.failed;
  }
  if (report.lines.size() > kMaxLines) {
    const std::size_t more = report.lines.size() - kMaxLines;
    report.lines.resize(kMaxLines);
    report.lines.push_back("… and " + std::to_string(more) + " more: see " +
                           quoted(undone + "/index.json", 4096));
  }
  return report;
}

}  // namespace redoubtful::cli
