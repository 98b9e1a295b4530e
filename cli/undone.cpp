#include "cli/undone.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "cli/beneath.hpp"
#include "cli/owned_path.hpp"
#include "cli/remove_tree.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

std::string magic_link(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// chmod(2) on an O_PATH descriptor, which fchmod(2) refuses.
bool set_mode(int fd, mode_t mode) { return ::chmod(magic_link(fd).c_str(), mode) == 0; }

// Makes `name` if need be and opens it; never through a symlink.
Result<UniqueFd> make_and_open(int directory, const std::string& name) {
  if (::mkdirat(directory, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error::system_call("cannot make the directory " + quoted(name), errno);
  }
  return open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// What cannot be moved away must at least not be run or read.
Error disarm(int parent, const std::string& name, Error why) {
  UniqueFd itself(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  const bool closed = itself && ::fstat(itself.get(), &info) == 0 && !S_ISLNK(info.st_mode) &&
                      set_mode(itself.get(), 0);
  return std::move(why).during(closed ? "left in place without any permission" : "left in place");
}

// Copies one entry and all below it; counts down the budget. Not followed: symlinks. Left out:
// sockets, FIFOs and devices, which carry nothing.
class Copier {
 public:
  Result<void> copy(int from, const std::string& name, int to, const std::string& new_name) {
    if (entries_-- == 0) return too_large();
    struct stat info {};
    if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return Error::system_call("cannot stat " + quoted(name), errno);
    }
    switch (info.st_mode & S_IFMT) {
      case S_IFREG:
        return copy_file(from, name, to, new_name, info);
      case S_IFDIR:
        return copy_directory(from, name, to, new_name);
      case S_IFLNK:
        return copy_link(from, name, to, new_name);
      default:
        return {};
    }
  }

 private:
  static constexpr int kMaxDepth = 64;

  static Error too_large() {
    return Error(Errc::kInvalidMount, "it is too large to be kept aside on another file system");
  }

  Result<void> copy_file(int from, const std::string& name, int to, const std::string& new_name,
                         const struct stat& info) {
    if (static_cast<std::size_t>(info.st_size) > bytes_) return too_large();
    auto source = open_beneath(from, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!source) {
      UniqueFd handle(::openat(from, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (handle && set_mode(handle.get(), 0600)) {
        source = open_beneath(from, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
      }
      if (!source) return std::move(source).error();
    }
    auto content = read_file(source->get(), bytes_);
    if (!content) return std::move(content).error();
    bytes_ -= content->size();
    return replace_file(to, new_name, *content, info.st_mode & 0700);
  }

  Result<void> copy_directory(int from, const std::string& name, int to,
                              const std::string& new_name) {
    if (++depth_ > kMaxDepth) return too_large();
    auto source = WritableDirectory::open(from, name);
    if (!source) return std::move(source).error();
    auto target = make_and_open(to, new_name);
    if (!target) return std::move(target).error();
    auto listed = open_beneath(source->fd(), ".", O_RDONLY | O_DIRECTORY);
    if (!listed) return std::move(listed).error();
    alignas(dirent64) char buffer[16 * 1024];
    for (;;) {
      const ssize_t got = ::getdents64(listed->get(), buffer, sizeof buffer);
      if (got < 0) return Error::system_call("cannot read " + quoted(name), errno);
      if (got == 0) break;
      for (ssize_t at = 0; at < got;) {
        const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
        at += entry->d_reclen;
        const std::string child = entry->d_name;
        if (child == "." || child == "..") continue;
        if (auto done = copy(source->fd(), child, target->get(), child); !done) return done;
      }
    }
    --depth_;
    return {};
  }

  static Result<void> copy_link(int from, const std::string& name, int to,
                                const std::string& new_name) {
    const auto target = link_target(from, name);
    if (!target) return Error(Errc::kSystemCall, "cannot read the link " + quoted(name));
    if (::symlinkat(target->c_str(), to, new_name.c_str()) != 0) {
      return Error::system_call("cannot make the link " + quoted(name), errno);
    }
    return {};
  }

  std::size_t bytes_ = UndonePlace::kMaxCopyBytes;
  std::size_t entries_ = UndonePlace::kMaxCopyEntries;
  int depth_ = 0;
};

}  // namespace

Result<WritableDirectory> WritableDirectory::open(int mount, const std::string& path) {
  auto fd = open_beneath(mount, path.empty() ? "." : path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return std::move(fd).error();
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return Error::system_call("cannot stat", errno);
  const mode_t mode = info.st_mode & 07777;
  const bool closed = (mode & 0700) != 0700;
  if (closed && !set_mode(fd->get(), mode | 0700)) {
    return Error::system_call("cannot change the mode of " + quoted(path), errno);
  }
  return WritableDirectory(std::move(*fd), mode, closed);
}

WritableDirectory::~WritableDirectory() {
  if (fd_ && changed_) (void)set_mode(fd_.get(), mode_);
}

Result<UniqueFd> UndonePlace::place_for(const std::string& mount_path, const std::string& path,
                                        std::string& name, std::string& relative) {
  if (!root_) {
    // Ours from the state directory on; what lies above must be there already or is made.
    UniqueFd at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!at) return Error::system_call("cannot open the root directory", errno);
    std::string_view rest = path_;
    while (!rest.empty()) {
      const std::size_t slash = rest.find('/');
      const std::string component(rest.substr(0, slash));
      rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
      if (component.empty()) continue;
      if (::mkdirat(at.get(), component.c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS &&
          errno != EACCES) {
        return Error::system_call("cannot make " + quoted(path_), errno);
      }
      // The way to our own state may go through the person's own links.
      auto next = open_resolved(at.get(), component, O_PATH | O_DIRECTORY, 0);
      if (!next) return std::move(next).error().during("making " + quoted(path_));
      at = std::move(*next);
    }
    root_ = std::move(at);
  }
  const std::string whole = joined(mount_path.substr(mount_path.starts_with('/') ? 1 : 0), path);
  auto at = open_beneath(root_.get(), ".", O_PATH | O_DIRECTORY);
  if (!at) return at;
  const std::string parent = parent_of(whole);
  for (std::string_view rest = parent; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    auto next = make_and_open(at->get(), std::string(rest.substr(0, slash)));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (!next) return next;
    at = std::move(next);
  }
  const std::string wanted(name_of(whole));
  name = wanted;
  for (int number = 1; type_at(at->get(), name); ++number) {
    name = wanted + "." + std::to_string(number);
  }
  relative = joined(parent, name);
  return at;
}

Result<std::string> UndonePlace::move(int mount, const std::string& mount_path,
                                      const std::string& path, std::string_view why) {
  std::string name;
  std::string relative;
  auto parent = WritableDirectory::open(mount, parent_of(path));
  if (!parent) return std::move(parent).error();
  const std::string old_name(name_of(path));
  auto place = place_for(mount_path, path, name, relative);
  if (!place) return disarm(parent->fd(), old_name, std::move(place).error());
  const auto rename = [&] {
    return ::renameat2(parent->fd(), old_name.c_str(), place->get(), name.c_str(),
                       RENAME_NOREPLACE) == 0;
  };
  bool moved = rename();
  if (!moved && (errno == EACCES || errno == EPERM)) {
    // A directory without write permission cannot change its parent.
    UniqueFd itself(::openat(parent->fd(), old_name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (itself && ::fstat(itself.get(), &info) == 0 && !S_ISLNK(info.st_mode) &&
        set_mode(itself.get(), (info.st_mode & 07777) | 0700)) {
      moved = rename();
    }
  }
  if (!moved) {
    if (errno != EXDEV) {
      return disarm(parent->fd(), old_name,
                    Error::system_call("cannot move " + quoted(path), errno));
    }
    if (auto copied = Copier().copy(parent->fd(), old_name, place->get(), name); !copied) {
      return disarm(parent->fd(), old_name, std::move(copied).error());
    }
    if (::unlinkat(parent->fd(), old_name.c_str(), 0) != 0) {
      if (errno != EISDIR) return Error::system_call("cannot remove " + quoted(path), errno);
      if (auto gone = remove_tree(parent->fd(), old_name); !gone) return std::move(gone).error();
    }
  }
  entries_.push_back({joined(mount_path, path), relative, std::string(why)});
  return path_ + "/" + relative;
}

Result<std::string> UndonePlace::keep(std::string_view bytes, const std::string& mount_path,
                                      const std::string& path, std::string_view why) {
  std::string name;
  std::string relative;
  auto place = place_for(mount_path, path, name, relative);
  if (!place) return std::move(place).error();
  auto directory = open_beneath(place->get(), ".", O_RDONLY | O_DIRECTORY);
  if (!directory) return std::move(directory).error();
  if (auto put = replace_file(directory->get(), name, bytes, 0600); !put) {
    return std::move(put).error();
  }
  entries_.push_back({joined(mount_path, path), relative, std::string(why)});
  return path_ + "/" + relative;
}

Result<void> UndonePlace::write_index() {
  if (entries_.empty()) return {};
  std::string json = "[\n";
  for (const auto& entry : entries_) {
    if (json.size() > 2) json += ",\n";
    json += "  {\"from\": " + json_string(entry.from) + ", \"to\": " + json_string(entry.to) +
            ", \"why\": " + json_string(entry.why) + "}";
  }
  json += "\n]\n";
  return replace_file(root_.get(), "index.json", json, 0600);
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      if (byte == '"' || byte == '\\') json += '\\';
      if (byte < 0x20 || byte == 0x7F) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
        json += escaped;
      } else {
        json += text[i];
      }
      ++i;
      continue;
    }
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
    bool sound = length != 0 && byte <= 0xF4 && i + length <= text.size();
    for (std::size_t k = 1; sound && k < length; ++k) {
      sound = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    }
    // Overlong forms, surrogates and what lies above U+10FFFF.
    if (sound && length > 2) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      sound = !(byte == 0xE0 && second < 0xA0) && !(byte == 0xED && second > 0x9F) &&
              !(byte == 0xF0 && second < 0x90) && !(byte == 0xF4 && second > 0x8F);
    }
    json.append(sound ? text.substr(i, length) : std::string_view("\xEF\xBF\xBD"));
    i += sound ? length : 1;
  }
  return json + "\"";
}

}  // namespace redoubtful::cli
