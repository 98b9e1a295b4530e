#include "cli/beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "cli/owned_path.hpp"
#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

// The path of an open descriptor as the kernel sees it.
std::optional<std::string> path_of(int fd) {
  char buffer[PATH_MAX + 1];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), buffer, sizeof buffer);
  if (length <= 0 || static_cast<std::size_t>(length) == sizeof buffer) return std::nullopt;
  return std::string(buffer, static_cast<std::size_t>(length));
}

}  // namespace

std::optional<BeneathTarget> resolve_beneath(int mount, const std::string& path) {
  auto fd = open_resolved(mount, path, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  if (!fd) return std::nullopt;
  const auto top = path_of(mount);
  const auto whole = path_of(fd->get());
  if (!top || !whole || *top == *whole || !is_within(*whole, *top)) return std::nullopt;
  BeneathTarget target;
  target.path = whole->substr(*top == "/" ? 1 : top->size() + 1);
  // The kernel's text is a name, not a proof ("… (deleted)"): it must lead to the same inode.
  struct stat opened {};
  const auto named = stat_beneath(mount, target.path);
  if (!named || ::fstat(fd->get(), &opened) != 0 || named->st_ino != opened.st_ino ||
      named->st_dev != opened.st_dev) {
    return std::nullopt;
  }
  target.type = entry_type(opened.st_mode);
  return target;
}

Result<UniqueFd> open_parent(int mount, const std::string& path) {
  const std::string parent = parent_of(path);
  return open_beneath(mount, parent.empty() ? "." : parent, O_PATH | O_DIRECTORY);
}

std::optional<struct stat> stat_beneath(int mount, const std::string& path) {
  auto parent = open_parent(mount, path);
  if (!parent) return std::nullopt;
  struct stat info {};
  const std::string name(name_of(path));
  if (::fstatat(parent->get(), name.empty() ? "." : name.c_str(), &info, AT_SYMLINK_NOFOLLOW) !=
      0) {
    return std::nullopt;
  }
  return info;
}

std::optional<std::string> link_target(int mount, const std::string& path) {
  auto parent = open_parent(mount, path);
  if (!parent) return std::nullopt;
  char buffer[PATH_MAX + 1];
  const std::string name(name_of(path));
  const ssize_t length = ::readlinkat(parent->get(), name.c_str(), buffer, sizeof buffer);
  if (length < 0 || static_cast<std::size_t>(length) == sizeof buffer) return std::nullopt;
  return std::string(buffer, static_cast<std::size_t>(length));
}

EntryType entry_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EntryType::kFile;
    case S_IFDIR:
      return EntryType::kDirectory;
    case S_IFLNK:
      return EntryType::kSymlink;
    case S_IFSOCK:
      return EntryType::kSocket;
    case S_IFIFO:
      return EntryType::kFifo;
    default:
      return EntryType::kOther;
  }
}

std::string joined(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && !name.empty()) path += '/';
  path.append(name);
  return path;
}

}  // namespace redoubtful::cli
