#include "cli/tree_scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "cli/beneath.hpp"
#include "common/file.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxEntries = 20'000'000;
constexpr std::size_t kMaxPath = PATH_MAX - 1;

EntryType type_of(int directory, const dirent64& entry) {
  switch (entry.d_type) {
    case DT_REG:
      return EntryType::kFile;
    case DT_DIR:
      return EntryType::kDirectory;
    case DT_LNK:
      return EntryType::kSymlink;
    case DT_SOCK:
      return EntryType::kSocket;
    case DT_FIFO:
      return EntryType::kFifo;
    case DT_UNKNOWN: {
      struct stat info {};
      if (::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return EntryType::kOther;  // gone since
      }
      return entry_type(info.st_mode);
    }
    default:
      return EntryType::kOther;
  }
}

// A directory still to be read.
struct Pending {
  std::string path;
  bool in_dependencies = false;
  bool is_git_directory = false;  // already in the list of repositories
  std::uint64_t mount = 0;        // of the directory above; 0: the mount that is searched
};

// statfs(2) types of what the kernel makes up. devtmpfs says tmpfs and is told by its device.
constexpr std::array<std::uint32_t, 18> kKernelTypes = {
    PROC_SUPER_MAGIC,       SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
    DEVPTS_SUPER_MAGIC,     DEBUGFS_MAGIC,  TRACEFS_MAGIC,      SECURITYFS_MAGIC,
    BPF_FS_MAGIC,           EFIVARFS_MAGIC, BINFMTFS_MAGIC,     PSTOREFS_MAGIC,
    SELINUX_MAGIC,          SMACK_MAGIC,    NSFS_MAGIC,         AUTOFS_SUPER_MAGIC,
    0x19800202U /*mqueue*/, 0x62656570U /*configfs*/};

bool is_kernels(int directory) {
  struct statfs system {};
  if (::fstatfs(directory, &system) != 0) return true;
  const auto type = static_cast<std::uint32_t>(system.f_type);
  if (std::find(kKernelTypes.begin(), kKernelTypes.end(), type) != kKernelTypes.end()) return true;
  struct stat here {};
  struct stat devices {};
  struct stat root {};
  return ::fstat(directory, &here) != 0 ||
         (::stat("/dev", &devices) == 0 && ::stat("/", &root) == 0 &&
          devices.st_dev != root.st_dev && here.st_dev == devices.st_dev);
}

std::uint64_t mount_of(int directory) {
  struct statx info {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) != 0) return 0;
  return info.stx_mnt_id;
}

class Scanner {
 public:
  Scanner(int mount, const ScanRequest& request, TreeScan& scan)
      : mount_(mount), request_(request), scan_(scan) {}

  Result<void> run() {
    pending_.push_back({});
    while (!pending_.empty()) {
      Pending next = std::move(pending_.back());
      pending_.pop_back();
      if (auto read = read_directory(next); !read) return std::move(read).error();
    }
    const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
    std::sort(scan_.repositories.begin(), scan_.repositories.end(), by_path);
    std::sort(scan_.guarded.begin(), scan_.guarded.end(), by_path);
    std::sort(scan_.hidden.begin(), scan_.hidden.end(), by_path);
    std::sort(scan_.sockets.begin(), scan_.sockets.end());
    std::sort(scan_.masked_mounts.begin(), scan_.masked_mounts.end());
    return {};
  }

 private:
  // As long as no other mount was entered the kernel tells at no cost where one begins.
  Result<UniqueFd> open(Pending& directory) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
    constexpr auto kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    if (directory.mount == 0) {
      auto opened = open_resolved(mount_, directory.path.empty() ? "." : directory.path, kFlags,
                                  kBeneath | RESOLVE_NO_XDEV);
      if (opened || directory.path.empty() || opened.error().system_errno() != EXDEV) return opened;
    }
    // By O_PATH first: reading an automount's directory would mount it.
    auto place = open_resolved(mount_, directory.path, O_PATH | O_DIRECTORY | O_NOFOLLOW, kBeneath);
    if (!place) return place;
    const std::uint64_t mount = mount_of(place->get());
    if (mount != directory.mount || mount == 0) {
      if (!enters(directory.path, place->get(), mount)) return UniqueFd();
      directory.mount = mount;
    }
    return open_resolved(place->get(), ".", kFlags, kBeneath);
  }

  bool enters(const std::string& path, int place, std::uint64_t mount) {
    if (request_.mounts != nullptr && !request_.mounts->contains(mount)) return false;
    struct stat info {};
    const bool hidden =
        ::fstat(place, &info) != 0 || is_kernels(place) ||
        (request_.never_shown != nullptr &&
         std::find(request_.never_shown->begin(), request_.never_shown->end(),
                   FileIdentity{info.st_dev, info.st_ino}) != request_.never_shown->end());
    (hidden ? scan_.masked_mounts : scan_.mount_points).push_back(path);
    if (!hidden) scan_.mounts.insert(mount);
    return !hidden;
  }

  Result<void> read_directory(Pending& directory) {
    const bool top = directory.path.empty();
    auto opened = open(directory);
    if (opened && !*opened) return {};
    if (!opened) {
      const int reason = opened.error().system_errno();
      if (top) return std::move(opened).error();
      if (reason != ENOENT && reason != ENOTDIR && reason != ELOOP) {
        scan_.unreadable.push_back(directory.path);
      }
      return {};
    }
    ++scan_.directories;
    parts_ = 0;
    for (;;) {
      const ssize_t got = ::getdents64(opened->get(), buffer_, sizeof buffer_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        if (top) return Error::system_call("cannot read the mount's directory", errno);
        scan_.unreadable.push_back(directory.path);
        break;
      }
      if (got == 0) break;
      for (ssize_t at = 0; at < got;) {
        const auto* entry = reinterpret_cast<const dirent64*>(buffer_ + at);
        at += entry->d_reclen;
        take(directory, opened->get(), *entry);
      }
      if (scan_.entries > kMaxEntries) {
        return Error(Errc::kInvalidMount, "more than 20 million files below the mount")
            .hint("mount a smaller directory");
      }
    }
    if (!directory.is_git_directory) note_repository(directory.path);
    return {};
  }

  void take(const Pending& directory, int fd, const dirent64& entry) {
    const std::string_view name = entry.d_name;
    if (name == "." || name == "..") return;
    ++scan_.entries;
    const EntryType type = type_of(fd, entry);
    if (name == "HEAD") parts_ |= kHead;
    if (name == "objects") parts_ |= kObjects;
    if (name == "refs") parts_ |= kRefs;
    if (name == "commondir") parts_ |= kCommondir;

    if (request_.hide != nullptr) {
      if (const auto glob = request_.hide->match(directory.path, name, type)) {
        scan_.hidden.push_back({joined(directory.path, name), type, *glob});
        return;
      }
    }
    if (type == EntryType::kSocket || type == EntryType::kFifo) {
      scan_.sockets.push_back(joined(directory.path, name));
    }
    if (request_.guard != nullptr && !directory.in_dependencies) {
      if (const auto glob = request_.guard->match(directory.path, name, type)) {
        scan_.guarded.push_back({joined(directory.path, name), type, *glob});
      }
    }
    const bool dot_git = name == ".git";
    if (dot_git) {
      using Kind = FoundRepository::Kind;
      const Kind kind = type == EntryType::kDirectory ? Kind::kGitDirectory
                        : type == EntryType::kSymlink ? Kind::kGitSymlink
                                                      : Kind::kGitFile;
      scan_.repositories.push_back({joined(directory.path, name), kind});
    }
    if (type != EntryType::kDirectory) return;
    Pending next{joined(directory.path, name), directory.in_dependencies, dot_git, directory.mount};
    if (next.path.size() > kMaxPath) {
      scan_.unreadable.push_back(std::move(next.path));
      return;
    }
    if (request_.dependency_directories != nullptr && !next.in_dependencies) {
      next.in_dependencies = std::binary_search(request_.dependency_directories->begin(),
                                                request_.dependency_directories->end(), name);
    }
    pending_.push_back(std::move(next));
  }

  void note_repository(const std::string& path) {
    using Kind = FoundRepository::Kind;
    if ((parts_ & (kHead | kObjects | kRefs)) == (kHead | kObjects | kRefs)) {
      scan_.repositories.push_back({path, Kind::kBare});
    } else if ((parts_ & (kHead | kCommondir)) == (kHead | kCommondir)) {
      scan_.repositories.push_back({path, Kind::kLinked});
    }
  }

  static constexpr unsigned kHead = 1;
  static constexpr unsigned kObjects = 2;
  static constexpr unsigned kRefs = 4;
  static constexpr unsigned kCommondir = 8;

  const int mount_;
  const ScanRequest& request_;
  TreeScan& scan_;
  std::vector<Pending> pending_;
  unsigned parts_ = 0;
  alignas(dirent64) char buffer_[64 * 1024];
};

}  // namespace

Result<TreeScan> scan_tree(int directory, const ScanRequest& request) {
  TreeScan scan;
  const auto scanner = std::make_unique<Scanner>(directory, request, scan);
  if (auto done = scanner->run(); !done) {
    return std::move(done).error().during("looking through the mounted tree");
  }
  return scan;
}

}  // namespace redoubtful::cli
