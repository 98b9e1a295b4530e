#include "cli/project_layers.hpp"

#include <fcntl.h>
#include <linux/openat2.h>

#include <algorithm>

#include "cli/path_glob.hpp"
#include "cli/project.hpp"
#include "common/file.hpp"
#include "common/network_rules.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kNamed = 5;             // the line stays a line
constexpr std::string_view kSaid = "/named";  // in the state directory: what was named, by project

std::string remote_text(const ProjectLook::Remote& remote) {
  return "the git remote " + shown(remote.name);
}

bool is_allowed(const NetworkProfile& network, const std::string& host) {
  auto parsed = Host::parse(host);
  auto port = Port::parse("443");
  if (!parsed || !port) return false;
  return decide(network, {*parsed, *port, Scheme::kHttps, "GET", "/"}).decision != Decision::kDeny;
}

}  // namespace

Layer forge_layer(const ProjectLook& look) {
  Layer layer;
  layer.name = "git remotes";
  layer.file = "git remotes";
  for (const auto& remote : look.forges) {
    for (const auto text : forge_rules(remote.host)) {
      auto rule = HostRule::parse(text);
      const bool twice = std::any_of(layer.allow.begin(), layer.allow.end(),
                                     [&](const auto& other) { return other.value.text == text; });
      if (rule && !twice)
        layer.allow.push_back({*std::move(rule), {remote_text(remote), 0, 0, {}}});
    }
  }
  return layer;
}

std::string seen_line(const ProjectLook& look) {
  std::string out;
  const auto add = [&](const std::string& what, const std::string& why) {
    out += (out.empty() ? "" : ", ") + what + " (" + why + ")";
  };
  for (std::size_t i = 0; i < look.toolchains.size(); ++i) {
    add(look.toolchains[i], look.because[i]);
  }
  for (const auto& remote : look.forges) add(remote.host, remote_text(remote));
  return out.empty() ? out : "the project uses, so allowed are: " + out;
}

std::vector<std::string> unknown_lines(const ProjectLook& look, const NetworkProfile& network) {
  std::vector<std::string> out;
  for (const auto& remote : look.unknown) {
    if (is_allowed(network, remote.host)) continue;
    out.push_back(remote_text(remote) + " is at " + shown(remote.host) +
                  ", which is not allowed; if it is yours: redoubtful allow " + shown(remote.host));
  }
  return out;
}

std::string hide_glob(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (std::string_view("\\*?[]!").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::optional<ClaudeSettings> users_claude_settings(const Places& places) {
  const std::string path = places.home + "/.claude/settings.json";
  auto text = read_file(path, kMaxFile);
  if (text) return claude_settings(*text, places.shown(path));
  if (text.error().system_errno() == ENOENT || text.error().system_errno() == ENOTDIR) {
    return std::nullopt;
  }
  ClaudeSettings out;
  out.notes.push_back("nothing of " + places.shown(path) +
                      " is taken over: " + text.error().what());
  return out;
}

Result<std::string> name_secrets_once(const Places& places, const std::string& project,
                                      const std::vector<std::string>& files,
                                      const std::vector<Sourced<std::string>>& hide) {
  std::vector<std::string> fresh;
  for (const auto& file : files) {
    const bool hidden = std::any_of(hide.begin(), hide.end(), [&](const auto& pattern) {
      const auto glob = PathGlob::parse(pattern.value);
      return glob && glob->matches(file, EntryType::kFile);
    });
    if (!hidden) fresh.push_back(file);
  }
  if (fresh.empty()) return std::string();
  auto directory = open_private_directory(places.state + std::string(kSaid));
  if (!directory) return std::move(directory).error();
  const std::string record = project_key(project);
  std::string known;
  if (auto file = open_beneath(directory->get(), record, O_RDONLY | O_NONBLOCK); file) {
    if (auto text = read_file(file->get(), kMaxFile); text) known = *std::move(text);
  }
  std::string all;
  for (const auto& file : fresh) all += file + '\0';
  std::erase_if(fresh, [&](const std::string& file) {
    return ('\0' + known).find('\0' + file + '\0') != std::string::npos;
  });
  if (fresh.empty()) return std::string();
  auto written = replace_file(directory->get(), record, all, 0600, Durability::kQuick);
  if (!written) return std::move(written).error();
  std::string names;
  std::string globs;
  for (std::size_t i = 0; i < std::min(fresh.size(), kNamed); ++i) {
    names += (i == 0 ? "" : ", ") + shown(fresh[i]);
    globs += (i == 0 ? "" : ", ") + quoted(hide_glob(fresh[i]));
  }
  if (fresh.size() > kNamed) names += " and " + std::to_string(fresh.size() - kNamed) + " more";
  return "looks like secrets, and can be read inside: " + names +
         "; to hide: filesystem: {hide: [" + globs + "]} in " +
         places.shown(project_config_path(places, project));
}

}  // namespace redoubtful::cli
