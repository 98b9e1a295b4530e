#include "cli/project_init.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/git_index.hpp"
#include "cli/path_text.hpp"
#include "cli/project.hpp"
#include "cli/project_layers.hpp"
#include "cli/rule_insertion.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr const char* kName = ".redoubtful.yaml";

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + shown(word);
  return out;
}

std::string hide_text(const ProjectLook& look, const std::vector<std::string>& tracked) {
  if (look.secret_files.empty()) {
    return "# filesystem:\n"
           "#   hide: [\"/.env\"]       # is there inside, and cannot be read\n\n";
  }
  std::string lines;
  bool any = false;
  for (const auto& file : look.secret_files) {
    const std::string glob = quoted(hide_glob(file));
    const bool in_git = contains(tracked, file);
    any = any || !in_git;
    lines +=
        in_git ? "    # - " + glob + "  # git tracks it, or one of its name: it cannot be hidden\n"
               : "    - " + glob + "  # looks like a secret: is there inside, cannot be read\n";
  }
  return "filesystem:\n  hide:" + std::string(any ? "" : " []") + "\n" + lines + "\n";
}

std::string allow_text(const ProjectLook& look) {
  std::string lines;
  const Layer forges = forge_layer(look);
  for (const auto& rule : forges.allow) {
    lines += "    - " + yaml_scalar(rule.value.text) + "  # " + rule.origin.file + "\n";
  }
  const bool any = !lines.empty();
  for (const auto& remote : look.unknown) {
    lines += "    # - " + yaml_scalar(remote.host) + "  # the git remote " + shown(remote.name) +
             ": if it is yours, take the first # off\n";
  }
  return "network:\n  allow:" + std::string(any ? "" : " []") + "\n" + lines;
}

// Files that git tracks of those listed; none where there is no repository.
std::vector<std::string> tracked_of(const Worktree& worktree,
                                    const std::vector<std::string>& files) {
  std::vector<std::string> out;
  if (worktree.git_directories.empty()) return out;
  auto git = open_resolved(AT_FDCWD, worktree.git_directories.front(), O_RDONLY | O_DIRECTORY,
                           RESOLVE_NO_SYMLINKS);
  if (!git) return out;
  const auto index = read_git_index(git->get());
  if (!index) return out;
  for (const auto& file : files) {
    // A name without a slash is hidden at any depth, and must then be tracked at none.
    const bool anywhere =
        file.find('/') == std::string::npos &&
        std::any_of(index->paths().begin(), index->paths().end(), [&](const std::string& path) {
          return std::string_view(path).ends_with("/" + file);
        });
    if (anywhere || index->tracks(file)) out.push_back(file);
  }
  return out;
}

}  // namespace

std::string project_profile_text(const ProjectLook& look, const std::vector<std::string>& tracked) {
  std::string out =
      "# What `redoubtful run` adds for this project. Whoever works here can change this file, an\n"
      "# agent too: it counts only as you accepted it, with `redoubtful trust`.\n"
      "description: " +
      quoted(std::string(name_of(look.top))) + "\n\n";
  if (look.toolchains.empty()) {
    out +=
        "# extends: [node]          # a toolchain: its registries, and what it needs of your "
        "home\n\n";
  } else {
    out +=
        "extends: [" + joined(look.toolchains) + "]  # because of " + joined(look.because) + "\n\n";
  }
  out += hide_text(look, tracked) + allow_text(look);
  out +=
      "  # publish: [3000]        # a dev server inside, on your localhost\n"
      "  # forward: [5432]        # a port of your localhost, inside\n\n"
      "# credentials:\n"
      "#   registry:              # the value stays outside; a surrogate is inside\n"
      "#     source: env:REGISTRY_TOKEN\n"
      "#     hosts: [registry.example.com]\n"
      "#     expose: {env: REGISTRY_TOKEN}\n";
  return out;
}

Result<std::string> write_project_profile(const Places& places, const std::string& directory) {
  auto look = look_at_project(places, directory);
  if (!look) return std::move(look).error();
  auto worktree = find_project_worktree(places, directory);
  if (!worktree) return std::move(worktree).error();
  const auto tracked = tracked_of(*worktree, look->secret_files);
  const std::string text = project_profile_text(*look, tracked);
  const std::string shown_path = places.shown(look->top + "/" + kName);
  auto top = open_resolved(AT_FDCWD, look->top, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (!top) return std::move(top).error();
  const UniqueFd file(
      ::openat(top->get(), kName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file && errno == EEXIST) {
    return Error(Errc::kInvalidProfile, shown_path + " is there already")
        .hint("redoubtful trust shows it and accepts it");
  }
  if (!file) return Error::system_call("cannot make " + shown_path, errno);
  if (auto written = write_all(file.get(), text); !written) return std::move(written).error();

  std::string said = "wrote " + shown_path + "\n";
  for (std::size_t i = 0; i < look->toolchains.size(); ++i) {
    said += "  " + look->toolchains[i] + ": there is " + shown(look->because[i]) + "\n";
  }
  for (const auto& remote : look->forges) {
    said += "  " + remote.host + ": the git remote " + shown(remote.name) + "\n";
  }
  for (const auto& remote : look->unknown) {
    said += "  " + remote.host + " (git remote " + shown(remote.name) +
            ") is in it, but not allowed: is it yours?\n";
  }
  for (const auto& secret : look->secret_files) {
    said += "  " + shown(secret) +
            (contains(tracked, secret) ? " looks like a secret, and git tracks one of this name\n"
                                       : " looks like a secret: hidden\n");
  }
  return said + "it counts when you have looked at it: redoubtful trust\n";
}

}  // namespace redoubtful::cli
