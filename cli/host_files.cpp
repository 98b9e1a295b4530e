#include "cli/host_files.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace redoubtful::cli {
namespace {

FileType type_of(mode_t mode) {
  if (S_ISDIR(mode)) return FileType::kDirectory;
  if (S_ISLNK(mode)) return FileType::kSymlink;
  if (S_ISSOCK(mode)) return FileType::kSocket;
  if (S_ISFIFO(mode)) return FileType::kFifo;
  if (S_ISREG(mode)) return FileType::kRegular;
  return FileType::kDevice;
}

class MachineFiles final : public HostFiles {
 public:
  Lookup look(const std::string& path) const override {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return {.error = errno, .facts = {}};
    return {.error = 0,
            .facts = {.type = type_of(info.st_mode),
                      .owner = info.st_uid,
                      .permissions = info.st_mode & 07777U,
                      .device = info.st_dev,
                      .inode = info.st_ino}};
  }

  std::optional<std::string> read_link(const std::string& path) const override {
    char target[PATH_MAX];
    const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length < 0 || length == static_cast<ssize_t>(sizeof target)) return std::nullopt;
    return std::string(target, static_cast<std::size_t>(length));
  }

  bool readable(const std::string& path, FileType type) const override {
    return ::access(path.c_str(), type == FileType::kDirectory ? R_OK | X_OK : R_OK) == 0;
  }

  std::vector<std::string> list(const std::string& directory) const override {
    std::vector<std::string> names;
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) return names;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
  }
};

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") out.emplace_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return out;
}

}  // namespace

const HostFiles& machine_files() {
  static const MachineFiles files;
  return files;
}

ResolvedPath resolve(const HostFiles& files, const std::string& path) {
  constexpr std::size_t kMaxLinks = 40;  // as the kernel's own limit, path_resolution(7)
  ResolvedPath out;
  std::vector<std::string> rest = components(path);
  std::reverse(rest.begin(), rest.end());
  std::string real;
  while (!rest.empty()) {
    const std::string part = rest.back();
    rest.pop_back();
    if (part == "..") {
      real = real.empty() ? real : real.substr(0, real.rfind('/'));
      continue;
    }
    const std::string next = real + "/" + part;
    const Lookup here = files.look(next);
    if (!here.found()) {
      out.error = here.error;
      out.real = next;
      return out;
    }
    if (here.facts.type == FileType::kSymlink) {
      const auto target = files.read_link(next);
      if (!target || out.links.size() == kMaxLinks) {
        out.error = target ? ELOOP : EINVAL;
        out.real = next;
        return out;
      }
      out.links.push_back({.at = next, .to = *target});
      if (target->starts_with('/')) real.clear();
      auto more = components(*target);
      rest.insert(rest.end(), more.rbegin(), more.rend());
      continue;
    }
    if (!rest.empty() && here.facts.type != FileType::kDirectory) {
      out.error = ENOTDIR;
      out.real = next;
      return out;
    }
    real = next;
  }
  out.real = real.empty() ? "/" : real;
  const Lookup end = files.look(out.real);
  out.error = end.error;
  out.facts = end.facts;
  return out;
}

const FollowedLink* link_below(const ResolvedPath& path,
                               const std::vector<std::string>& directories) {
  const auto found =
      std::find_if(path.links.begin(), path.links.end(), [&](const FollowedLink& link) {
        return std::any_of(directories.begin(), directories.end(),
                           [&](const std::string& one) { return is_within(link.at, one); });
      });
  return found == path.links.end() ? nullptr : &*found;
}

std::string normalized(std::string_view path, std::string_view base) {
  std::vector<std::string> parts;
  const auto add = [&parts](std::string_view text) {
    for (auto& part : components(text)) {
      if (part != "..") {
        parts.push_back(std::move(part));
      } else if (!parts.empty()) {
        parts.pop_back();
      }
    }
  };
  if (!path.starts_with('/')) add(base);
  add(path);
  std::string out;
  for (const auto& part : parts) out += "/" + part;
  return out.empty() ? "/" : out;
}

}  // namespace redoubtful::cli
