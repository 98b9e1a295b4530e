#include "cli/guarded_paths.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "cli/owned_path.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// Beside each: who obeys it without being asked.
constexpr std::string_view kNames[] = {
    // Our own: read by `redoubtful` at the next run, once trusted.
    ".redoubtful.yaml",
    // The shell, on cd.
    ".envrc",
    ".autoenv.zsh",
    ".mise.toml",
    "mise.toml",
    ".mise.local.toml",
    "mise.local.toml",
    ".mise",
    ".config/mise",
    ".config/mise.toml",
    ".rtx.toml",
    // Editors, on opening the folder or a file in it. devcontainer's initializeCommand runs
    // outside.
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".vscode/mcp.json",
    "*.code-workspace",
    ".idea",
    ".fleet",
    ".zed",
    ".devcontainer",
    ".devcontainer.json",
    ".exrc",
    ".nvimrc",
    ".nvim.lua",
    ".vimrc",
    ".lvimrc",
    ".vim",
    ".dir-locals.el",
    ".dir-locals-2.el",
    // Debuggers, on starting here.
    ".gdbinit",
    ".lldbinit",
    // git, on commit and checkout, through hooks that are already installed.
    ".husky",
    ".githooks",
    ".lefthook",
    "lefthook.yml",
    ".lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yaml",
    "lefthook-local.yml",
    ".pre-commit-config.yaml",
    ".overcommit.yml",
    // jj, on every command, in the versions that keep configuration in the repository.
    ".jj/repo/config.toml",
    ".jj/workspace-config.toml",
    // Agents, on starting here: hooks, MCP servers, commands that run a shell, base URLs.
    ".mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/commands",
    ".claude/agents",
    ".claude/skills",
    ".claude/hooks",
    ".claude/plugins",
    ".claude/output-styles",
    ".claude/statusline*",
    ".cursor",
    ".codex",
    ".opencode",
    "opencode.json",
    "opencode.jsonc",
    ".gemini",
    ".qwen",
    ".crush.json",
    "crush.json",
    ".crush",
    ".aider.conf.yml",
    ".continue",
    ".windsurf",
    ".roo",
    ".roomodes",
    ".kilocode",
    ".kiro",
    ".amazonq",
    ".augment",
    ".factory",
    ".copilot",
    ".junie",
    ".pi",
    ".amp",
    ".trae",
    ".goose",
    ".agents",
};

struct GitName {
  std::string_view text;
  GitGuard guard;
};

constexpr std::array<GitName, 5> kGitNames = {{
    {".git/hooks", GitGuard::kHooks},
    {".git/info/attributes", GitGuard::kAttributes},
    {".git/config", GitGuard::kConfig},
    {".git/commondir", GitGuard::kPointers},
    {".git/remotes", GitGuard::kRemotes},
}};

}  // namespace

const std::vector<std::string>& GuardRules::dependency_directories() {
  static const std::vector<std::string> kDirectories = {
      ".nox",          ".tox",          ".venv",
      "Pods",          "_deps",         "bower_components",
      "dist-packages", "jspm_packages", "node_modules",
      "site-packages", "target",        "vendor",
      "venv"};
  return kDirectories;
}

Result<GuardRules> GuardRules::build(std::span<const Sourced<std::string>> protect) {
  std::vector<std::string> names;
  for (const std::string_view name : kNames) names.emplace_back(name);
  // These count at any depth though a slash would anchor them.
  const std::set<std::string, std::less<>> built_in(names.begin(), names.end());
  GuardRules rules;
  for (const auto& name : kGitNames) rules.git_guards_.push_back(name.guard);
  for (const auto& entry : protect) {
    const auto fail = [&](Error error) {
      return std::move(error).during(entry.origin.text() + ": protect");
    };
    if (!entry.value.starts_with('!')) {
      if (auto glob = PathGlob::parse(entry.value); !glob) return fail(std::move(glob).error());
      names.push_back(entry.value);
      continue;
    }
    const std::string_view off = std::string_view(entry.value).substr(1);
    const auto git = std::find_if(kGitNames.begin(), kGitNames.end(),
                                  [&](const GitName& name) { return name.text == off; });
    const std::size_t taken =
        std::erase(names, off) +
        (git == kGitNames.end() ? 0 : std::erase(rules.git_guards_, git->guard));
    if (taken == 0) {
      std::vector<std::string_view> candidates(names.begin(), names.end());
      for (const auto& name : kGitNames) candidates.push_back(name.text);
      return fail(Error(Errc::kInvalidProfile, quoted(entry.value) +
                                                   " takes off what is not guarded" +
                                                   did_you_mean(off, candidates))
                      .hint("redoubtful show lists what is guarded"));
    }
  }
  for (const auto& name : names) {
    auto glob = PathGlob::parse(built_in.contains(name) ? "**/" + name : name);
    if (!glob) return std::move(glob).error().during("the built-in guarded paths");
    rules.globs_.add(std::move(*glob));
  }
  rules.full_names_ = rules.globs_.size();
  std::set<std::string> directories;
  for (const auto& name : names) {
    for (std::string above = parent_of(name); above.size() > 1; above = parent_of(above)) {
      if (above == "**" || !directories.insert(above).second) break;
      auto glob = PathGlob::parse(built_in.contains(name) ? "**/" + above : above);
      if (glob) rules.globs_.add(std::move(*glob));
    }
  }
  return rules;
}

bool GuardRules::guards(GitGuard what) const {
  return std::find(git_guards_.begin(), git_guards_.end(), what) != git_guards_.end();
}

std::vector<std::string> GuardRules::texts() const {
  std::vector<std::string> texts;
  for (const auto& name : kGitNames) {
    if (guards(name.guard)) texts.emplace_back(name.text);
  }
  for (std::size_t i = 0; i < full_names_; ++i) texts.push_back(globs_[i].text());
  return texts;
}

std::vector<GuardTarget> guard_targets(const std::vector<GuardedName>& read_only,
                                       const std::vector<std::string>& pinned,
                                       const std::vector<std::string>& hidden) {
  // Ordered by path, a directory stands before what lies in it.
  std::map<std::string, GuardTarget> targets;
  const auto below_hidden = [&](const std::string& path) {
    return std::any_of(hidden.begin(), hidden.end(),
                       [&](const std::string& other) { return is_within(path, other); });
  };
  const auto pin = [&](std::string path) {
    for (; !path.empty(); path = parent_of(path)) {
      if (!targets.emplace(path, GuardTarget{path, GuardTarget::Kind::kPin, EntryType::kDirectory})
               .second) {
        return;  // and with it all above
      }
    }
  };
  for (const auto& path : pinned) {
    if (!below_hidden(path)) pin(path);
  }
  for (const auto& name : read_only) {
    if (name.path.empty() || below_hidden(name.path)) continue;
    pin(parent_of(name.path));
    targets[name.path] = {name.path, GuardTarget::Kind::kReadOnly, name.type};
  }
  std::vector<GuardTarget> list;
  for (auto& [path, target] : targets) {
    bool covered = false;
    for (std::string above = parent_of(path); !above.empty() && !covered;
         above = parent_of(above)) {
      const auto found = targets.find(above);
      covered = found != targets.end() && found->second.kind == GuardTarget::Kind::kReadOnly;
    }
    if (!covered) list.push_back(target);
  }
  return list;
}

}  // namespace redoubtful::cli
