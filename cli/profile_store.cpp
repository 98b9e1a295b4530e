#include "cli/profile_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "cli/profile_loader.hpp"
#include "cli/project.hpp"
#include "cli/value_syntax.hpp"
#include "cli/yaml_document.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kSuffix = ".yaml";
constexpr std::string_view kBuiltin = "builtin/";

Result<void> refuse_if_others_may_write(const struct stat& info, const std::string& shown) {
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Error(Errc::kInvalidProfile, shown + " belongs to user " + std::to_string(info.st_uid) +
                                            ", who could change what a box may do")
        .hint("chown it to yourself, or remove it");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error(Errc::kInvalidProfile, shown + " may be written by others than you")
        .hint("chmod go-w " + shown);
  }
  return {};
}

Result<void> check_directory(const std::string& path, const Places& places) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error::system_call("cannot stat " + places.shown(path), errno);
  }
  return refuse_if_others_may_write(info, places.shown(path));
}

// Names of the profiles in a directory, sorted; empty when it cannot be listed.
std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) return names;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string_view name(entry->d_name);
    if (!name.ends_with(kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    if (parse_profile_name(name)) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool claims(const Layer& layer, const std::string& command) {
  return std::any_of(layer.commands.begin(), layer.commands.end(),
                     [&](const Sourced<std::string>& claimed) { return claimed.value == command; });
}

}  // namespace

// `top` is the configuration directory that `path` lies in; it and everything between are checked.
// Empty: only the file itself is. Absent files are not an error.
Result<std::optional<StoredFile>> ProfileStore::read(const std::string& path,
                                                     const std::string& top) const {
  const bool trusted = path.starts_with(places_.builtin_profiles + "/");
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::optional<StoredFile>();
  if (!fd) {
    return Error(Errc::kInvalidProfile,
                 Error::system_call("cannot read " + places_.shown(path), errno).what());
  }
  if (!trusted) {
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
      return Error::system_call("cannot stat " + places_.shown(path), errno);
    }
    if (auto safe = refuse_if_others_may_write(info, places_.shown(path)); !safe) {
      return std::move(safe).error();
    }
    std::string directory = path;
    while (!top.empty() && directory.size() > top.size()) {
      directory.resize(directory.rfind('/'));
      if (auto safe = check_directory(directory, places_); !safe) return std::move(safe).error();
    }
  }
  auto bytes = read_file(fd.get(), kMaxYamlBytes);
  if (!bytes) return std::move(bytes).error().during(places_.shown(path));
  return std::optional<StoredFile>(StoredFile{path, *std::move(bytes)});
}

Result<std::optional<StoredFile>> ProfileStore::user_config() const {
  return read(places_.config + "/config.yaml", places_.config);
}

Result<std::optional<StoredFile>> ProfileStore::system_config() const {
  return read(places_.system_config + "/config.yaml", places_.system_config);
}

Result<std::optional<StoredFile>> ProfileStore::project_config(
    const std::string& real_project_path) const {
  return read(project_config_path(places_, real_project_path), places_.config);
}

Result<StoredFile> ProfileStore::find(const std::string& reference) const {
  const auto require = [&](Result<std::optional<StoredFile>> file,
                           std::string_view what) -> Result<StoredFile> {
    if (!file) return std::move(file).error();
    if (*file) return **std::move(file);
    return Error(Errc::kInvalidProfile,
                 std::string(what) + quoted(reference, 80) + " does not exist");
  };
  if (reference.starts_with(kBuiltin)) {
    auto name = parse_profile_name(std::string_view(reference).substr(kBuiltin.size()));
    if (!name) return std::move(name).error();
    return require(read(places_.builtin_profiles + "/" + *name + ".yaml", {}), "the profile ");
  }
  if (reference.find('/') != std::string::npos) {
    if (reference.size() > 4095) {
      return Error(Errc::kInvalidProfile, "the profile file " + quoted(reference, 80) +
                                              " has a name longer than 4095 bytes");
    }
    return require(read(places_.expanded(reference), {}), "the profile file ");
  }
  auto name = parse_profile_name(reference);
  if (!name) return std::move(name).error();
  const std::string file = *name + ".yaml";
  for (const std::string& top : {places_.config, places_.system_config}) {
    auto found = read(top + "/profiles/" + file, top);
    if (!found) return std::move(found).error();
    if (*found) return **std::move(found);
  }
  auto builtin = read(places_.builtin_profiles + "/" + file, {});
  if (!builtin) return std::move(builtin).error();
  if (*builtin) return **std::move(builtin);
  const std::vector<StoredName> known = list();
  std::vector<std::string_view> names;
  names.reserve(known.size());
  for (const auto& entry : known) names.push_back(entry.name);
  return Error(Errc::kInvalidProfile,
               "there is no profile " + quoted(reference, 80) + did_you_mean(reference, names))
      .hint(
          "redoubtful profile list shows what there is; a file is named with a slash, as in "
          "./mine.yaml");
}

Result<std::optional<std::string>> ProfileStore::claiming_in(
    const std::string& directory, const std::string& top, const std::string& command,
    const std::vector<std::string>& shadowed) const {
  std::optional<std::string> found;
  std::vector<std::string> names = names_in(directory);
  // The one named like the command has the first word.
  std::stable_partition(names.begin(), names.end(),
                        [&](const std::string& name) { return name == command; });
  for (const std::string& name : names) {
    if (contains(shadowed, name)) continue;
    auto file = read(directory + "/" + name + ".yaml", top);
    if (!file) return std::move(file).error();
    if (!*file || (*file)->bytes.find(command) == std::string::npos) continue;
    auto layer = load_layer((*file)->bytes, name, places_.shown((*file)->path));
    if (!layer) return std::move(layer).error();
    if (!claims(*layer, command)) continue;
    if (name == command) return std::optional(name);
    if (found) {
      return Error(Errc::kInvalidProfile, "the profiles " + *found + " and " + name +
                                              " both claim the command " + quoted(command, 80))
          .hint("choose one with -u");
    }
    found = name;
  }
  return found;
}

Result<std::optional<std::string>> ProfileStore::claiming(const std::string& command) const {
  if (command.empty() || command.find('/') != std::string::npos)
    return std::optional<std::string>();
  std::vector<std::string> shadowed;
  for (const std::string& top : {places_.config, places_.system_config}) {
    const std::string directory = top + "/profiles";
    auto found = claiming_in(directory, top, command, shadowed);
    if (!found || *found) return found;
    for (auto& name : names_in(directory)) shadowed.push_back(std::move(name));
  }
  if (!parse_profile_name(command) || contains(shadowed, command))
    return std::optional<std::string>();
  auto builtin = read(places_.builtin_profiles + "/" + command + ".yaml", {});
  if (!builtin) return std::move(builtin).error();
  if (!*builtin) return std::optional<std::string>();
  auto layer = load_layer((*builtin)->bytes, command, places_.shown((*builtin)->path));
  if (!layer) return std::move(layer).error();
  return claims(*layer, command) ? std::optional(command) : std::optional<std::string>();
}

std::vector<StoredName> ProfileStore::list() const {
  std::vector<StoredName> all;
  for (const std::string& directory :
       {places_.config + "/profiles", places_.system_config + "/profiles",
        places_.builtin_profiles}) {
    for (const std::string& name : names_in(directory)) {
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&](const StoredName& entry) { return entry.name == name; });
      if (!known) all.push_back({name, directory + "/" + name + ".yaml"});
    }
  }
  return all;
}

}  // namespace redoubtful::cli
