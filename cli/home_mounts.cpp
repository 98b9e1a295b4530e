#include "cli/home_mounts.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxRecord = 4U << 20U;

std::vector<std::string> recorded(int record) {
  std::vector<std::string> paths;
  ::lseek(record, 0, SEEK_SET);
  auto text = read_file(record, kMaxRecord);
  if (!text) return paths;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) break;  // cut by a crash: it was not made
    paths.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return paths;
}

// Removes what was recorded, deepest first; what is no longer empty has become the agent's.
void remove_recorded(int home, int record) {
  auto paths = recorded(record);
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    const std::string parent = parent_of("/" + *path).substr(1);
    const std::string name(name_of(*path));
    auto directory = open_beneath(home, parent.empty() ? "." : parent, O_PATH | O_DIRECTORY);
    if (!directory) continue;
    struct stat info {};
    if (::fstatat(directory->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      ::unlinkat(directory->get(), name.c_str(), AT_REMOVEDIR);
    } else if (S_ISREG(info.st_mode) && info.st_size == 0) {
      ::unlinkat(directory->get(), name.c_str(), 0);
    }
  }
  if (::ftruncate(record, 0) != 0) return;  // it is read again, harmlessly, next time
}

// Makes `path` below `home`; records before it makes.
Result<void> make_mount_point(int home, int record, const std::string& path, FileType type) {
  std::size_t end = 0;
  std::string parent = ".";
  while (end != std::string::npos) {
    end = path.find('/', end == 0 ? 0 : end + 1);
    const std::string part = path.substr(0, end);
    const bool last = end == std::string::npos;
    const int flags = last ? O_PATH : O_PATH | O_DIRECTORY;
    auto here = open_beneath(home, part, flags);
    if (!here && here.error().system_errno() != ENOENT) {
      return Error(Errc::kInvalidMount, "the private home has " + quoted(part) +
                                            " in the place of a mount: " + here.error().what())
          .hint(
              "an earlier run put a link or a file there; `redoubtful home reset` makes the home "
              "new");
    }
    if (!here) {
      std::string line = part;
      line += '\0';
      if (auto written = write_all(record, line); !written) return written;
      auto above = open_beneath(home, parent, O_PATH | O_DIRECTORY);
      if (!above) return std::move(above).error();
      const std::string name(name_of(part));
      if (!last || type == FileType::kDirectory) {
        if (::mkdirat(above->get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
          return Error::system_call("cannot make the mount point " + quoted(part), errno);
        }
      } else {
        const UniqueFd file(::openat(above->get(), name.c_str(),
                                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file && errno != EEXIST) {
          return Error::system_call("cannot make the mount point " + quoted(part), errno);
        }
      }
    }
    parent = part;
  }
  return {};
}

}  // namespace

Result<HomeMounts> HomeMounts::prepare(const std::string& home, const MountPlan& plan) {
  HomeMounts out;
  auto directory = open_resolved(AT_FDCWD, home, O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
  if (!directory) return std::move(directory).error().during("the private home");
  auto record = open_resolved(AT_FDCWD, home + ".mounts", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW,
                              RESOLVE_NO_MAGICLINKS, 0600);
  if (!record) return std::move(record).error().during("the private home");
  out.home_ = std::move(*directory);
  if (::flock(record->get(), LOCK_EX | LOCK_NB) == 0)
    remove_recorded(out.home_.get(), record->get());
  if (::flock(record->get(), LOCK_SH) != 0) {
    return Error::system_call("cannot lock the private home", errno);
  }
  out.record_ = std::move(*record);
  const std::string prefix = plan.home + "/";
  std::vector<std::string> covered;  // binds below the home: the host's own directories
  for (const auto& step : plan.steps) {
    if (step.part == StepPart::kHome || !step.target.starts_with(prefix)) continue;
    const bool inside_bind = std::any_of(covered.begin(), covered.end(), [&](const auto& target) {
      return is_within(step.target, target);
    });
    if (inside_bind) continue;
    const FileType type = step.kind == StepKind::kBind    ? step.facts.type
                          : step.kind == StepKind::kCover ? FileType::kRegular
                                                          : FileType::kDirectory;
    if (auto made = make_mount_point(out.home_.get(), out.record_.get(),
                                     step.target.substr(prefix.size()), type);
        !made) {
      return std::move(made).error();
    }
    covered.push_back(step.target);
  }
  return out;
}

HomeMounts::~HomeMounts() {
  if (record_ && ::flock(record_.get(), LOCK_EX | LOCK_NB) == 0) {
    remove_recorded(home_.get(), record_.get());
  }
}

}  // namespace redoubtful::cli
