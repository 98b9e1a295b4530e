#include "cli/home.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>

#include "cli/project.hpp"
#include "cli/remove_tree.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kRemoved = ".removed-";
constexpr std::string_view kProjectSuffix = ".project";
constexpr std::string_view kMountsSuffix = ".mounts";  // home_mounts.cpp's record and lock

std::string homes_of(const Places& places) { return places.state + "/homes"; }

// The record of its project is written when it is not there yet.
Result<void> make_home(const Places& places, const std::string& name,
                       const std::string& real_project_path) {
  auto homes = open_private_directory(homes_of(places));
  if (!homes) return std::move(homes).error();
  if (auto home = open_private_directory_at(homes->get(), name); !home) {
    return std::move(home).error();
  }
  const std::string record = name + std::string(kProjectSuffix);
  if (::faccessat(homes->get(), record.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return {};
  return replace_file(homes->get(), record, real_project_path, 0600);
}

std::string project_in_record(int homes, const std::string& name) {
  auto fd = open_beneath(homes, name + std::string(kProjectSuffix), O_RDONLY | O_NONBLOCK);
  if (!fd) return "(unknown project)";
  auto path = read_file(fd->get(), PATH_MAX);
  if (!path) return "(unknown project)";
  struct stat info {};
  const bool there = ::stat(path->c_str(), &info) == 0;
  return shown(*path) + (there ? "" : "  (gone)");
}

// Names in the homes directory, sorted. None when it does not exist.
std::vector<std::string> names_in(int homes) {
  std::vector<std::string> names;
  UniqueFd fd(::openat(homes, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fd ? ::fdopendir(fd.get()) : nullptr,
                                                   ::closedir);
  if (!stream) return names;
  static_cast<void>(fd.release());
  while (const dirent* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

// The homes directory as it is; invalid when there is none.
UniqueFd open_homes(const Places& places) {
  return UniqueFd(
      ::open(homes_of(places).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// What an interrupted reset left.
Result<void> sweep(int homes) {
  for (const auto& name : names_in(homes)) {
    if (!name.starts_with(kRemoved)) continue;
    if (auto removed = remove_tree(homes, name); !removed) return removed;
  }
  return {};
}

Error no_such_home(const Places& places, const std::string& name) {
  return Error(Errc::kInvalidMount,
               "there is no home " + quoted(name, 80) + " in " + places.shown(homes_of(places)))
      .hint("redoubtful home list shows what there is");
}

}  // namespace

std::string home_path_for(const Places& places, const std::string& real_project_path) {
  return homes_of(places) + "/" + project_key(real_project_path);
}

Result<std::string> home_directory_for(const Places& places, const std::string& real_project_path) {
  auto made = make_home(places, project_key(real_project_path), real_project_path);
  if (!made) return std::move(made).error();
  return home_path_for(places, real_project_path);
}

Result<std::string> list_homes(const Places& places) {
  const UniqueFd homes = open_homes(places);
  if (!homes) return std::string();
  std::string out;
  for (const auto& name : names_in(homes.get())) {
    if (is_project_key(name)) out += name + "  " + project_in_record(homes.get(), name) + "\n";
  }
  return out;
}

Result<std::string> show_home_path(const Places& places, const std::string& directory) {
  auto project = find_project(places, directory);
  if (!project) return std::move(project).error();
  return home_path_for(places, *project) + "\n";
}

Result<std::string> reset_home(const Places& places, const std::string& directory,
                               const std::string& name) {
  std::string chosen = name;
  if (chosen.empty()) {
    auto project = find_project(places, directory);
    if (!project) return std::move(project).error();
    chosen = project_key(*project);
  }
  const UniqueFd homes = open_homes(places);
  if (!homes || !is_project_key(chosen)) return no_such_home(places, chosen);
  if (auto swept = sweep(homes.get()); !swept) return std::move(swept).error();
  struct stat info {};
  if (::fstatat(homes.get(), chosen.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return no_such_home(places, chosen);
  }
  // Held until the home is gone; a run has it shared.
  const std::string record = chosen + std::string(kMountsSuffix);
  const UniqueFd lock(::openat(homes.get(), record.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(Errc::kInvalidMount, "a run is using the home " + quoted(chosen))
        .hint("end it, then reset again");
  }
  const std::string removed = std::string(kRemoved) + chosen;
  if (::renameat2(homes.get(), chosen.c_str(), homes.get(), removed.c_str(), RENAME_NOREPLACE) !=
      0) {
    return Error::system_call("cannot move " + quoted(chosen) + " away", errno);
  }
  ::unlinkat(homes.get(), (chosen + std::string(kProjectSuffix)).c_str(), 0);
  ::unlinkat(homes.get(), record.c_str(), 0);
  if (auto gone = remove_tree(homes.get(), removed); !gone) return std::move(gone).error();
  return "reset " + chosen + "\n";
}

}  // namespace redoubtful::cli
