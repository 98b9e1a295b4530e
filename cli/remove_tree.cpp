#include "cli/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "cli/places.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {
namespace {

using Stream = std::unique_ptr<DIR, int (*)(DIR*)>;

Error cannot_remove(const std::string& name) {
  return Error::system_call("cannot remove " + quoted(name, 80), errno);
}

class Remover {
 public:
  Remover(int top, dev_t device) : top_(top), device_(device) {}

  // Takes everything out of `top_`, one pass over its entries at a time: what a pass moves up is
  // found by the next.
  Result<void> empty_top() {
    for (bool again = true; again;) {
      again = false;
      auto done = for_each_entry(top_, [&](const std::string& name) -> Result<void> {
        again = true;
        return remove_from_top(name);
      });
      if (!done) return done;
    }
    return {};
  }

 private:
  template <class Use>
  static Result<void> for_each_entry(int directory, Use use) {
    // A description of its own: the caller's keeps its position.
    UniqueFd fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return Error::system_call("cannot open a directory", errno);
    const Stream stream(::fdopendir(fd.get()), ::closedir);
    if (!stream) return Error::system_call("cannot list a directory", errno);
    static_cast<void>(fd.release());
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (auto used = use(name); !used) return used;
    }
    return {};
  }

  Result<void> remove_from_top(const std::string& name) {
    if (::unlinkat(top_, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return cannot_remove(name);
    auto directory = open_inside(top_, name);
    if (!directory) return std::move(directory).error();
    auto emptied = for_each_entry(directory->get(), [&](const std::string& child) {
      return remove_or_move_up(directory->get(), child);
    });
    if (!emptied) return emptied;
    if (::unlinkat(top_, name.c_str(), AT_REMOVEDIR) != 0) return cannot_remove(name);
    return {};
  }

  Result<void> remove_or_move_up(int parent, const std::string& name) {
    if (::unlinkat(parent, name.c_str(), 0) == 0) return {};
    if (errno != EISDIR && errno != EPERM) return cannot_remove(name);
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return {};
    // A directory can be moved to another parent only by who may write in it.
    auto opened = open_inside(parent, name);
    if (!opened) return std::move(opened).error();
    while (true) {
      const std::string fresh = "moved-" + std::to_string(++moved_);
      if (::renameat2(parent, name.c_str(), top_, fresh.c_str(), RENAME_NOREPLACE) == 0) return {};
      if (errno != EEXIST) return cannot_remove(name);
    }
  }

  Result<UniqueFd> open_inside(int parent, const std::string& name) const {
    auto fd = open_owned_directory(parent, name);
    if (!fd) return fd;
    struct stat info {};
    if (::fstat(fd->get(), &info) != 0) return Error::system_call("cannot stat", errno);
    if (info.st_dev != device_) {
      return Error(Errc::kInvalidMount,
                   quoted(name, 80) + " is another file system, mounted there");
    }
    return fd;
  }

  int top_;
  dev_t device_;
  std::uint64_t moved_ = 0;
};

}  // namespace

Result<void> remove_tree(int directory, const std::string& name) {
  auto top = open_owned_directory(directory, name);
  if (!top) return std::move(top).error();
  struct stat info {};
  if (::fstat(top->get(), &info) != 0)
    return Error::system_call("cannot stat " + quoted(name), errno);
  if (auto emptied = Remover(top->get(), info.st_dev).empty_top(); !emptied) return emptied;
  if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0) return cannot_remove(name);
  return {};
}

}  // namespace redoubtful::cli
