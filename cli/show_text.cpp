#include <fmt/format.h>

#include "cli/box_sockets.hpp"
#include "cli/show.hpp"
#include "cli/value_syntax.hpp"
#include "common/outer_proxy.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

class Page {
 public:
  void section(std::string_view name) { text_ += fmt::format("{}:\n", name); }

  void value(int indent, std::string_view key, std::string_view text, const Origin& origin) {
    row(fmt::format("{:{}}{}: {}", "", indent, key, text), origin);
  }
  void item(int indent, std::string_view text, const Origin& origin) {
    row(fmt::format("{:{}}- {}", "", indent, text), origin);
  }
  void list(int indent, std::string_view key, const std::vector<Sourced<std::string>>& items) {
    if (items.empty()) return;
    text_ += fmt::format("{:{}}{}:\n", "", indent, key);
    for (const auto& entry : items) item(indent + 2, shown(entry.value), entry.origin);
  }
  void key(int indent, std::string_view name) {
    text_ += fmt::format("{:{}}{}:\n", "", indent, name);
  }
  void plain(std::string_view line) { text_.append(line).append("\n"); }
  std::string take() { return std::move(text_); }

 private:
  static constexpr std::size_t kOriginColumn = 48;

  void row(std::string line, const Origin& origin) {
    const std::string place = origin.text();
    if (!place.empty()) line += fmt::format("{:{}}  # {}", "", padding(line.size()), place);
    text_.append(line).append("\n");
  }
  static std::size_t padding(std::size_t used) {
    return used < kOriginColumn ? kOriginColumn - used : 0;
  }

  std::string text_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + shown(word);
  return out;
}

std::string rule_text(const HostRule& rule) {
  std::string out = shown(rule.text);
  if (!rule.methods.empty()) out += " methods [" + joined(rule.methods) + "]";
  if (!rule.paths.empty()) out += " paths [" + joined(rule.paths) + "]";
  if (!rule.private_ranges.empty()) out += " private [" + joined(rule.private_ranges) + "]";
  if (rule.splice) out += " splice";
  return out;
}

// Nobody looks into what these rules let pass.
bool unchecked(const HostRule& rule) {
  return rule.splice ||
         (!rule.any_scheme && rule.scheme != Scheme::kHttps && rule.scheme != Scheme::kHttp);
}

void show_rules(Page& page, std::string_view key, const std::vector<Sourced<HostRule>>& rules) {
  if (rules.empty()) return;
  page.key(2, key);
  for (const auto& rule : rules) page.item(4, rule_text(rule.value), rule.origin);
}

void show_allowed(Page& page, const std::vector<Sourced<HostRule>>& rules) {
  if (rules.empty()) return;
  page.key(2, "allow");
  for (const auto& rule : rules) {
    page.item(4, rule_text(rule.value) + (unchecked(rule.value) ? " (unchecked)" : ""),
              rule.origin);
  }
}

void show_origins(Page& page, const std::vector<OriginOverride>& origins) {
  if (origins.empty()) return;
  page.key(2, "origins");
  for (const auto& entry : origins) {
    std::string text = entry.host.text() + ":";
    if (!entry.address.empty()) text += " address " + shown(entry.address);
    if (!entry.ca.empty()) text += " ca " + shown(entry.ca);
    if (!entry.via.empty()) text += " via " + shown(entry.via);
    page.item(4, text, entry.origin);
  }
}

std::string source_text(const CredentialProfile& credential) {
  std::string out = credential.source;
  for (const auto& word : credential.command) {
    out += (out.ends_with(':') ? "" : " ") + shown(word);
  }
  return credential.command.empty() ? shown(out) : out;
}

void show_credentials(Page& page, const std::vector<CredentialProfile>& credentials) {
  if (credentials.empty()) return;
  page.section("credentials");
  for (const auto& credential : credentials) {
    std::vector<std::string> inside = credential.expose_env;
    inside.insert(inside.end(), credential.expose_file.begin(), credential.expose_file.end());
    std::string text =
        fmt::format("{} to [{}]", source_text(credential), credential.hosts.joined());
    if (credential.type == CredentialType::kAws) {
      text += fmt::format(" signing for [{}]", joined(credential.services));
    }
    if (credential.refresh) {
      text += fmt::format(" renewed at {}", shown(credential.refresh->endpoint));
    }
    if (!inside.empty()) text += fmt::format(" as [{}]", joined(inside));
    std::vector<std::string> surfaces;
    for (const auto& surface : credential.replace_in) surfaces.push_back(surface.text());
    if (!surfaces.empty()) text += fmt::format(" in [{}]", joined(surfaces));
    if (credential.attach) {
      text += fmt::format(" attached as {}",
                          shown(credential.attach->header + ": " + credential.attach->value));
    }
    if (credential.exclusive) text += " exclusive";
    if (credential.optional) text += " optional";
    page.value(2, credential.name, text, credential.origin);
  }
}

void show_ports(Page& page, std::string_view key, const std::vector<PortForward>& ports) {
  if (ports.empty()) return;
  page.key(2, key);
  for (const auto& port : ports) {
    page.item(4,
              fmt::format("{}{}:{}", port.transport == Transport::kUdp ? "udp:" : "", port.host,
                          port.inside),
              port.origin);
  }
}

void show_filesystem(Page& page, const FilesystemProfile& filesystem) {
  page.section("filesystem");
  page.value(2, "home", mode_name(filesystem.home.value), filesystem.home.origin);
  page.value(2, "cwd", mode_name(filesystem.cwd.value), filesystem.cwd.origin);
  if (!filesystem.mounts.empty()) page.key(2, "mounts");
  for (const auto& mount : filesystem.mounts) {
    std::string text = shown(mount.path);
    if (!mount.to.empty()) text += " to " + shown(mount.to);
    text += fmt::format(" {}", mode_name(mount.mode));
    if (mount.create) text += " create";
    if (mount.optional) text += " optional";
    page.item(4, text, mount.origin);
  }
  page.list(2, "path", filesystem.path);
  page.list(2, "hide", filesystem.hide);
  page.list(2, "protect", filesystem.protect);
  if (!filesystem.settings.empty()) page.key(2, "settings");
  for (const auto& entry : filesystem.settings) {
    std::string text = shown(entry.file);
    if (!entry.from.empty()) text += " from " + shown(entry.from);
    if (!entry.keep.empty()) text += " keep [" + joined(entry.keep) + "]";
    if (!entry.copy.empty()) text += " copy [" + joined(entry.copy) + "]";
    if (!entry.fallback.empty()) text += " default " + shown(entry.fallback);
    if (!entry.set.empty()) text += " set " + shown(entry.set);
    page.item(4, text, entry.origin);
  }
}

void show_limits(Page& page, const Limits& limits) {
  if (!limits.memory_bytes && !limits.processes && !limits.time) return;
  page.section("limits");
  if (limits.memory_bytes) {
    page.value(2, "memory", fmt::format("{} bytes", limits.memory_bytes->value),
               limits.memory_bytes->origin);
  }
  if (limits.processes) {
    page.value(2, "processes", fmt::format("{}", limits.processes->value),
               limits.processes->origin);
  }
  if (limits.time) {
    page.value(2, "time", fmt::format("{} s", limits.time->value.count()), limits.time->origin);
  }
}

}  // namespace

Profile with_outer_proxy(Profile profile, const std::vector<std::string>& environment) {
  if (profile.network.proxy || !needs_proxy(profile.network)) return profile;
  for (const std::string_view name : kOuterProxyVariables) {
    const std::string assignment = std::string(name) + "=";
    for (const std::string& entry : environment) {
      if (!entry.starts_with(assignment) || entry.size() == assignment.size()) continue;
      std::string url = entry.substr(assignment.size());
      const std::size_t scheme = url.find("://");
      const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
      if (const std::size_t at = url.rfind('@'); at != std::string::npos && at >= begin) {
        url.erase(begin, at + 1 - begin);
      }
      Origin origin{std::string(name) + " of this environment", 0, 0, {}};
      profile.network.proxy = {std::move(url), std::move(origin)};
      return profile;
    }
  }
  return profile;
}

std::string show_text(const Profile& profile, const std::vector<std::string>& command) {
  Page page;
  if (!profile.description.empty()) page.plain("description: " + shown(profile.description));
  page.section("layers");
  for (const auto& layer : profile.layers) {
    page.item(2, layer.name, {layer.file == layer.name ? "" : layer.file, 0, 0, {}});
  }
  if (!command.empty()) page.plain("command: [" + joined(command) + "]");
  page.list(0, "commands", profile.commands);
  page.list(0, "arguments", profile.arguments);
  if (profile.nested.value) page.value(0, "nested", "true", profile.nested.origin);
  if (profile.look_at_project.value) {
    page.value(0, "look_at_project", "true", profile.look_at_project.origin);
  }
  show_filesystem(page, profile.filesystem);
  if (!profile.environment.pass.empty() || !profile.environment.set.empty()) {
    page.section("environment");
  }
  page.list(2, "pass", profile.environment.pass);
  if (!profile.environment.set.empty()) page.key(2, "set");
  for (const auto& variable : profile.environment.set) {
    page.value(4, variable.name, shown(variable.value), variable.origin);
  }
  page.section("network");
  page.value(2, "mode", mode_name(profile.network.mode.value), profile.network.mode.origin);
  show_allowed(page, profile.network.allow);
  show_rules(page, "deny", profile.network.deny);
  show_rules(page, "ask", profile.network.ask);
  show_ports(page, "forward", profile.network.forward);
  show_ports(page, "publish", profile.network.publish);
  show_origins(page, profile.network.origins);
  page.list(2, "ca", profile.network.ca);
  if (const auto& proxy = profile.network.proxy) {
    page.value(2, "proxy", proxy->value.empty() ? "none" : shown(proxy->value), proxy->origin);
    if (!proxy->value.empty()) {
      page.plain(
          "    # looks names up by itself, where nothing can be checked: addresses and names");
      page.plain("    # that are not public ones are refused, unless NO_PROXY names them");
    }
  }
  show_credentials(page, profile.credentials);
  if (profile.audit.syslog.value) {
    page.section("audit");
    page.value(2, "syslog", "true", profile.audit.syslog.origin);
  }
  show_limits(page, profile.limits);
  return page.take();
}

}  // namespace redoubtful::cli
