#include "cli/project_look.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "cli/git_config.hpp"
#include "cli/path_text.hpp"
#include "cli/project.hpp"
#include "common/file.hpp"
#include "common/host.hpp"
#include "common/secret_look.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxConfig = 1U << 20U;
constexpr std::size_t kMaxNames = 4096;  // of a directory: what lies behind is not looked at

struct Marker {
  std::string_view file;
  std::string_view profile;
};
constexpr auto kMarkers = std::to_array<Marker>({
    {"package.json", "node"},
    {"deno.json", "node"},
    {"Cargo.toml", "rust"},
    {"go.mod", "go"},
    {"go.work", "go"},
    {"pyproject.toml", "python"},
    {"requirements.txt", "python"},
    {"setup.py", "python"},
    {"uv.lock", "python"},
    {"Pipfile", "python"},
    {"pom.xml", "java"},
    {"build.gradle", "java"},
    {"build.gradle.kts", "java"},
    {"settings.gradle", "java"},
    {"settings.gradle.kts", "java"},
});

struct Forge {
  std::string_view host;
  std::array<std::string_view, 3> rules;
};
// Where each serves repositories, archives and raw files. Sources: the forges' documentation.
constexpr auto kForges = std::to_array<Forge>({
    {"github.com", {"github.com", "codeload.github.com", "*.githubusercontent.com"}},
    {"gitlab.com", {"gitlab.com"}},
    {"codeberg.org", {"codeberg.org"}},
    {"bitbucket.org", {"bitbucket.org"}},
    {"git.sr.ht", {"git.sr.ht"}},
    {"gitee.com", {"gitee.com"}},
    {"salsa.debian.org", {"salsa.debian.org"}},
    {"gitlab.freedesktop.org", {"gitlab.freedesktop.org"}},
    {"git.kernel.org", {"git.kernel.org"}},
    {"ssh.github.com", {"github.com", "codeload.github.com", "*.githubusercontent.com"}},
});

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  auto fd = open_resolved(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (!fd) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd->get()), ::closedir);
  if (!stream) return names;
  static_cast<void>(fd->release());
  while (const dirent* entry = ::readdir(stream.get())) {
    if (names.size() == kMaxNames) break;
    names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void add_toolchains(const std::vector<std::string>& names, ProjectLook& look) {
  for (const auto& marker : kMarkers) {
    if (!std::binary_search(names.begin(), names.end(), marker.file)) continue;
    const std::string profile(marker.profile);
    if (std::find(look.toolchains.begin(), look.toolchains.end(), profile) !=
        look.toolchains.end()) {
      continue;
    }
    look.toolchains.push_back(profile);
    look.because.emplace_back(marker.file);
  }
}

void add_remotes(const std::string& git_directory, ProjectLook& look) {
  auto file = open_resolved(AT_FDCWD, git_directory + "/config", O_RDONLY | O_NONBLOCK,
                            RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (!file) return;
  auto bytes = read_file(file->get(), kMaxConfig);
  if (!bytes) return;
  // What git would refuse names no remote.
  auto entries = parse_git_config(*bytes);
  if (!entries) return;
  for (const auto& entry : *entries) {
    if (entry.section() != "remote" || !entry.value) continue;
    if (entry.name() != "url" && entry.name() != "pushurl") continue;
    const auto host = Host::parse(remote_host(*entry.value));
    if (!host) continue;
    auto& list = forge_rules(host->text()).empty() ? look.unknown : look.forges;
    const bool known = std::any_of(list.begin(), list.end(),
                                   [&](const auto& remote) { return remote.host == host->text(); });
    if (!known) list.push_back({std::string(entry.subsection()), host->text()});
  }
}

}  // namespace

std::vector<std::string_view> forge_rules(std::string_view host) {
  std::vector<std::string_view> out;
  for (const auto& forge : kForges) {
    if (forge.host != host) continue;
    for (const auto rule : forge.rules) {
      if (!rule.empty()) out.push_back(rule);
    }
  }
  return out;
}

std::string remote_host(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) {
    // scp's form; with a slash before the colon it is a path.
    const std::size_t colon = url.find(':');
    const std::size_t slash = url.find('/');
    if (colon == std::string_view::npos || slash < colon) return {};
    const std::string_view authority = url.substr(0, colon);
    return std::string(authority.substr(authority.rfind('@') + 1));
  }
  const std::string_view name = url.substr(0, scheme);
  if (name != "https" && name != "http" && name != "ssh" && name != "git" && name != "git+ssh") {
    return {};
  }
  std::string_view authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  authority = authority.substr(authority.rfind('@') + 1);
  if (authority.starts_with('[')) return {};
  return std::string(authority.substr(0, authority.find(':')));
}

bool is_secret_name(std::string_view text) {
  const std::string name = lower_case(text);
  const auto ends = [&](std::string_view end) { return name.ends_with(end); };
  for (const auto* sample : {".example", ".sample", ".template", ".dist", ".pub", ".md"}) {
    if (ends(sample)) return false;
  }
  if (name == ".env" || name.starts_with(".env.") || (ends(".env") && name.size() > 4)) return true;
  for (const auto* key : {"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass",
                          ".htpasswd", "credentials.json", "secrets.json", "secrets.yaml",
                          "secrets.yml", "terraform.tfstate", "kubeconfig", ".vault-token"}) {
    if (name == key) return true;
  }
  if (name.starts_with("service-account") && ends(".json")) return true;
  return ends(".pem") || ends(".key") || ends(".p12") || ends(".pfx") || ends(".jks") ||
         ends(".keystore") || ends(".tfvars");
}

Result<ProjectLook> look_at_project(const Places& places, const std::string& directory) {
  auto worktree = find_project_worktree(places, directory);
  if (!worktree) return std::move(worktree).error();
  ProjectLook look;
  look.top = worktree->top;
  const auto at_top = names_in(look.top);
  add_toolchains(at_top, look);
  for (const auto& name : at_top) {
    if (is_secret_name(name)) look.secret_files.push_back(name);
  }
  if (is_within(directory, look.top) && directory != look.top) {
    const auto here = names_in(directory);
    add_toolchains(here, look);
    for (const auto& name : here) {
      if (is_secret_name(name)) {
        look.secret_files.push_back(directory.substr(look.top.size() + 1) + "/" + name);
      }
    }
  }
  for (const auto& git : worktree->git_directories) add_remotes(git, look);
  return look;
}

}  // namespace redoubtful::cli
