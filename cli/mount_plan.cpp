#include "cli/mount_plan.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "cli/browsers.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// Places inside that belong to the box itself.
constexpr std::array kReserved = {"/proc", "/dev", "/sys", "/run/redoubtful", "/etc/redoubtful"};

// Host directories that no box may write, though an ancestor rule does not name them.
constexpr std::array kSystemRoots = {"/usr",  "/etc",  "/bin", "/sbin", "/lib",  "/lib64",
                                     "/boot", "/root", "/var", "/home", "/opt",  "/run",
                                     "/srv",  "/tmp",  "/nix", "/mnt",  "/media"};

// What a login or a desktop executes: writable only with a word of warning.
constexpr std::array kStartup = {".bashrc",
                                 ".bash_profile",
                                 ".profile",
                                 ".zshrc",
                                 ".zshenv",
                                 ".zprofile",
                                 ".config/autostart",
                                 ".config/fish",
                                 ".config/systemd",
                                 ".local/bin",
                                 ".ssh",
                                 ".gnupg",
                                 ".gitconfig",
                                 ".config/git",
                                 ".vimrc",
                                 ".config/nvim",
                                 ".config/environment.d"};

class Planner {
 public:
  Planner(const Profile& profile, const HostFacts& facts) : profile_(profile), facts_(facts) {}

  Result<MountPlan> plan() {
    if (auto home = find_home(); !home) return std::move(home).error();
    for (auto& step : system_steps(facts_, home_)) put(std::move(step));
    put_home();
    for (const auto& request : profile_.filesystem.mounts) {
      if (auto done = mount(request); !done) return std::move(done).error();
    }
    if (auto done = project(); !done) return std::move(done).error();
    if (auto done = programs(); !done) return std::move(done).error();
    // A parent's path is a prefix of its child's, so the map's order is a mounting order.
    for (auto& [target, step] : steps_) plan_.steps.push_back(std::move(step));
    return std::move(plan_);
  }

 private:
  const HostFiles& files() const { return *facts_.files; }

  void put(MountStep step) { steps_[step.target] = std::move(step); }

  void put_bind(StepPart part, const std::string& source, const std::string& target, MountMode mode,
                const FileFacts& facts, std::string why) {
    put({.kind = StepKind::kBind,
         .part = part,
         .target = target,
         .source = source,
         .text = {},
         .mode = mode,
         .facts = facts,
         .why = std::move(why)});
  }

  // Puts the links that a path goes through outside the home into the box, so that it can be
  // spelled as on the host.
  void put_links(const ResolvedPath& path) {
    for (const auto& link : path.links) {
      if (is_within(link.at, home_) || steps_.contains(link.at)) continue;
      if (covered_by_system(link.at)) continue;
      put({.kind = StepKind::kSymlink,
           .part = StepPart::kUser,
           .target = link.at,
           .source = {},
           .text = link.to,
           .mode = MountMode::kReadOnly,
           .facts = {},
           .why = "as on the host"});
    }
  }

  bool covered_by_system(const std::string& path) const {
    return std::any_of(steps_.begin(), steps_.end(), [&](const auto& entry) {
      return entry.second.kind == StepKind::kBind && entry.second.part == StepPart::kSystem &&
             is_within(path, entry.first);
    });
  }

  Result<void> find_home() {
    const ResolvedPath home = resolve(files(), facts_.home);
    if (home.error != 0 || home.facts.type != FileType::kDirectory) {
      return Error(Errc::kInvalidMount,
                   "$HOME is " + quoted(facts_.home) + ", which is no directory")
          .hint("set HOME to your home directory");
    }
    for (const char* place : {"/bin", "/sbin", "/lib", "/lib64", "/usr", "/etc", "/dev", "/proc",
                              "/sys", "/run", "/"}) {
      if (home.real != place) continue;
      return Error(Errc::kInvalidMount,
                   "$HOME is " + quoted(facts_.home) + ", which the box needs for itself")
          .hint("set HOME to a directory of your own");
    }
    home_ = home.real;
    plan_.home = home_;
    plan_.never_shown = facts_.own_places;
    plan_.never_shown.push_back(home_);
    plan_.own_programs = facts_.own_programs;
    home_path_ = home;
    return {};
  }

  void put_home() {
    put_links(home_path_);
    if (facts_.private_home.empty()) {
      MountStep step;
      step.kind = StepKind::kTmpfs;
      step.part = StepPart::kHome;
      step.target = home_;
      step.mode = MountMode::kReadWrite;
      step.why = profile_.filesystem.home.origin.text();
      put(std::move(step));
    } else {
      put_bind(StepPart::kHome, facts_.private_home, home_, MountMode::kReadWrite,
               files().look(facts_.private_home).facts, profile_.filesystem.home.origin.text());
    }
  }

  // `path` or what is above it, where that is the directory with `facts`; else "".
  std::string is_or_is_above(const FileFacts& facts, const std::string& path) const {
    for (std::string above = path; above != "/"; above = parent_of(above)) {
      const Lookup look = files().look(above);
      if (look.found() && same_file(look.facts, facts)) return above;
    }
    return {};
  }

  // Why `source` may not be shown, or nothing.
  std::string refusal(const ResolvedPath& source, MountMode mode) const {
    const std::string& real = source.real;
    if (real == "/") return "is the root directory";
    if (real == home_) return "is the home directory itself; name what the agent needs below it";
    if (is_within(home_, real)) return "contains the home directory";
    // The same directory may be reached by a path of another spelling: a bind mount, a subvolume.
    if (const std::string above = is_or_is_above(source.facts, home_); !above.empty()) {
      return "is the directory " + quoted(above) + " under another name";
    }
    for (const auto& place : facts_.own_places) {
      if (is_within(real, place)) return "lies in redoubtful's own directory " + quoted(place);
      const Lookup own = files().look(place);
      if (is_within(place, real) || !is_or_is_above(source.facts, place).empty() ||
          (own.found() && !is_or_is_above(own.facts, real).empty())) {
        return "contains redoubtful's own directory " + quoted(place) + " or lies in it";
      }
    }
    for (const auto& program : facts_.own_programs) {
      if (mode == MountMode::kReadWrite && is_within(real, program)) {
        return "is part of redoubtful itself, which no box may write";
      }
    }
    for (const char* reserved : {"/proc", "/sys", "/dev"}) {
      if (is_within(real, reserved)) return "is part of the kernel's own file systems";
    }
    if (mode == MountMode::kReadWrite &&
        std::find(kSystemRoots.begin(), kSystemRoots.end(), real) != kSystemRoots.end()) {
      return "is a directory of the system, which no box may write";
    }
    return {};
  }

  // A link that some box could have written must not choose what is shown.
  const FollowedLink* planted_link(const ResolvedPath& path) const {
    return link_below(path, facts_.written_roots);
  }

  static Error mount_error(const Origin& origin, const std::string& path, const std::string& what) {
    return Error(Errc::kInvalidMount, origin.text() + ": mount " + quoted(path) + " " + what);
  }

  Result<ResolvedPath> checked_source(const Origin& origin, const std::string& written,
                                      const std::string& path, MountMode mode) const {
    ResolvedPath source = resolve(files(), path);
    if (source.error != 0) {
      return mount_error(origin, written,
                         std::string("cannot be used: ") + strerrordesc_np(source.error))
          .hint(source.error == ELOOP
                    ? "the links there lead in a circle at " + quoted(source.real)
                    : "create it, or mark the mount `optional: true`; it stops at " +
                          quoted(source.real));
    }
    if (source.facts.type != FileType::kDirectory && source.facts.type != FileType::kRegular) {
      return mount_error(origin, written, "is neither a directory nor a regular file")
          .hint("sockets, pipes and devices of the host are never shown inside");
    }
    if (const FollowedLink* link = planted_link(source)) {
      return mount_error(origin, written,
                         "goes through the link " + quoted(link->at) +
                             ", which a box could have written in an earlier run")
          .hint("if it is yours, name where it leads: " + quoted(source.real));
    }
    if (const std::string reason = refusal(source, mode); !reason.empty()) {
      return mount_error(origin, written, reason)
          .hint(
              "nothing the agent can reach there would be safe; mount a directory below it "
              "instead");
    }
    if (!files().readable(source.real, source.facts.type)) {
      return mount_error(origin, written, "cannot be read by you")
          .hint("check its owner and mode: ls -ld " + shown(source.real));
    }
    return source;
  }

  // Where a source appears when the user names no other place.
  std::string default_target(const std::string& path, const ResolvedPath& source) const {
    const std::string home = normalized(facts_.home);
    std::string lexical = normalized(path);
    if (is_within(lexical, home_)) return lexical;
    if (is_within(lexical, home)) return home_ + lexical.substr(home.size());
    return source.real;
  }

  Result<void> check_target(const Origin& origin, const std::string& written,
                            const std::string& target) const {
    std::string problem;
    if (target == "/") problem = "would replace the root directory";
    if (is_within(home_, target)) problem = "would hide the home directory";
    for (const char* reserved : kReserved) {
      if (is_within(target, reserved) || is_within(reserved, target)) {
        problem = std::string("would cover ") + reserved + ", which belongs to the box";
      }
    }
    if (target == "/tmp" || target == "/usr" || target == "/etc") problem = "would cover " + target;
    if (problem.empty()) return {};
    return mount_error(origin, written, problem + " (at " + quoted(target) + ")")
        .hint("choose another place with -m PATH:TO");
  }

  Result<void> mount(const MountRequest& request) {
    const std::string path = normalized(expand_home(request.path, facts_.home));
    const ResolvedPath found = resolve(files(), path);
    if (request.optional && (found.error == ENOENT || found.error == ENOTDIR)) return {};
    if (request.create && found.error == ENOENT && planted_link(found) == nullptr) {
      // A run has made it by now; --dry-run makes nothing.
      plan_.notes.push_back("mount " + quoted(request.path) + " would be created, then mounted");
      return {};
    }
    auto source = checked_source(request.origin, request.path, path, request.mode);
    if (!source) return std::move(source).error();
    const std::string target =
        request.to.empty()
            ? default_target(path, *source)
            : default_target(normalized(expand_home(request.to, facts_.home)),
                             {.error = 0,
                              .real = normalized(expand_home(request.to, facts_.home)),
                              .facts = {},
                              .links = {}});
    if (auto fine = check_target(request.origin, request.path, target); !fine) {
      return std::move(fine).error();
    }
    if (request.to.empty() && !is_within(target, home_)) put_links(*source);
    if (request.mode == MountMode::kReadWrite) warn_about(*source, request);
    put_bind(StepPart::kUser, source->real, target, request.mode, source->facts,
             request.origin.text());
    return {};
  }

  void warn_about(const ResolvedPath& source, const MountRequest& request) {
    if (source.facts.type == FileType::kRegular) {
      plan_.notes.push_back("mount " + quoted(request.path) +
                            " is a single writable file: programs that save by renaming will fail; "
                            "mount its directory instead");
    }
    for (const char* name : kStartup) {
      const std::string startup = home_ + "/" + name;
      if (is_within(source.real, startup) || is_within(startup, source.real)) {
        plan_.notes.push_back("mount " + quoted(request.path) + " lets the agent write " +
                              quoted(std::string("~/") + name) +
                              ", which runs or is trusted outside the box");
      }
    }
  }

  Result<void> project() {
    const Origin& origin = profile_.filesystem.cwd.origin;
    const MountMode mode = profile_.filesystem.cwd.value;
    const std::string& directory = facts_.working_directory;
    auto source = checked_source(origin, directory, directory, mode);
    if (!source) {
      return std::move(source)
          .error()
          .during("the working directory")
          .hint("go into a project below it, or use -C DIR");
    }
    if (auto fine = check_target(origin, directory, directory); !fine) return fine;
    plan_.directory = directory;
    const std::string& top = facts_.project_top;
    if (!top.empty() && top != directory && is_within(directory, top)) {
      const ResolvedPath above = resolve(files(), top);
      if (above.error == 0 && refusal(above, MountMode::kReadOnly).empty()) {
        put_bind(StepPart::kUser, above.real, above.real, MountMode::kReadOnly, above.facts,
                 "the worktree around the working directory");
      }
    }
    for (const auto& extra : facts_.project_extra) {
      const ResolvedPath found = resolve(files(), extra);
      if (found.error != 0 || !found.links.empty()) continue;  // it was real a moment ago
      if (!refusal(found, MountMode::kReadWrite).empty()) continue;
      put_bind(StepPart::kUser, found.real, found.real, mode, found.facts,
               "the repository of the working directory");
    }
    put_bind(StepPart::kUser, source->real, directory, mode, source->facts, "working directory");
    return {};
  }

  Result<void> programs() {
    std::vector<std::string> visible;
    for (const auto& [target, step] : steps_) {
      if (step.kind == StepKind::kBind && step.part == StepPart::kUser) {
        visible.push_back(step.source);
      }
    }
    auto programs = plan_program_path(profile_, facts_, home_, visible);
    if (!programs) return std::move(programs).error();
    for (auto& step : programs->steps) {
      if (!steps_.contains(step.target)) put(std::move(step));
    }
    plan_.path = std::move(programs->path);
    plan_.path.insert(plan_.path.begin(), kOpenerDirectory);
    for (auto& note : programs->notes) plan_.notes.push_back(std::move(note));
    return {};
  }

  const Profile& profile_;
  const HostFacts& facts_;
  std::string home_;
  ResolvedPath home_path_;
  std::map<std::string, MountStep> steps_;
  MountPlan plan_;
};

}  // namespace

MountStep own_step(StepKind kind, std::string target) {
  MountStep step;
  step.kind = kind;
  step.target = std::move(target);
  step.why = "built in";
  return step;
}

std::string expand_home(const std::string& path, const std::string& home) {
  if (path == "~") return home;
  if (path.starts_with("~/")) return home + path.substr(1);
  return path;
}

Result<MountPlan> plan_mounts(const Profile& profile, const HostFacts& facts) {
  return Planner(profile, facts).plan();
}

}  // namespace redoubtful::cli
