#include "cli/control_group.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <utility>

#include "cli/host_files.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kPrefix = "redoubtful-";
constexpr const char* kInner = "box";
constexpr std::size_t kMaxFile = 65536;

// The piece in front of the next `separator`, which is taken off `text`.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return piece;
}

bool lists(std::string_view list, char separator, std::string_view wanted) {
  while (!list.empty()) {
    if (take(list, separator) == wanted) return true;
  }
  return false;
}

// mountinfo writes space, tab, newline and backslash as octal escapes.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    if (text[i] == '\\' && i + 3 < text.size()) {
      const auto parsed = std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8);
      if (parsed.ptr == text.data() + i + 4 && value < 256) {
        out += static_cast<char>(value);
        i += 3;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

struct Membership {
  std::optional<std::string> one;  // path in the version 1 hierarchy with the controller
  std::optional<std::string> two;
};

Membership memberships(std::string_view groups, std::string_view controller) {
  Membership out;
  while (!groups.empty()) {
    std::string_view line = take(groups, '\n');
    const std::string_view number = take(line, ':');
    const std::string_view controllers = take(line, ':');
    if (number == "0" && controllers.empty()) {
      out.two = std::string(line);
    } else if (lists(controllers, ',', controller)) {
      out.one = std::string(line);
    }
  }
  return out;
}

// Where `path` of a hierarchy shows below a mount of its subtree `root`.
std::optional<std::string> seen_through(const std::string& path, const std::string& root,
                                        const std::string& mount_point) {
  if (path.find("/..") != std::string::npos || !is_within(path, root)) return std::nullopt;
  const std::string below = root == "/" ? path : path.substr(root.size());
  return below.empty() || below == "/" ? mount_point : mount_point + below;
}

std::string read_small(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  return text ? std::move(*text) : std::string();
}

bool has_all(const std::string& list, const std::vector<std::string>& controllers) {
  std::string_view text = list;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return std::all_of(controllers.begin(), controllers.end(),
                     [&](const auto& controller) { return lists(text, ' ', controller); });
}

Result<void> write_value(const std::string& path, const std::string& value) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return Error::system_call("cannot open " + quoted(path), errno);
  if (::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return Error::system_call("cannot write " + quoted(value) + " to " + quoted(path), errno);
  }
  return {};
}

// A member of a finished process is gone a moment after its parent was told.
void remove_directory(const std::string& path) {
  for (int tries = 0; tries < 100; ++tries) {
    if (::rmdir(path.c_str()) == 0 || errno != EBUSY) return;
    const timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&moment, nullptr);
  }
}

// Takes away what a killed run left in `parent`: not locked, and empty.
void remove_stale(const std::string& parent) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(parent.c_str()), ::closedir);
  if (!directory) return;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (!std::string_view(entry->d_name).starts_with(kPrefix)) continue;
    const std::string path = parent + "/" + entry->d_name;
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;
    ::unlinkat(fd.get(), kInner, AT_REMOVEDIR);
    ::rmdir(path.c_str());
  }
}

// May a group with `controllers` be made in `place`, once they are handed on?
Result<void> prepare_place(const std::string& place, const std::vector<std::string>& controllers) {
  for (const std::string& path : {place, place + "/cgroup.procs"}) {
    if (::access(path.c_str(), W_OK) != 0) {
      return Error::system_call("may not write " + quoted(path), errno);
    }
  }
  const std::string control = place + "/cgroup.subtree_control";
  if (has_all(read_small(control), controllers)) return {};
  std::string request;
  for (const auto& controller : controllers) request += "+" + controller + " ";
  request.pop_back();
  return write_value(control, request);
}

}  // namespace

std::optional<OwnGroup> find_own_group(std::string_view groups, std::string_view mounts,
                                       std::string_view controller) {
  const Membership member = memberships(groups, controller);
  const GroupVersion version = member.one ? GroupVersion::kOne : GroupVersion::kTwo;
  const auto& path = member.one ? member.one : member.two;
  if (!path) return std::nullopt;
  std::optional<OwnGroup> found;
  while (!mounts.empty()) {
    std::string_view line = take(mounts, '\n');
    for (int skipped = 0; skipped < 3; ++skipped) take(line, ' ');
    const std::string root = unescaped(take(line, ' '));
    const std::string mount_point = unescaped(take(line, ' '));
    while (!line.empty() && take(line, ' ') != "-") {
    }
    const std::string_view type = take(line, ' ');
    take(line, ' ');
    if (version == GroupVersion::kTwo ? type != "cgroup2"
                                      : type != "cgroup" || !lists(line, ',', controller)) {
      continue;
    }
    // A later mount covers an earlier one at the same place.
    if (auto directory = seen_through(*path, root, mount_point)) {
      found = OwnGroup{.version = version, .directory = std::move(*directory), .top = mount_point};
    }
  }
  return found;
}

Result<ControlGroup> ControlGroup::create(const OwnGroup& own,
                                          const std::vector<std::string>& controllers) {
  ControlGroup group;
  group.version_ = own.version;
  group.own_ = own.directory;
  if (own.version == GroupVersion::kOne) {
    group.parent_ = own.directory;
  } else {
    std::optional<Error> nearest;
    for (std::string place = own.directory;; place = parent_of(place)) {
      auto ready = prepare_place(place, controllers);
      if (ready) {
        group.parent_ = place;
        break;
      }
      // Our own group always refuses, for we are in it; the reason that helps is the next one's.
      if (!nearest || nearest->what().find("subtree_control") != std::string::npos) {
        nearest = std::move(ready).error();
      }
      if (place == own.top || !is_within(place, own.top)) return std::move(*nearest);
    }
  }
  remove_stale(group.parent_);
  const std::string base = group.parent_ + "/" + std::string(kPrefix) + std::to_string(::getpid());
  for (int number = 0; number < 100; ++number) {
    const std::string path = base + "-" + std::to_string(number);
    if (::mkdir(path.c_str(), 0755) != 0) {
      if (errno == EEXIST) continue;
      return Error::system_call("cannot make the control group " + quoted(path), errno);
    }
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Between the two calls another run may have taken it for a stale one.
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (::mkdirat(fd.get(), kInner, 0755) != 0) {
      const int reason = errno;
      ::rmdir(path.c_str());
      if (reason == ENOENT || reason == ENODEV) continue;
      return Error::system_call("cannot make a control group in " + quoted(path), reason);
    }
    group.directory_ = path;
    group.lock_ = std::move(fd);
    return group;
  }
  return Error(Errc::kSystemCall, "cannot make a control group in " + quoted(group.parent_));
}

ControlGroup::ControlGroup(ControlGroup&& other) noexcept
    : version_(other.version_),
      parent_(std::move(other.parent_)),
      directory_(std::exchange(other.directory_, {})),
      own_(std::move(other.own_)),
      lock_(std::move(other.lock_)) {}

ControlGroup& ControlGroup::operator=(ControlGroup&& other) noexcept {
  if (this != &other) {
    remove();
    version_ = other.version_;
    parent_ = std::move(other.parent_);
    directory_ = std::exchange(other.directory_, {});
    own_ = std::move(other.own_);
    lock_ = std::move(other.lock_);
  }
  return *this;
}

ControlGroup::~ControlGroup() { remove(); }

void ControlGroup::remove() noexcept {
  if (directory_.empty()) return;
  remove_directory(directory_ + "/" + kInner);
  remove_directory(directory_);
  directory_.clear();
  lock_.reset();
}

Result<void> ControlGroup::write(const std::string& file, const std::string& value) const {
  return write_value(directory_ + "/" + file, value);
}

std::uint64_t ControlGroup::counter(const std::string& file, std::string_view key) const {
  std::uint64_t total = 0;
  for (const std::string& directory : {directory_, directory_ + "/" + kInner}) {
    const std::string content = read_small(directory + "/" + file);
    std::string_view text = content;
    while (!text.empty()) {
      std::string_view line = take(text, '\n');
      if (take(line, ' ') != key) continue;
      std::uint64_t value = 0;
      std::from_chars(line.data(), line.data() + line.size(), value);
      total += value;
    }
  }
  return total;
}

std::optional<std::uint64_t> ControlGroup::tightest(const std::string& file) const {
  std::optional<std::uint64_t> out;
  for (std::string place = own_; place != parent_ && is_within(place, parent_);
       place = parent_of(place)) {
    const std::string text = read_small(place + "/" + file);
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc() && (!out || value < *out)) out = value;
  }
  return out;
}

Result<void> ControlGroup::enter() const {
  return write_value(directory_ + "/" + kInner + "/cgroup.procs", "0");
}

}  // namespace redoubtful::cli
