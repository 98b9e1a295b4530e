#pragma once

// What the parts of the check at exit share: one mount, looked at again, and the means to undo.
// Internal to guard_exit.cpp and guard_repository.cpp.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/guard_state.hpp"
#include "cli/undone.hpp"

namespace redoubtful::cli {

// One mount as it is now.
struct MountNow {
  TreeScan scan;
  std::set<std::string> git_directories;
};

// Everything here works on mount `number`; paths are relative to it.
class GuardJudge {
 public:
  GuardJudge(const GuardRules& rules, const std::vector<MountState>& states,
             const std::vector<MountNow>& now, UndonePlace& undone, GuardReport& report)
      : rules_(rules), states_(states), now_(now), undone_(undone), report_(report) {}

  void select(std::size_t number) { number_ = number; }
  const GuardRules& rules() const { return rules_; }
  const MountState& state() const { return states_[number_]; }
  const MountNow& now() const { return now_[number_]; }
  int mount() const { return state().directory.get(); }
  // The path as it is shown.
  std::string shown(const std::string& path) const;

  // A guarded name that was there at start.
  void judge_known_name(const std::string& path, const NameAtStart& name);

  bool below_read_only(const std::string& path) const;
  // Whether an absolute path is a git directory in one of the mounts, which is judged itself.
  bool is_judged_repository(const std::string& path) const;

  // Each reports what it did or could not do; false for the latter.
  bool undo(const std::string& path, std::string_view why);
  bool put_back(const std::string& path, const std::string& bytes, mode_t mode);
  bool keep(std::string_view bytes, const std::string& path, std::string_view why,
            std::string& where);

  void note(std::string line);  // neither undone nor failed
  void add(std::string line);   // undone
  void fail(std::string line);

 private:
  void restore_link(const std::string& path, const std::string& target);

  const GuardRules& rules_;
  const std::vector<MountState>& states_;
  const std::vector<MountNow>& now_;
  UndonePlace& undone_;
  GuardReport& report_;
  std::size_t number_ = 0;
};

// Judges one git directory, known at start or not: its hooks, attributes, remotes, commondir,
// configs.
void judge_repository(GuardJudge& judge, const std::string& path);

}  // namespace redoubtful::cli
