#include "cli/mount_attach.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "cli/mount_calls.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::uint64_t kNoLinks = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

Result<bool> is_directory(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::system_call("cannot stat", errno);
  return S_ISDIR(info.st_mode);
}

class Assembler {
 public:
  explicit Assembler(const MountPlan& plan) : plan_(plan) {}

  Result<void> assemble(const std::vector<Overlay>& overlays, const std::string& init_program) {
    if (auto ready = make_root(); !ready) return ready;
    for (const auto& step : plan_.steps) {
      if (auto done = carry_out(step); !done) {
        return std::move(done).error().during("mounting " + quoted(step.target));
      }
      done_.push_back(&step);
    }
    if (auto done = place_own_parts(init_program); !done) return done;
    for (const auto& overlay : overlays) {
      if (auto done = lay(overlay); !done) {
        return std::move(done).error().during("guarding " + quoted(overlay.path) + " in " +
                                              quoted(overlay.mount));
      }
    }
    return set_mount_attributes(root_.get(), MOUNT_ATTR_RDONLY, 0);
  }

  std::vector<UniqueFd> take_writers() { return std::move(writers_); }

 private:
  Result<void> make_root() {
    auto tree = make_tmpfs("0755");
    if (!tree) return std::move(tree).error();
    auto staging = open_resolved(AT_FDCWD, kStagingRoot, O_PATH | O_DIRECTORY, kNoLinks);
    if (!staging) return std::move(staging).error();
    if (auto done = attach_mount(tree->get(), staging->get()); !done) return done;
    root_ = std::move(*tree);
    covered_ = std::move(*staging);
    return {};
  }

  // Sources below the staging place are reached from the directory that it covers.
  Result<UniqueFd> open_source(const std::string& path) const {
    if (!is_within(path, kStagingRoot)) return open_resolved(AT_FDCWD, path, O_PATH, kNoLinks);
    const std::string below = path.substr(std::string_view(kStagingRoot).size());
    return open_beneath(covered_.get(), below.empty() ? "." : below.substr(1), O_PATH);
  }

  // Nothing is created in a directory of the host; only on file systems made here.
  bool may_create(const std::string& target) const {
    const MountStep* innermost = nullptr;
    for (const MountStep* step : done_) {
      if ((step->kind == StepKind::kBind || step->kind == StepKind::kTmpfs) &&
          is_within(target, step->target)) {
        innermost = step;  // steps come parents first
      }
    }
    return innermost == nullptr || innermost->kind == StepKind::kTmpfs;
  }

  // The directory that holds `target`, made where that is allowed.
  Result<UniqueFd> open_parent(const std::string& target) {
    UniqueFd at(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
    if (!at) return Error::system_call("cannot copy a descriptor", errno);
    std::string done;
    const std::string parent = parent_of(target);
    std::size_t begin = 1;
    while (begin < parent.size()) {
      const std::size_t end = std::min(parent.find('/', begin), parent.size());
      const std::string name = parent.substr(begin, end - begin);
      done += "/" + name;
      begin = end + 1;
      auto next = open_beneath(at.get(), name, O_PATH | O_DIRECTORY);
      if (!next && next.error().system_errno() == ENOENT && may_create(done)) {
        if (::mkdirat(at.get(), name.c_str(), 0755) != 0) {
          return Error::system_call("cannot make " + quoted(done), errno);
        }
        next = open_beneath(at.get(), name, O_PATH | O_DIRECTORY);
      }
      if (!next) return missing_mount_point(next.error(), done);
      at = std::move(*next);
    }
    return at;
  }

  static Error missing_mount_point(const Error& error, const std::string& path) {
    return Error(Errc::kInvalidMount, error.what())
        .hint("the mount point " + quoted(path) +
              " must be a plain directory or file on the host already: nothing is created in "
              "directories that are not redoubtful's, and no link is followed");
  }

  Result<UniqueFd> open_target(const std::string& target, mode_t type) {
    auto parent = open_parent(target);
    if (!parent) return parent;
    const std::string name(name_of(target));
    auto found = open_beneath(parent->get(), name, O_PATH);
    if (found || found.error().system_errno() != ENOENT || !may_create(target)) {
      if (!found) return missing_mount_point(found.error(), target);
      return found;
    }
    if (type == S_IFDIR) {
      if (::mkdirat(parent->get(), name.c_str(), 0755) != 0) {
        return Error::system_call("cannot make the mount point", errno);
      }
    } else {
      const UniqueFd file(::openat(parent->get(), name.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444));
      if (!file) return Error::system_call("cannot make the mount point", errno);
    }
    return open_beneath(parent->get(), name, O_PATH);
  }

  Result<void> carry_out(const MountStep& step) {
    switch (step.kind) {
      case StepKind::kDirectory: {
        auto made = open_target(step.target, S_IFDIR);
        if (!made) return std::move(made).error();
        return {};
      }
      case StepKind::kSymlink:
        return make_link(step);
      case StepKind::kFile:
        return make_file(step);
      case StepKind::kTmpfs: {
        auto target = open_target(step.target, S_IFDIR);
        if (!target) return std::move(target).error();
        // Sticky and open to all only where that is the custom; a home is its owner's.
        auto tree = make_tmpfs(step.part == StepPart::kHome ? "0700" : "1777");
        if (!tree) return std::move(tree).error();
        return attach_mount(tree->get(), target->get());
      }
      case StepKind::kBind:
        return bind(step);
      case StepKind::kCover:
        return cover(step);
    }
    return {};
  }

  Result<void> make_link(const MountStep& step) {
    auto parent = open_parent(step.target);
    if (!parent) return std::move(parent).error();
    if (!may_create(step.target)) return {};  // the host's own directory shows the host's own link
    if (::symlinkat(step.text.c_str(), parent->get(), std::string(name_of(step.target)).c_str()) !=
            0 &&
        errno != EEXIST) {
      return Error::system_call("cannot make the link", errno);
    }
    return {};
  }

  Result<void> make_file(const MountStep& step) {
    auto parent = open_parent(step.target);
    if (!parent) return std::move(parent).error();
    const std::string name(name_of(step.target));
    const UniqueFd file(::openat(parent->get(), name.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return Error::system_call("cannot make the file", errno);
    if (step.later) {
      if (auto kept = keep_writer(parent->get(), name); !kept) return kept;
    } else if (auto written = write_all(file.get(), step.text); !written) {
      return written;
    }
    if (::fchmod(file.get(), step.permissions) != 0) {
      return Error::system_call("cannot set the mode", errno);
    }
    return {};
  }

  // Opened through a mount of its own: one with a writer cannot be made read-only.
  Result<void> keep_writer(int parent, const std::string& name) {
    auto apart = clone_tree(parent, Depth::kThisMount);
    if (!apart) return std::move(apart).error();
    auto writer = open_beneath(apart->get(), name, O_WRONLY);
    if (!writer) return std::move(writer).error();
    writers_.push_back(std::move(*writer));
    return {};
  }

  Result<UniqueFd> clone_source(const MountStep& step) {
    auto source = open_source(step.source);
    if (!source) return std::move(source).error();
    struct stat info {};
    if (::fstat(source->get(), &info) != 0) return Error::system_call("cannot stat", errno);
    if (info.st_dev != step.facts.device || info.st_ino != step.facts.inode) {
      return Error(Errc::kInvalidMount,
                   quoted(step.source) + " was replaced while the box was built")
          .hint("somebody is changing it right now; try again");
    }
    return clone_tree(source->get());
  }

  Result<void> bind(const MountStep& step) {
    auto tree = clone_source(step);
    if (!tree) return std::move(tree).error();
    const std::uint64_t attributes =
        step.mode == MountMode::kReadWrite ? kSafeMount : kSafeMount | MOUNT_ATTR_RDONLY;
    if (auto set = set_mount_attributes(tree->get(), attributes, AT_RECURSIVE); !set) return set;
    auto target =
        open_target(step.target, step.facts.type == FileType::kDirectory ? S_IFDIR : S_IFREG);
    if (!target) return std::move(target).error();
    if (auto done = attach_mount(tree->get(), target->get()); !done) return done;
    if (step.part == StepPart::kUser && step.facts.type == FileType::kDirectory)
      trees_[step.target] = std::move(*tree);
    return {};
  }

  // Lays a file that was made here over one of the host's; both are walked to without links.
  Result<void> cover(const MountStep& step) {
    auto source = open_beneath(root_.get(), step.source.substr(1), O_PATH);
    if (!source) return std::move(source).error();
    auto tree = clone_tree(source->get());
    if (!tree) return std::move(tree).error();
    if (auto set = set_mount_attributes(tree->get(), kSafeMount | MOUNT_ATTR_RDONLY, 0); !set)
      return set;
    auto target = open_target(step.target, S_IFREG);
    if (!target) return std::move(target).error();
    return attach_mount(tree->get(), target->get());
  }

  Result<void> place_own_parts(const std::string& init_program) {
    MountStep init;
    init.target = kInitPath;
    init.source = init_program;
    struct stat info {};
    if (auto program = open_source(init_program); !program) {
      return std::move(program).error();
    } else if (::fstat(program->get(), &info) != 0) {
      return Error::system_call("cannot stat " + quoted(init_program), errno);
    }
    init.facts.device = info.st_dev;
    init.facts.inode = info.st_ino;
    if (auto done = bind(init); !done) return std::move(done).error().during("mounting init");
    MountStep mask;
    mask.target = kMaskFile;
    mask.permissions = 0;
    if (auto done = make_file(mask); !done) return done;
    auto directory = open_target(kMaskDirectory, S_IFDIR);
    if (!directory) return std::move(directory).error();
    auto parent = open_parent(kMaskDirectory);
    if (!parent) return std::move(parent).error();
    const std::string name(name_of(kMaskDirectory));
    if (::fchmodat(parent->get(), name.c_str(), 0, 0) != 0) {
      return Error::system_call("cannot set the mode of " + quoted(kMaskDirectory), errno);
    }
    return {};
  }

  Result<void> lay(const Overlay& overlay);

  const MountPlan& plan_;
  UniqueFd root_;     // of the view
  UniqueFd covered_;  // the host's own directory at kStagingRoot
  std::vector<const MountStep*> done_;
  std::map<std::string, UniqueFd> trees_;
  std::vector<UniqueFd> writers_;
};

Result<void> lay_over(int root, int target, OverlayKind kind) {
  Result<UniqueFd> tree = Error(Errc::kNone, "");
  if (kind == OverlayKind::kMask) {
    auto directory = is_directory(target);
    if (!directory) return std::move(directory).error();
    auto mask = open_beneath(root, (*directory ? kMaskDirectory : kMaskFile) + 1, O_PATH);
    if (!mask) return std::move(mask).error();
    tree = clone_tree(mask->get());
  } else {
    tree = clone_tree(target);
  }
  if (!tree) return std::move(tree).error();
  const std::uint64_t attributes =
      kind == OverlayKind::kPin ? kSafeMount : kSafeMount | MOUNT_ATTR_RDONLY;
  if (auto set = set_mount_attributes(tree->get(), attributes, AT_RECURSIVE); !set) return set;
  return attach_mount(tree->get(), target);
}

Result<void> Assembler::lay(const Overlay& overlay) {
  const auto tree = trees_.find(overlay.mount);
  if (tree == trees_.end()) return Error(Errc::kInvalidMount, "no such mount");
  auto target = open_beneath(tree->second.get(), overlay.path, O_PATH);
  if (!target) return std::move(target).error();
  return lay_over(root_.get(), target->get(), overlay.kind);
}

}  // namespace

Result<std::vector<UniqueFd>> attach_mounts(const MountPlan& plan,
                                            const std::vector<Overlay>& overlays,
                                            const std::string& init_program) {
  const mode_t mask = ::umask(0);
  Assembler assembler(plan);
  auto done = assembler.assemble(overlays, init_program);
  ::umask(mask);
  if (!done) return std::move(done).error();
  return assembler.take_writers();
}

Result<void> shield_device_nodes() {
  for (const char* node :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}) {
    auto place = open_resolved(AT_FDCWD, node, O_PATH | O_NOFOLLOW, 0);
    struct stat info {};
    if (!place || ::fstat(place->get(), &info) != 0 || !S_ISCHR(info.st_mode) ||
        info.st_uid != ::geteuid()) {
      continue;
    }
    auto tree = clone_tree(place->get());
    if (!tree) return std::move(tree).error().during(node);
    if (auto set = set_mount_attributes(tree->get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0);
        !set) {
      return std::move(set).error().during(node);
    }
    if (auto done = attach_mount(tree->get(), place->get()); !done) {
      return std::move(done).error().during(node);
    }
  }
  for (int number = 0; number < 3; ++number) {
    struct stat info {};
    if (::fstat(number, &info) != 0 || !S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) {
      continue;
    }
    const UniqueFd again(
        ::open("/dev/null", (::fcntl(number, F_GETFL) & O_ACCMODE) | O_NOCTTY | O_CLOEXEC));
    if (!again || ::dup2(again.get(), number) < 0) {
      return Error::system_call("cannot open /dev/null again", errno);
    }
  }
  return {};
}

Result<void> attach_overlay_again(int root, const Overlay& overlay) {
  const std::string path = overlay.mount + "/" + overlay.path;
  auto target = open_beneath(root, path.substr(1), O_PATH);
  if (!target) {
    if (target.error().system_errno() == ENOENT) return {};
    return std::move(target).error();
  }
  // stx_attributes tells a mount point's root from what lies under it (Linux 5.8).
  struct statx info {};
  if (::statx(target->get(), "", AT_EMPTY_PATH, STATX_TYPE, &info) != 0) {
    return Error::system_call("cannot stat " + quoted(path), errno);
  }
  if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) return {};
  auto laid = lay_over(root, target->get(), overlay.kind);
  // Replaced once more since it was opened: the watch tells of that one too.
  if (!laid && laid.error().system_errno() == ENOENT) return {};
  return laid;
}

}  // namespace redoubtful::cli
