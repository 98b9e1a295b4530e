#include "cli/owned_path.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

Result<void> check_owner(int fd, uid_t owner) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::system_call("cannot stat", errno);
  if (info.st_uid != owner) {
    return Error(Errc::kInvalidMount, "it belongs to user " + std::to_string(info.st_uid) +
                                          ", not to user " + std::to_string(owner));
  }
  return {};
}

}  // namespace

std::optional<std::string> normalised(std::string_view base, std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return std::nullopt;
  std::string whole;
  if (!path.starts_with('/')) whole.append(base).append("/");
  whole.append(path);
  std::vector<std::string_view> components;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (components.empty()) return std::nullopt;
      components.pop_back();
    } else {
      components.push_back(component);
    }
  }
  std::string clean;
  for (const std::string_view component : components) clean.append("/").append(component);
  return clean.empty() ? "/" : clean;
}

Result<UniqueFd> open_owned_directory(const std::string& path, uid_t owner) {
  auto fd = open_resolved(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW,
                          RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (!fd) {
    if (fd.error().system_errno() == ELOOP)
      return Error(Errc::kInvalidMount, quoted(path) + " has a symlink in it");
    return fd;
  }
  if (auto ours = check_owner(fd->get(), owner); !ours) {
    return std::move(ours).error().during(quoted(path));
  }
  return fd;
}

Result<std::string> read_owned_file(int directory, const std::string& path, uid_t owner,
                                    std::size_t max_bytes) {
  auto fd = open_beneath(directory, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  if (!fd) return std::move(fd).error();
  if (auto ours = check_owner(fd->get(), owner); !ours) {
    return std::move(ours).error().during(quoted(path));
  }
  auto bytes = read_file(fd->get(), max_bytes);
  if (!bytes) return std::move(bytes).error().during(quoted(path));
  return bytes;
}

std::optional<std::string> single_line(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  if (bytes.empty() ||
      bytes.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(bytes);
}

std::optional<mode_t> type_at(int directory, const std::string& name) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return info.st_mode & S_IFMT;
}

bool looks_like_repository(int directory) {
  return type_at(directory, "HEAD") && type_at(directory, "objects") && type_at(directory, "refs");
}

}  // namespace redoubtful::cli
