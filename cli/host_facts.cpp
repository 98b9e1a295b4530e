#include "cli/host_facts.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>

#include "cli/home.hpp"
#include "cli/programs.hpp"
#include "cli/worktree.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

extern char** environ;

namespace redoubtful::cli {
namespace {

constexpr const char* kWrittenRoots = "written-roots";  // in the state directory; NUL-separated
constexpr std::size_t kMaxWrittenRoots = 4U << 20U;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value != nullptr ? value : "";
}

// The real path of something that may not exist yet: as far as it exists, then as written.
std::string real_as_far(const std::string& path) {
  const ResolvedPath found = resolve(machine_files(), path);
  if (found.error == 0 || path == "/") return found.real;
  const std::string parent = real_as_far(parent_of(path));
  return (parent == "/" ? "" : parent) + "/" + std::string(name_of(path));
}

struct Account {
  std::string user;
  std::string shell;
};

// The password file directly: name services may ask a daemon or the network, at every start.
Account find_account(uid_t uid) {
  Account account{.user = variable("USER"), .shell = {}};
  if (FILE* file = ::fopen("/etc/passwd", "re")) {
    while (const passwd* entry = ::fgetpwent(file)) {
      if (entry->pw_uid != uid) continue;
      account = {.user = entry->pw_name, .shell = entry->pw_shell};
      break;
    }
    ::fclose(file);
  }
  const bool plain =
      !account.user.empty() && account.user.find_first_of(":\n/ ") == std::string::npos;
  if (!plain) account.user = "user" + std::to_string(uid);
  if (const std::string chosen = variable("SHELL"); !chosen.empty()) account.shell = chosen;
  const bool visible = account.shell.starts_with("/usr/") || account.shell.starts_with("/bin/") ||
                       account.shell.starts_with("/opt/") || account.shell.starts_with("/nix/");
  if (!visible || ::access(account.shell.c_str(), X_OK) != 0) account.shell = "/bin/sh";
  return account;
}

// Where an earlier box put a directory's name as a link, the agent would choose what is mounted.
Result<void> refuse_planted(const ResolvedPath& path, const std::vector<std::string>& written) {
  const FollowedLink* link = link_below(path, written);
  if (link == nullptr) return {};
  return Error(Errc::kInvalidMount, "the way to the working directory goes through the link " +
                                        quoted(link->at) +
                                        ", which a box could have written in an earlier run")
      .hint("if it is yours, go where it leads: cd " + quoted(path.real));
}

Result<std::string> working_directory(const std::string& asked,
                                      const std::vector<std::string>& written) {
  char buffer[PATH_MAX];
  if (asked.empty()) {
    if (::getcwd(buffer, sizeof buffer) == nullptr || buffer[0] != '/') {
      return Error(Errc::kInvalidMount, "the current directory no longer exists")
          .hint("go into a directory that does, or use -C DIR");
    }
    return std::string(buffer);
  }
  const ResolvedPath found = resolve(machine_files(), asked);
  if (found.error != 0 || found.facts.type != FileType::kDirectory) {
    return Error(Errc::kInvalidMount, "-C " + quoted(asked) + ": " +
                                          strerrordesc_np(found.error != 0 ? found.error : ENOTDIR))
        .hint("name a directory that exists");
  }
  if (auto fine = refuse_planted(found, written); !fine) return std::move(fine).error();
  // A shell's `cd` followed links too, and says which in $PWD.
  const ResolvedPath walked = resolve(machine_files(), variable("PWD"));
  if (walked.error == 0 && walked.real == found.real) {
    if (auto fine = refuse_planted(walked, written); !fine) return std::move(fine).error();
  }
  return found.real;
}

Result<void> create_asked_for(const Profile& profile, const std::string& home,
                              const std::vector<std::string>& written) {
  for (const auto& mount : profile.filesystem.mounts) {
    if (!mount.create) continue;
    const std::string path = normalized(expand_home(mount.path, home));
    const ResolvedPath above = resolve(machine_files(), parent_of(path));
    if (above.error == 0 && link_below(above, written) != nullptr) continue;  // refused by the plan
    auto parent = open_resolved(AT_FDCWD, above.real, O_PATH | O_DIRECTORY,
                                RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (parent && ::mkdirat(parent->get(), std::string(name_of(path)).c_str(), 0755) == 0) continue;
    if (parent && errno == EEXIST) continue;
    if (!parent) errno = parent.error().system_errno();
    return Error::system_call(mount.origin.text() + ": cannot create " + quoted(path), errno)
        .hint("`create` makes one directory; the one above it must exist and be yours");
  }
  return {};
}

}  // namespace

Result<CollectedFacts> collect_host_facts(const Profile& profile, const std::string& directory,
                                          Making making) {
  CollectedFacts out;
  auto places = find_places(PlaceVariables::from_environment());
  if (!places) return std::move(places).error();
  out.places = std::move(*places);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    out.environment.emplace_back(*entry);
  }
  HostFacts& facts = out.facts;
  facts.files = &machine_files();
  facts.home = out.places.home;
  facts.uid = ::getuid();
  facts.gid = ::getgid();
  Account account = find_account(facts.uid);
  facts.user = std::move(account.user);
  facts.shell = std::move(account.shell);
  char name[HOST_NAME_MAX + 1] = "localhost";
  ::gethostname(name, sizeof name - 1);
  facts.host_name = name;
  facts.path_entries = split(variable("PATH"), ':');
  if (facts.path_entries.empty()) facts.path_entries = {"/usr/local/bin", "/usr/bin", "/bin"};

  const std::string roots = out.places.state + "/" + kWrittenRoots;
  if (auto known = read_file(roots, kMaxWrittenRoots); known) {
    facts.written_roots = split(*known, '\0');
  } else if (known.error().system_errno() != ENOENT && known.error().system_errno() != ENOTDIR) {
    return std::move(known).error().during("reading what earlier boxes could write");
  }

  auto cwd = working_directory(directory, facts.written_roots);
  if (!cwd) return std::move(cwd).error();
  facts.working_directory = std::move(*cwd);
  for (const auto& place : {out.places.config, out.places.state, out.places.runtime}) {
    if (!place.empty()) facts.own_places.push_back(real_as_far(place));
  }
  for (const auto& part : own_parts()) facts.own_programs.push_back(part);
  if (making == Making::kAllowed) {
    if (auto created = create_asked_for(profile, facts.home, facts.written_roots); !created) {
      return std::move(created).error();
    }
  }

  auto worktree = find_worktree(
      facts.working_directory,
      {.home = real_as_far(facts.home), .private_places = facts.own_places, .owner = facts.uid});
  if (!worktree) return std::move(worktree).error();
  facts.project_top = worktree->top;
  for (const auto& extra : worktree->extra) facts.project_extra.push_back(extra.path);
  if (worktree->top != facts.working_directory) {
    // Run from a directory below the worktree's top: git needs its repository at the top.
    for (const auto& git : worktree->git_directories) facts.project_extra.push_back(git);
  }
  out.warnings = std::move(worktree->warnings);

  if (profile.filesystem.home.value == HomeMode::kPersistent) {
    std::string home = home_path_for(out.places, facts.project_top);
    if (making == Making::kAllowed) {
      auto made = home_directory_for(out.places, facts.project_top);
      if (!made) return std::move(made).error();
      home = std::move(*made);
    }
    facts.private_home = real_as_far(home);
  }
  return out;
}

Result<void> remember_written(const Places& places, const MountPlan& plan) {
  std::vector<std::string> roots;
  for (const auto& step : plan.steps) {
    if (step.kind == StepKind::kBind && step.part == StepPart::kUser &&
        step.mode == MountMode::kReadWrite && step.facts.type == FileType::kDirectory) {
      roots.push_back(step.source);
    }
  }
  if (roots.empty()) return {};
  auto state = open_private_directory(places.state);
  if (!state) return std::move(state).error();
  const UniqueFd file(::openat(state->get(), kWrittenRoots,
                               O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || ::flock(file.get(), LOCK_EX) != 0) {
    return Error::system_call("cannot open " + quoted(kWrittenRoots) + " in the state directory",
                              errno);
  }
  auto known = read_file(file.get(), kMaxWrittenRoots);
  if (!known) return std::move(known).error();
  const auto listed = split(*known, '\0');
  // Cut by a full disk: what is appended must not become part of it.
  std::string added;
  if (!known->empty() && known->back() != '\0') added.push_back('\0');
  for (const auto& root : roots) {
    const bool covered = std::any_of(listed.begin(), listed.end(),
                                     [&](const std::string& one) { return is_within(root, one); });
    if (!covered) added.append(root).push_back('\0');
  }
  return write_all(file.get(), added);
}

}  // namespace redoubtful::cli
