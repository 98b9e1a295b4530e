#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace redoubtful::cli {
namespace {

constexpr const char* kNames[] = {"standard input", "standard output", "standard error"};

struct Look {
  struct stat info {};
  std::optional<unsigned> terminal_device;
};

bool is_null_device(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(1, 3);
}

Result<Look> look_at(int fd) {
  Look look;
  if (::fstat(fd, &look.info) != 0) {
    return Error::system_call(std::string("cannot look at ") + kNames[fd], errno);
  }
  unsigned device = 0;
  // Names the real terminal even where the descriptor is /dev/tty.
  if (S_ISCHR(look.info.st_mode) && ::isatty(fd) == 1 && ::ioctl(fd, TIOCGDEV, &device) == 0) {
    look.terminal_device = device;
  }
  return look;
}

Result<void> admit(int fd, const struct stat& info) {
  const char* what = nullptr;
  if (S_ISDIR(info.st_mode)) what = "a directory";
  if (S_ISBLK(info.st_mode)) what = "a block device";
  if (S_ISLNK(info.st_mode)) what = "a symbolic link";
  if (what == nullptr) return {};
  return Error(Errc::kInvalidMount,
               std::string(kNames[fd]) + " is " + what + ", which would lead out of the box")
      .hint(fd == 0 ? "redirect it from a file or from /dev/null"
                    : "redirect it to a file or to /dev/null");
}

Result<void> make_pipe(int fd, StandardStream& stream) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error::system_call(std::string("cannot make a pipe for ") + kNames[fd], errno);
  }
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  stream.child = std::move(fd == 0 ? read_end : write_end);
  stream.ours = std::move(fd == 0 ? write_end : read_end);
  if (::fcntl(stream.ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Error::system_call("cannot prepare a pipe", errno);
  }
  return {};
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return Error::system_call(std::string("cannot duplicate ") + kNames[fd], errno);
  return copy;
}

Result<UniqueFd> open_null() {
  UniqueFd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!fd) return Error::system_call("cannot open /dev/null", errno);
  return fd;
}

// A FIFO with a name is a file of the host: it could be reopened for writing, and its mode changed.
bool is_anonymous_pipe(int fd, const struct stat& info) {
  struct statfs system {};
  return S_ISFIFO(info.st_mode) && ::fstatfs(fd, &system) == 0 && system.f_type == PIPEFS_MAGIC;
}

// `> log 2>&1`: one pipe keeps the order of what is written to both.
bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_rdev == b.st_rdev;
}

}  // namespace

Result<void> reserve_standard_descriptors() {
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is `fd`, because all below it are open.
    if (::open("/dev/null", O_RDWR) != fd) {
      return Error::system_call(std::string("cannot open /dev/null as ") + kNames[fd], errno);
    }
  }
  return {};
}

Result<StandardStreams> vet_standard_streams() {
  StandardStreams out;
  std::array<Look, 3> looks;
  for (int fd = 0; fd < 3; ++fd) {
    auto look = look_at(fd);
    if (!look) return std::move(look).error();
    if (auto admitted = admit(fd, look->info); !admitted) return std::move(admitted).error();
    looks[static_cast<std::size_t>(fd)] = *look;
    if (look->terminal_device && !out.terminal) out.terminal = fd;
  }
  for (int fd = 0; fd < 3; ++fd) {
    const Look& look = looks[static_cast<std::size_t>(fd)];
    StandardStream& stream = out.streams[static_cast<std::size_t>(fd)];
    if (look.terminal_device &&
        look.terminal_device == looks[static_cast<std::size_t>(*out.terminal)].terminal_device) {
      stream.kind = StreamKind::kTerminal;
      auto null = open_null();
      if (!null) return std::move(null).error();
      stream.child = std::move(*null);
    } else if (is_anonymous_pipe(fd, look.info) || is_null_device(look.info)) {
      stream.kind = StreamKind::kPassed;
      auto copy = duplicate(fd);
      if (!copy) return std::move(copy).error();
      stream.child = std::move(*copy);
    } else {
      stream.kind = StreamKind::kRelayed;
      StandardStream& output = out.streams[1];
      if (fd == 2 && output.kind == StreamKind::kRelayed && same_file(look.info, looks[1].info)) {
        stream.child.reset(::fcntl(output.child.get(), F_DUPFD_CLOEXEC, 3));
        if (!stream.child) return Error::system_call("cannot duplicate a pipe", errno);
      } else if (auto made = make_pipe(fd, stream); !made) {
        return std::move(made).error();
      }
    }
  }
  return out;
}

}  // namespace redoubtful::cli
