#include "cli/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "cli/host_files.hpp"
#include "cli/remove_tree.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {

Result<Scratch> Scratch::make() {
  const char* named = std::getenv("TMPDIR");
  // Real, so that what is shown is what a run sees.
  std::string base =
      resolve(machine_files(), named != nullptr && named[0] == '/' ? named : "/tmp").real;
  // The box has its own of these, and no project can lie there.
  for (const char* own : {"/dev", "/proc", "/run", "/sys"}) {
    if (is_within(base, own)) base = "/tmp";
  }
  std::string path = base + "/redoubtful-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return Error::system_call("cannot make a directory in " + quoted(base), errno)
        .hint("set TMPDIR to a directory that you may write");
  }
  Scratch out(path);
  if (::mkdir(out.home().c_str(), 0700) != 0 || ::mkdir(out.project().c_str(), 0755) != 0) {
    return Error::system_call("cannot make a directory in " + quoted(path), errno);
  }
  return out;
}

Scratch::Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Scratch::~Scratch() {
  if (path_.empty()) return;
  auto parent = open_resolved(AT_FDCWD, parent_of(path_), O_RDONLY | O_DIRECTORY, 0);
  if (!parent) return;
  // A destructor has nobody to tell; a temporary directory that stays is the system's to clear.
  static_cast<void>(remove_tree(parent->get(), std::string(name_of(path_))));
}

Result<void> Scratch::write(const std::string& path, const std::string& content) const {
  for (std::size_t at = path_.size() + 1; (at = path.find('/', at)) != std::string::npos; ++at) {
    if (::mkdir(path.substr(0, at).c_str(), 0755) != 0 && errno != EEXIST) {
      return Error::system_call("cannot make " + quoted(path.substr(0, at)), errno);
    }
  }
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return Error::system_call("cannot make " + quoted(path), errno);
  return write_all(file.get(), content);
}

std::vector<std::string> Scratch::environment() const {
  std::vector<std::string> out = {"HOME=" + home()};
  for (const char* name : {"PATH", "TERM", "LANG", "TMPDIR"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

Result<std::string> own_program() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0 || length == static_cast<ssize_t>(sizeof path)) {
    return Error::system_call("cannot find our own program", length < 0 ? errno : ENAMETOOLONG);
  }
  return std::string(path, static_cast<std::size_t>(length));
}

}  // namespace redoubtful::cli
