// Which directories of PATH exist inside, and what their programs need beside them.

#include <algorithm>
#include <array>
#include <set>

#include "cli/mount_plan.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

bool within_any(std::string_view path, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [&](const std::string& directory) { return is_within(path, directory); });
}

// Directories below the home that are shared by many programs: never mounted whole for one of them.
constexpr std::array kShared = {".local",  ".local/share", ".local/lib", ".local/state",
                                ".config", ".cache",       ".var",       "bin"};

// Never shown for the sake of a program, whatever a link says.
constexpr std::array kPrivate = {".ssh",     ".gnupg",       ".aws",
                                 ".kube",    ".docker",      ".password-store",
                                 ".mozilla", ".thunderbird", ".config"};

class Planner {
 public:
  Planner(const HostFacts& facts, std::string home, const std::vector<std::string>& visible)
      : facts_(facts), home_(std::move(home)), visible_(visible) {}

  // One entry of PATH. `asked`: the person named it, so it must work.
  Result<void> entry(const std::string& path, const Origin* asked) {
    const auto fail = [&](const std::string& what) -> Result<void> {
      if (asked == nullptr) return {};
      return Error(Errc::kInvalidMount, asked->text() + ": PATH entry " + quoted(path) + " " + what)
          .hint("name a directory that exists and that no box can write");
    };
    if (!path.starts_with('/')) return fail("is not absolute");
    const ResolvedPath end = resolve(*facts_.files, path);
    if (end.error != 0) return fail("does not exist");
    if (end.facts.type != FileType::kDirectory) return fail("is not a directory");
    const std::string target = target_of(path, end);
    if (std::find(out_.path.begin(), out_.path.end(), target) != out_.path.end()) return {};
    if (visible_inside(end.real)) {
      out_.path.push_back(target);
      return {};
    }
    if (asked == nullptr && !is_within(end.real, home_)) return {};  // not part of the view
    if (is_within(home_, end.real)) return fail("is the home directory or contains it");
    if (written(end) || within_any(end.real, facts_.own_places)) {
      if (asked == nullptr) {
        out_.notes.push_back("PATH entry " + quoted(path) +
                             " is left out: a box could write there in an earlier run");
      }
      return fail("lies where a box could write, or in redoubtful's own directories");
    }
    out_.path.push_back(target);
    bind(end.real, target, end.facts, "PATH entry " + path);
    follow_links(end.real, 0);
    return {};
  }

  ProgramPath take() { return std::move(out_); }

 private:
  bool visible_inside(const std::string& real) const {
    static const std::vector<std::string> kSystem = {"/usr",   "/opt",       "/nix/store",
                                                     "/bin",   "/sbin",      "/lib",
                                                     "/lib64", "/gnu/store", "/run/current-system"};
    return within_any(real, kSystem) || within_any(real, visible_) ||
           std::any_of(out_.steps.begin(), out_.steps.end(),
                       [&](const MountStep& step) { return is_within(real, step.source); });
  }

  // Below the home the spelling asked for is kept; elsewhere the links exist inside as well.
  std::string target_of(const std::string& path, const ResolvedPath& end) const {
    std::string lexical = normalized(path);
    if (is_within(lexical, home_)) return lexical;
    const std::string home = normalized(facts_.home);
    if (is_within(lexical, home)) return home_ + lexical.substr(home.size());
    return visible_inside(end.real) ? lexical : end.real;
  }

  bool written(const ResolvedPath& end) const {
    return within_any(end.real, facts_.written_roots) ||
           std::any_of(end.links.begin(), end.links.end(), [&](const FollowedLink& link) {
             return within_any(link.at, facts_.written_roots) || within_any(link.at, visible_);
           });
  }

  void bind(const std::string& source, const std::string& target, const FileFacts& facts,
            const std::string& why) {
    out_.steps.push_back({.kind = StepKind::kBind,
                          .part = StepPart::kProgram,
                          .target = target,
                          .source = source,
                          .text = {},
                          .mode = MountMode::kReadOnly,
                          .facts = facts,
                          .why = why});
  }

  // The directory without which the program at `file` (a link's end) would not start.
  std::string needed_for(const std::string& file) const {
    const std::size_t modules = file.find("/node_modules/");
    if (modules != std::string::npos) return file.substr(0, modules + 13);
    const std::string directory = parent_of(file);
    if (name_of(directory) == "bin") {
      std::string prefix = parent_of(directory);
      if (!is_shared(prefix)) return prefix;
    }
    return is_shared(directory) ? file : directory;
  }

  bool is_shared(const std::string& directory) const {
    if (is_within(home_, directory)) return true;
    return std::any_of(kShared.begin(), kShared.end(),
                       [&](const char* name) { return directory == home_ + "/" + name; });
  }

  bool is_private(const std::string& path) const {
    return std::any_of(kPrivate.begin(), kPrivate.end(),
                       [&](const char* name) { return is_within(path, home_ + "/" + name); });
  }

  void follow_links(const std::string& directory, int depth) {
    // pipx: ~/.local/bin/x -> venv/bin/x, whose python -> another prefix -> a real interpreter.
    constexpr int kMaxDepth = 4;
    if (depth > kMaxDepth || !searched_.insert(directory).second) return;
    for (const auto& name : facts_.files->list(directory)) {
      const std::string path = directory + "/" + name;
      const Lookup here = facts_.files->look(path);
      if (!here.found() || here.facts.type != FileType::kSymlink) continue;
      const ResolvedPath end = resolve(*facts_.files, path);
      if (end.error != 0 || end.facts.type != FileType::kRegular) continue;
      if ((end.facts.permissions & 0111U) == 0) continue;
      if (visible_inside(end.real) || !is_within(end.real, home_)) continue;
      if (written(end) || is_private(end.real)) continue;
      const std::string needed = needed_for(end.real);
      if (within_any(needed, facts_.own_places)) continue;
      const Lookup found = facts_.files->look(needed);
      if (!found.found()) continue;
      bind(needed, needed, found.facts, "needed by " + path);
      if (found.facts.type == FileType::kDirectory) follow_links(needed + "/bin", depth + 1);
    }
  }

  const HostFacts& facts_;
  const std::string home_;
  const std::vector<std::string>& visible_;
  std::set<std::string> searched_;
  ProgramPath out_;
};

}  // namespace

Result<ProgramPath> plan_program_path(const Profile& profile, const HostFacts& facts,
                                      const std::string& home_real,
                                      const std::vector<std::string>& visible) {
  Planner planner(facts, home_real, visible);
  // Later layers come first: what was named nearest to the command wins.
  for (auto entry = profile.filesystem.path.rbegin(); entry != profile.filesystem.path.rend();
       ++entry) {
    if (auto done = planner.entry(expand_home(entry->value, facts.home), &entry->origin); !done) {
      return std::move(done).error();
    }
  }
  for (const auto& entry : facts.path_entries) {
    if (auto done = planner.entry(entry, nullptr); !done) return std::move(done).error();
  }
  return planner.take();
}

}  // namespace redoubtful::cli
