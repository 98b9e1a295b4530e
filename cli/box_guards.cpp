#include "cli/box_guards.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <set>

#include "cli/guard_watch.hpp"
#include "common/child_process.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// A tree the user brought, opened once; the descriptor is the host's view of it.
struct Tree {
  const MountStep* step;
  UniqueFd directory;
  TreeScan scan;
  std::vector<HiddenPath> hidden;
};

// The step in which a path of the box really lies: a mount inside a mount has its own scan.
const MountStep* innermost(const MountPlan& plan, const std::string& path) {
  const MountStep* found = nullptr;
  for (const auto& step : plan.steps) {
    const bool mounted = step.kind == StepKind::kBind || step.kind == StepKind::kTmpfs;
    if (mounted && is_within(path, step.target)) found = &step;  // parents come first
  }
  return found;
}

bool stat_is_directory(const std::string& path) {
  const Lookup found = machine_files().look(path);
  return found.found() && found.facts.type == FileType::kDirectory;
}

// Each of `paths` that exists, with all above it.
std::vector<FileIdentity> identities(const std::vector<std::string>& paths) {
  std::vector<FileIdentity> out;
  for (const auto& path : paths) {
    for (std::string above = path; above.size() > 1; above = parent_of(above)) {
      const Lookup found = machine_files().look(above);
      if (found.found()) out.push_back({found.facts.device, found.facts.inode});
    }
  }
  const Lookup root = machine_files().look("/");
  out.push_back({root.facts.device, root.facts.inode});
  return out;
}

// Another box may be renaming what lies above: what is looked through must be what is mounted.
Result<void> check_same(int directory, const MountStep& step) {
  struct stat info {};
  if (::fstat(directory, &info) != 0) return Error::system_call("cannot stat", errno);
  if (info.st_dev == step.facts.device && info.st_ino == step.facts.inode) return {};
  return Error(Errc::kInvalidMount, quoted(step.source) + " was replaced while the box was planned")
      .hint("somebody is changing it right now; try again");
}

OverlayKind overlay_kind(GuardTarget::Kind kind) {
  return kind == GuardTarget::Kind::kReadOnly ? OverlayKind::kReadOnly : OverlayKind::kPin;
}

// In a process of its own: enters the box and lays the overlays. Exits with 0 or an errno.
int lay_in_box(pid_t outer, pid_t first, const std::vector<Overlay>& overlays) {
  // The user namespace first: its capabilities open the rest, /proc files of the box included.
  for (const auto& [pid, name, type] :
       {std::tuple{outer, "user", CLONE_NEWUSER}, std::tuple{first, "mnt", CLONE_NEWNS}}) {
    const UniqueFd space(
        ::open(("/proc/" + std::to_string(pid) + "/ns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!space || ::setns(space.get(), type) != 0) return errno;
  }
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return errno;
  for (const auto& overlay : overlays) {
    if (auto laid = attach_overlay_again(root.get(), overlay); !laid) {
      return laid.error().system_errno() != 0 ? laid.error().system_errno() : EINVAL;
    }
  }
  return 0;
}

}  // namespace

struct BoxGuards::State {
  std::deque<Tree> trees;  // addresses stay: snapshots borrow the scans
  std::optional<GuardRules> rules;
  std::optional<GuardSnapshot> snapshot;
  std::optional<GuardWatch> watch;
  std::vector<Overlay> overlays;
  std::vector<std::string> warnings;
};

BoxGuards::BoxGuards(std::unique_ptr<State> state) : state_(std::move(state)) {}
BoxGuards::BoxGuards(BoxGuards&&) noexcept = default;
BoxGuards& BoxGuards::operator=(BoxGuards&&) noexcept = default;
BoxGuards::~BoxGuards() = default;

Result<BoxGuards> BoxGuards::prepare(const MountPlan& plan, const FilesystemProfile& profile) {
  auto state = std::make_unique<State>();
  auto hide = compile_hide(profile.hide);
  if (!hide) return std::move(hide).error();
  auto rules = GuardRules::build(profile.protect);
  if (!rules) return std::move(rules).error();
  state->rules = std::move(*rules);

  const auto never_shown = identities(plan.never_shown);
  for (const auto& step : plan.steps) {
    if (step.kind != StepKind::kBind || step.part != StepPart::kUser ||
        step.facts.type != FileType::kDirectory) {
      continue;
    }
    auto directory = open_resolved(AT_FDCWD, step.source, O_PATH | O_DIRECTORY,
                                   RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (!directory) return std::move(directory).error();
    if (auto same = check_same(directory->get(), step); !same) return std::move(same).error();
    const bool writable = step.mode == MountMode::kReadWrite;
    ScanRequest request;
    request.never_shown = &never_shown;
    if (!hide->empty()) request.hide = &*hide;
    if (writable) {
      request.guard = &state->rules->globs();
      request.dependency_directories = &GuardRules::dependency_directories();
    }
    auto scan = scan_tree(directory->get(), request);
    if (!scan) return std::move(scan).error().during("looking through " + quoted(step.source));
    auto hidden = hidden_paths(directory->get(), step.source, *scan, profile.hide);
    if (!hidden) return std::move(hidden).error();
    state->trees.push_back({.step = &step,
                            .directory = std::move(*directory),
                            .scan = std::move(*scan),
                            .hidden = std::move(*hidden)});
  }

  std::vector<GuardedMount> guarded;
  std::vector<const Tree*> guarded_trees;
  std::set<std::string> pinned;
  const auto lay = [&](const Tree& tree, const std::string& path, OverlayKind kind) {
    const std::string inside = tree.step->target + "/" + path;
    if (innermost(plan, inside) != tree.step) return;
    if (kind == OverlayKind::kPin && !pinned.insert(inside).second) return;
    state->overlays.push_back({.mount = tree.step->target, .path = path, .kind = kind});
  };
  for (const Tree& tree : state->trees) {
    for (const auto& mount : tree.scan.masked_mounts) {
      lay(tree, mount, OverlayKind::kMask);
      state->warnings.push_back("what is mounted at " + quoted(tree.step->source + "/" + mount) +
                                " is not shown: it is the kernel's, the home directory or "
                                "redoubtful's own");
    }
    // Were a directory above a hidden file renamed, a file that the host puts there later would be
    // looked for in the old place.
    std::vector<std::string> parents;
    for (const auto& hidden : tree.hidden) {
      if (const std::string parent = parent_of(hidden.path); !parent.empty()) {
        parents.push_back(parent);
      }
    }
    if (tree.step->mode == MountMode::kReadWrite) {
      for (const auto& pin : guard_targets({}, parents, {})) lay(tree, pin.path, OverlayKind::kPin);
    }
    for (const auto& socket : tree.scan.sockets) lay(tree, socket, OverlayKind::kMask);
    for (const auto& hidden : tree.hidden) lay(tree, hidden.path, OverlayKind::kMask);
    if (tree.step->mode != MountMode::kReadWrite) continue;
    guarded.push_back({.path = tree.step->source,
                       .directory = tree.directory.get(),
                       .scan = &tree.scan,
                       .hidden = tree.hidden});
    guarded_trees.push_back(&tree);
  }
  auto snapshot = GuardSnapshot::take(guarded, *state->rules);
  if (!snapshot) return std::move(snapshot).error();
  state->snapshot = std::move(*snapshot);
  for (std::size_t number = 0; number < guarded_trees.size(); ++number) {
    for (const auto& target : state->snapshot->targets(number)) {
      lay(*guarded_trees[number], target.path, overlay_kind(target.kind));
    }
  }
  for (const auto& warning : state->snapshot->warnings()) state->warnings.push_back(warning);
  for (const Tree* tree : guarded_trees) {
    std::vector<GuardedName> own;
    for (const auto& program : plan.own_programs) {
      if (!is_within(program, tree->step->source) || program == tree->step->source) continue;
      const std::string path = program.substr(tree->step->source.size() + 1);
      own.push_back({path, stat_is_directory(program) ? EntryType::kDirectory : EntryType::kFile});
      state->warnings.push_back("redoubtful itself lies in a directory that the agent may write: " +
                                quoted(program) + " is read-only inside");
    }
    for (const auto& target : guard_targets(own, {}, {})) {
      lay(*tree, target.path, overlay_kind(target.kind));
    }
  }
  return BoxGuards(std::move(state));
}

const std::vector<Overlay>& BoxGuards::overlays() const { return state_->overlays; }
const std::vector<std::string>& BoxGuards::warnings() const { return state_->warnings; }

Result<void> BoxGuards::watch() {
  auto watch = GuardWatch::create();
  if (!watch) return std::move(watch).error();
  state_->watch = std::move(*watch);
  for (std::size_t number = 0; number < state_->overlays.size(); ++number) {
    const Overlay& overlay = state_->overlays[number];
    const auto tree =
        std::find_if(state_->trees.begin(), state_->trees.end(),
                     [&](const Tree& one) { return one.step->target == overlay.mount; });
    if (auto added =
            state_->watch->add(tree->directory.get(), {.mount = number, .path = overlay.path});
        !added) {
      return std::move(added).error().during("watching " + quoted(overlay.path));
    }
  }
  return {};
}

int BoxGuards::watch_fd() const { return state_->watch ? state_->watch->fd() : -1; }

Result<void> BoxGuards::lay_again(pid_t outer, pid_t first) {
  std::vector<Overlay> again;
  // Whatever lay below a replaced directory went with it.
  std::set<std::size_t> numbers;
  for (const auto& place : state_->watch->replaced()) {
    const Overlay& changed = state_->overlays[place.mount];
    for (std::size_t number = 0; number < state_->overlays.size(); ++number) {
      const Overlay& overlay = state_->overlays[number];
      if (overlay.mount == changed.mount && is_within(overlay.path, changed.path)) {
        numbers.insert(number);
      }
    }
  }
  if (numbers.empty()) return {};
  again.reserve(numbers.size());
  for (const std::size_t number : numbers) again.push_back(state_->overlays[number]);
  auto helper = ChildProcess::fork([&] { return lay_in_box(outer, first, again); });
  if (!helper) return std::move(helper).error();
  const int status = shell_status(helper->wait());
  if (status == 0) return {};
  return Error::system_call(
             "cannot guard " + quoted(again.front().path) + " again, which was replaced outside",
             status)
      .hint("nothing was lost; start the run again");
}

Result<GuardReport> BoxGuards::check_at_exit(const std::string& undone) {
  return state_->snapshot->check_at_exit(undone);
}

}  // namespace redoubtful::cli
