#include "cli/guard_judge.hpp"

#include <unistd.h>

#include <algorithm>

#include "cli/beneath.hpp"
#include "cli/owned_path.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {

std::string GuardJudge::shown(const std::string& path) const {
  return quoted(joined(state().path, path), 4096);
}

bool GuardJudge::keep(std::string_view bytes, const std::string& path, std::string_view why,
                      std::string& where) {
  auto kept = undone_.keep(bytes, state().path, path, why);
  if (!kept) {
    fail("no copy of " + shown(path) + " could be kept: " + kept.error().what());
    return false;
  }
  where = std::move(*kept);
  return true;
}

void GuardJudge::note(std::string line) { report_.lines.push_back(std::move(line)); }

void GuardJudge::judge_known_name(const std::string& path, const NameAtStart& name) {
  if (name.type == EntryType::kSymlink) {
    if (link_target(mount(), path) == name.link) return;
    restore_link(path, name.link);
    return;
  }
  if (!name.content) return;
  const auto now = content_beneath(mount(), path, kMaxGitConfigBytes);
  if (now && *now != *name.content) {
    note(shown(path) +
         " changed during the run; it has several hard links, so look before you use it");
  }
}

void GuardJudge::restore_link(const std::string& path, const std::string& target) {
  if (stat_beneath(mount(), path) && !undo(path, "it replaced the symlink that was there")) return;
  auto parent = WritableDirectory::open(mount(), parent_of(path));
  const std::string name(name_of(path));
  if (!parent || ::symlinkat(target.c_str(), parent->fd(), name.c_str()) != 0) {
    fail("cannot make the symlink " + shown(path) + " to " + quoted(target) + " again");
  }
}

bool GuardJudge::below_read_only(const std::string& path) const {
  return std::any_of(state().targets.begin(), state().targets.end(), [&](const auto& target) {
    return target.kind == GuardTarget::Kind::kReadOnly && is_within(path, target.path);
  });
}

bool GuardJudge::is_judged_repository(const std::string& path) const {
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

bool GuardJudge::put_back(const std::string& path, const std::string& bytes, mode_t mode) {
  auto parent = WritableDirectory::open(mount(), parent_of(path));
  if (!parent) {
    fail("cannot repair " + shown(path) + ": " + parent.error().what());
    return false;
  }
  auto put = replace_file(parent->fd(), std::string(name_of(path)), bytes, mode);
  if (!put) {
    fail("cannot repair " + shown(path) + ": " + put.error().what());
    return false;
  }
  return true;
}

bool GuardJudge::undo(const std::string& path, std::string_view why) {
  auto moved = undone_.move(mount(), state().path, path, why);
  if (!moved) {
    fail("the run planted " + shown(path) + " (" + std::string(why) +
         "), which could not be moved: " + moved.error().what());
    return false;
  }
  add("the run planted " + shown(path) + " (" + std::string(why) + "); moved to " +
      quoted(*moved, 4096));
  return true;
}

void GuardJudge::add(std::string line) {
  report_.lines.push_back(std::move(line));
  ++report_.undone;
}

void GuardJudge::fail(std::string line) {
  report_.lines.push_back(std::move(line));
  ++report_.failed;
}

}  // namespace redoubtful::cli
