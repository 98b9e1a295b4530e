#include "cli/project.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kHashDigits = 16;
constexpr std::size_t kMaxNameBytes = 40;

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Result<std::string> real_path(const std::string& directory) {
  if (directory.empty()) {
    return Error(Errc::kInvalidMount, "the current directory no longer exists")
        .hint("change to a directory that exists, or use -C");
  }
  const std::unique_ptr<char, void (*)(void*)> path(::realpath(directory.c_str(), nullptr), ::free);
  if (!path) {
    return Error(Errc::kInvalidMount,
                 Error::system_call("there is no directory " + quoted(directory), errno).what());
  }
  return std::string(path.get());
}

}  // namespace

Result<Worktree> find_project_worktree(const Places& places, const std::string& directory) {
  auto real = real_path(directory);
  if (!real) return std::move(real).error();
  WorktreeLimits limits{.home = places.home, .private_places = {}, .owner = ::geteuid()};
  if (auto home = real_path(places.home)) limits.home = *home;
  for (const auto& place : {places.config, places.state, places.runtime}) {
    if (auto known = real_path(place)) limits.private_places.push_back(*known);
  }
  return find_worktree(*real, limits);
}

Result<std::string> find_project(const Places& places, const std::string& directory) {
  auto worktree = find_project_worktree(places, directory);
  if (!worktree) return std::move(worktree).error();
  return std::move(worktree->top);
}

std::string project_key(const std::string& real_project_path) {
  std::string name = real_project_path.substr(real_project_path.rfind('/') + 1, kMaxNameBytes);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !plain(c); }, '_');
  if (name.empty()) name = "root";
  if (name.front() == '.') name.front() = '_';
  const boost::uuids::name_generator_sha1 generate(boost::uuids::ns::url());
  const boost::uuids::uuid hash = generate(real_project_path.data(), real_project_path.size());
  std::string digits;
  for (const char c : boost::uuids::to_string(hash)) {
    if (c != '-' && digits.size() < kHashDigits) digits += c;
  }
  return name + "-" + digits;
}

bool is_project_key(std::string_view name) {
  if (name.size() <= kHashDigits + 1 || name.front() == '.') return false;
  const std::string_view digits = name.substr(name.size() - kHashDigits);
  return name[name.size() - kHashDigits - 1] == '-' &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), plain);
}

std::string project_config_path(const Places& places, const std::string& real_project_path) {
  return places.config + "/projects/" + project_key(real_project_path) + ".yaml";
}

}  // namespace redoubtful::cli
