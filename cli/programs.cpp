#include "cli/programs.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

#include "cli/host_files.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::array kSystemDirectories = {"/usr/bin", "/bin", "/run/current-system/sw/bin"};

std::string own_prefix() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0 || length == static_cast<ssize_t>(sizeof path)) return "/usr";
  return parent_of(parent_of(std::string(path, static_cast<std::size_t>(length))));
}

Result<void> check_trusted(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error::system_call(quoted(path), errno);
  if (!S_ISREG(info.st_mode)) return Error(Errc::kMissingProgram, quoted(path) + " is no program");
  if (info.st_uid != 0 && info.st_uid != ::getuid()) {
    return Error(Errc::kMissingProgram, quoted(path) + " belongs to another user")
        .hint("it must belong to root or to you");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error(Errc::kMissingProgram, quoted(path) + " may be changed by others")
        .hint("chmod go-w " + shown(path));
  }
  if ((info.st_mode & (S_ISUID | S_ISGID)) != 0) {
    return Error(Errc::kMissingProgram,
                 quoted(path) + " is set-user-id, which no box may start from")
        .hint("chmod u-s,g-s " + path + "; unprivileged user namespaces make it needless");
  }
  return {};
}

}  // namespace

Result<std::string> find_system_program(const std::string& name) {
  for (const char* directory : kSystemDirectories) {
    std::string path = std::string(directory) + "/" + name;
    if (::access(path.c_str(), X_OK) != 0) continue;
    if (auto trusted = check_trusted(path); !trusted) return std::move(trusted).error();
    return path;
  }
  const std::string package = name == "bwrap" ? "bubblewrap" : name == "pasta" ? "passt" : name;
  return Error(Errc::kMissingProgram, name + " is not installed")
      .hint("install the package " + package + ", then try again (`redoubtful doctor` checks)");
}

Result<std::string> find_own_part(const std::string& name) {
  std::string path = own_prefix() + "/lib/redoubtful/" + name;
  if (::access(path.c_str(), X_OK) != 0) {
    return Error(Errc::kMissingProgram, "part of redoubtful is missing: " + quoted(path))
        .hint("install it again with packaging/quickstart");
  }
  if (auto trusted = check_trusted(path); !trusted) return std::move(trusted).error();
  return path;
}

std::vector<std::string> own_parts() {
  const std::string prefix = own_prefix();
  std::vector<std::string> out;
  for (const std::string& path :
       {std::string("/proc/self/exe"), prefix + "/lib/redoubtful", own_data_directory()}) {
    char real[PATH_MAX];
    if (::realpath(path.c_str(), real) != nullptr) out.emplace_back(real);
  }
  return out;
}

std::string own_data_directory() { return own_prefix() + "/share/redoubtful"; }

}  // namespace redoubtful::cli
