#include "cli/places.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "cli/programs.hpp"
#include "cli/value_syntax.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::string below(const std::optional<std::string>& base, const std::string& otherwise) {
  if (!base || !base->starts_with('/')) return otherwise;
  auto path = parse_path(*base);
  if (!path) return otherwise;
  return *path + "/redoubtful";
}

}  // namespace

std::string Places::shown(const std::string& path) const {
  if (path.size() > home.size() && path.starts_with(home) && path[home.size()] == '/') {
    return redoubtful::shown("~" + path.substr(home.size()));
  }
  return redoubtful::shown(path);
}

std::string Places::expanded(const std::string& path) const {
  return path.starts_with("~/") ? home + path.substr(1) : path;
}

PlaceVariables PlaceVariables::from_environment() {
  return {variable("HOME"), variable("XDG_CONFIG_HOME"), variable("XDG_STATE_HOME"),
          variable("XDG_RUNTIME_DIR")};
}

Result<Places> find_places(const PlaceVariables& variables) {
  if (!variables.home || variables.home->empty()) {
    return Error(Errc::kInvalidProfile, "HOME is not set, so there is no place for configuration")
        .hint("set HOME to your home directory");
  }
  auto home = variables.home->starts_with('/')
                  ? parse_path(*variables.home)
                  : Result<std::string>(Error(Errc::kInvalidProfile, "it is not absolute"));
  if (!home) {
    return Error(Errc::kInvalidProfile,
                 "HOME is " + quoted(*variables.home) + ": " + home.error().what())
        .hint("set HOME to the absolute path of your home directory");
  }
  Places places;
  places.home = *std::move(home);
  places.config = below(variables.xdg_config_home, places.home + "/.config/redoubtful");
  places.state = below(variables.xdg_state_home, places.home + "/.local/state/redoubtful");
  places.runtime = below(variables.xdg_runtime_dir, "");
  places.system_config = "/etc/redoubtful";
  places.builtin_profiles = own_data_directory() + "/profiles";
  return places;
}

Result<UniqueFd> open_owned_directory(int directory, const std::string& name) {
  const auto failed = [&](std::string_view what) {
    return Error::system_call(std::string(what) + " " + quoted(name, 80), errno);
  };
  UniqueFd place(::openat(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!place) return failed("cannot open the directory");
  struct stat info {};
  if (::fstat(place.get(), &info) != 0) return failed("cannot stat");
  if (info.st_uid != ::geteuid()) {
    return Error(Errc::kInvalidMount, "the directory " + quoted(name, 80) + " belongs to user " +
                                          std::to_string(info.st_uid) + ", not to you");
  }
  // By descriptor: what has the name by now may be a link.
  const std::string link = "/proc/self/fd/" + std::to_string(place.get());
  if ((info.st_mode & 0777U) != 0700 && ::chmod(link.c_str(), 0700) != 0) {
    return failed("cannot make private");
  }
  UniqueFd fd(::open(link.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed("cannot read the directory");
  return fd;
}

Result<UniqueFd> open_private_directory_at(int directory, const std::string& name) {
  if (::mkdirat(directory, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error::system_call("cannot create the directory " + quoted(name, 80), errno);
  }
  return open_owned_directory(directory, name);
}

Result<UniqueFd> open_private_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const auto during = [&](Error error) { return std::move(error).during("in " + quoted(path)); };
  // Ancestors are the user's own ($HOME, ~/.local), and may be links; only ours may not.
  for (std::size_t next = path.find('/', 1); next != std::string::npos && next <= slash;
       next = path.find('/', next + 1)) {
    if (::mkdir(path.substr(0, next).c_str(), 0700) != 0 && errno != EEXIST) {
      return during(Error::system_call("cannot create " + quoted(path.substr(0, next)), errno));
    }
  }
  UniqueFd parent(::open(path.substr(0, std::max<std::size_t>(slash, 1)).c_str(),
                         O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent) return during(Error::system_call("cannot open its parent", errno));
  auto fd = open_private_directory_at(parent.get(), path.substr(slash + 1));
  if (!fd) return during(std::move(fd).error());
  return fd;
}

}  // namespace redoubtful::cli
