#include "cli/project_trust.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "cli/log.hpp"
#include "cli/path_text.hpp"
#include "cli/profile_loader.hpp"
#include "cli/project.hpp"
#include "cli/yaml_document.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kName = ".redoubtful.yaml";
constexpr std::size_t kMaxCompared = 4000;  // lines of both sides; beyond: one after the other

std::string trusted_copies(const Places& places) { return places.state + "/trust"; }
std::string copy_name(const std::string& path) { return project_key(parent_of(path)) + ".yaml"; }

// Never through a link: the agent would choose what is shown and accepted.
std::optional<std::string> read_there(const std::string& path) {
  auto fd =
      open_resolved(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
  if (!fd) return std::nullopt;
  auto text = read_file(fd->get(), kMaxYamlBytes);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// What a terminal must not obey is written out.
std::string safe(const std::string& line) {
  const std::string escaped = quoted(line, kMaxYamlBytes);
  const std::string inner = escaped.substr(1, escaped.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    const bool quote =
        inner[i] == '\\' && i + 1 < inner.size() && (inner[i + 1] == '"' || inner[i + 1] == '\\');
    if (quote) ++i;
    out += inner[i];
  }
  return out;
}

bool answered_yes() {
  std::fputs("accept exactly this? [y/N] ", stderr);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

}  // namespace

std::string difference(const std::string& before, const std::string& after) {
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  const std::size_t n = old_lines.size();
  const std::size_t m = new_lines.size();
  std::string out;
  const auto add = [&](char sign, const std::string& line) { out += sign + safe(line) + "\n"; };
  if (n + m > kMaxCompared) {
    for (const auto& line : old_lines) add('-', line);
    for (const auto& line : new_lines) add('+', line);
    return out;
  }
  // The longest common subsequence, from the end.
  std::vector<std::vector<unsigned short>> common(n + 1, std::vector<unsigned short>(m + 1, 0));
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      common[i][j] = old_lines[i] == new_lines[j]
                         ? static_cast<unsigned short>(common[i + 1][j + 1] + 1)
                         : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && old_lines[i] == new_lines[j]) {
      add(' ', new_lines[j]);
      ++i;
      ++j;
    } else if (i < n && (j == m || common[i + 1][j] >= common[i][j + 1])) {
      add('-', old_lines[i++]);
    } else {
      add('+', new_lines[j++]);
    }
  }
  return out;
}

std::optional<ProjectProfile> find_project_profile(const std::string& directory,
                                                   const Places& places) {
  std::string at = directory;
  while (at.size() > 1 && at != places.home) {
    ProjectProfile found;
    found.path = at + "/" + std::string(kName);
    struct stat info {};
    if (::lstat(found.path.c_str(), &info) == 0) {
      found.content = read_there(found.path);
      found.accepted = read_there(trusted_copies(places) + "/" + copy_name(found.path));
      return found;
    }
    if (::access((at + "/.git").c_str(), F_OK) == 0) break;
    at.resize(at.rfind('/'));
  }
  return std::nullopt;
}

std::string ignored_line(const ProjectProfile& profile, const Places& places) {
  const std::string name = "ignored " + places.shown(profile.path) + ": ";
  if (!profile.content) return name + "it is no regular file, or too long";
  return name +
         (profile.accepted ? "it has changed since it was accepted"
                           : "the agent can write it, so it grants nothing") +
         "; to look at it and accept it: redoubtful trust";
}

Result<int> trust(const Places& places, const std::string& directory) {
  auto found = find_project_profile(directory, places);
  if (!found) {
    return Error(Errc::kInvalidProfile, "there is no " + std::string(kName) + " here")
        .hint("`redoubtful init` writes one");
  }
  const std::string file = places.shown(found->path);
  if (!found->content) {
    return Error(Errc::kInvalidProfile, file + " is no regular file, or longer than " +
                                            std::to_string(kMaxYamlBytes) + " bytes");
  }
  auto layer = load_layer(*found->content, file, file);
  if (!layer) return std::move(layer).error();
  if (found->trusted()) {
    log::note(file + " is accepted as it is");
    return 0;
  }
  const std::string changes = difference(found->accepted.value_or(std::string()), *found->content);
  std::fwrite(changes.data(), 1, changes.size(), stdout);
  std::fflush(stdout);
  if (::isatty(STDIN_FILENO) == 1 && !answered_yes()) {
    log::note("nothing was accepted");
    return 1;
  }
  auto copies = open_private_directory(trusted_copies(places));
  if (!copies) return std::move(copies).error();
  // What was shown, whatever the file says by now.
  auto kept = replace_file(copies->get(), copy_name(found->path), *found->content, 0600);
  if (!kept) return std::move(kept).error();
  log::note("accepted " + file + "; a changed file is ignored until you accept that");
  return 0;
}

}  // namespace redoubtful::cli
