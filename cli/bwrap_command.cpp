#include "cli/bwrap_command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/host_files.hpp"
#include "cli/mount_attach.hpp"

namespace redoubtful::cli {
namespace {

// Entries that programs read and that stay: everybody may read them and nothing can be written.
constexpr std::array kHarmlessDirectories = {"self", "thread-self", "net", "sys", "tty", "sysvipc"};

}  // namespace

std::vector<std::string> bwrap_command(const BwrapRequest& request) {
  std::vector<std::string> out = {request.program,    "--unshare-all", "--unshare-user",
                                  "--share-net",      "--cap-drop",    "ALL",
                                  "--die-with-parent"};
  const auto add = [&out](std::initializer_list<std::string> words) {
    out.insert(out.end(), words.begin(), words.end());
  };
  if (!request.nested) add({"--disable-userns"});
  add({"--bind", kStagingRoot, "/", "--proc", "/proc", "--dev", "/dev"});
  // A device node bound without device access cannot even be opened.
  for (const auto& file : request.proc_files) add({"--ro-bind", "/dev/null", file});
  for (const auto& directory : request.proc_directories) {
    add({"--tmpfs", directory, "--remount-ro", directory});
  }
  for (const auto& path : request.proc_read_only) add({"--ro-bind", path, path});
  for (const int fd : request.seccomp_fds) add({"--add-seccomp-fd", std::to_string(fd)});
  add({"--chdir", "/", "--"});
  out.insert(out.end(), request.command.begin(), request.command.end());
  return out;
}

HiddenProc find_hidden_proc(Nesting nesting) {
  HiddenProc out;
  if (nesting == Nesting::kAllowed && ::geteuid() != 0) return out;
  // Keys are shown to whoever has the user's uid, in every namespace.
  for (const char* path : {"/proc/keys", "/proc/key-users"}) {
    if (machine_files().look(path).found()) out.files.emplace_back(path);
  }
  if (::geteuid() != 0) return out;
  // bwrap covers /proc/sys itself only where access(2) says that the directory is writable. It is
  // not, and its files are: they ask for uid 0 of the kernel, not for a capability.
  out.read_only.emplace_back("/proc/sys");
  for (const auto& name : machine_files().list("/proc")) {
    if (name.find_first_not_of("0123456789") == std::string::npos) continue;
    const std::string path = "/proc/" + name;
    const Lookup entry = machine_files().look(path);
    if (!entry.found() || std::find(out.files.begin(), out.files.end(), path) != out.files.end()) {
      continue;
    }
    if (entry.facts.type == FileType::kDirectory) {
      if (std::find(kHarmlessDirectories.begin(), kHarmlessDirectories.end(), name) ==
          kHarmlessDirectories.end()) {
        out.directories.push_back(path);
      }
    } else if (entry.facts.type == FileType::kRegular &&
               ((entry.facts.permissions & 0222U) != 0 || (entry.facts.permissions & 0004U) == 0)) {
      out.files.push_back(path);
    }
  }
  return out;
}

}  // namespace redoubtful::cli
