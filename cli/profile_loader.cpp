#include "cli/profile_loader.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "cli/credential_loader.hpp"
#include "cli/host_rule_loader.hpp"
#include "cli/origin_loader.hpp"
#include "cli/settings_loader.hpp"
#include "cli/value_syntax.hpp"
#include "cli/yaml_reader.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

struct Target {
  Layer& layer;
  DocumentKind kind;
};

template <class T, class Parse>
Result<void> read_scalar(const Document& document, const YamlNode& node, Parse parse,
                         std::optional<Sourced<T>>& out) {
  auto value = read_value(document, node, parse);
  if (!value) return std::move(value).error();
  out = Sourced<T>{*std::move(value), document.origin(node)};
  return {};
}

template <class Parse>
Result<void> read_strings(const Document& document, const YamlNode& node, Parse parse,
                          std::vector<Sourced<std::string>>& out) {
  return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    auto value = read_value(document, item, parse);
    if (!value) return std::move(value).error();
    out.push_back({*std::move(value), document.origin(item)});
    return {};
  });
}

Result<void> read_ports(const Document& document, const YamlNode& node,
                        std::vector<PortForward>& out) {
  return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
    auto forward = read_value(document, item, parse_forward);
    if (!forward) return std::move(forward).error();
    forward->origin = document.origin(item);
    out.push_back(*std::move(forward));
    return {};
  });
}

Result<std::string> parse_command(std::string_view text) {
  if (text.empty() || text.find('/') != std::string_view::npos) {
    return Error(Errc::kInvalidProfile,
                 quoted(text, 80) + " is not a bare command: a word without a slash is");
  }
  return std::string(text);
}

Result<std::string> parse_text(std::string_view text) { return std::string(text); }

constexpr std::array<Key<MountRequest>, 5> kMountKeys{{
    {"path",
     [](const Document& document, const YamlNode& node, MountRequest& out) -> Result<void> {
       return read_into(document, node, parse_path, out.path);
     }},
    {"to",
     [](const Document& document, const YamlNode& node, MountRequest& out) -> Result<void> {
       return read_into(document, node, parse_path, out.to);
     }},
    {"mode",
     [](const Document& document, const YamlNode& node, MountRequest& out) -> Result<void> {
       return read_into(document, node, parse_mount_mode, out.mode);
     }},
    {"create",
     [](const Document& document, const YamlNode& node, MountRequest& out) -> Result<void> {
       return read_into(document, node, parse_flag, out.create);
     }},
    {"optional",
     [](const Document& document, const YamlNode& node, MountRequest& out) -> Result<void> {
       return read_into(document, node, parse_flag, out.optional);
     }},
}};

Result<void> read_mount(const Document& document, const YamlNode& node,
                        std::vector<MountRequest>& out) {
  MountRequest mount;
  mount.origin = document.origin(node);
  if (node.kind == YamlNode::Kind::kScalar) {
    auto read = read_into(document, node, parse_path, mount.path);
    if (!read) return read;
  } else {
    auto read = read_keys<MountRequest>(document, node, kMountKeys, mount);
    if (!read) return read;
    if (mount.path.empty()) return document.error(node, "a mount needs the key path");
  }
  if (mount.create && mount.optional) {
    return document.error(node, "create and optional exclude each other: what is created is there");
  }
  out.push_back(std::move(mount));
  return {};
}

constexpr std::array<Key<Target>, 7> kFilesystemKeys{{
    {"home",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_home_mode, out.layer.home);
     }},
    {"cwd",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_mount_mode, out.layer.cwd);
     }},
    {"mounts",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_list(document, node, [&](const YamlNode& item) {
         return read_mount(document, item, out.layer.mounts);
       });
     }},
    {"path",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_strings(document, node, parse_path, out.layer.path);
     }},
    {"hide",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_strings(document, node, parse_glob, out.layer.hide);
     }},
    {"protect",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_strings(document, node, parse_glob, out.layer.protect);
     }},
    {"settings",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_settings(document, node, out.layer.settings);
     }},
}};

Result<void> read_set(const Document& document, const YamlNode& node, Target& out) {
  return read_mapping(document, node, [&](const YamlEntry& entry) -> Result<void> {
    auto name = parse_variable_name(entry.key);
    if (!name) return document.error(entry, std::move(name).error());
    EnvironmentVariable variable{*std::move(name), {}, document.origin(entry)};
    if (auto read = read_into(document, entry.value, parse_text, variable.value); !read)
      return read;
    out.layer.set.push_back(std::move(variable));
    return {};
  });
}

constexpr std::array<Key<Target>, 2> kEnvironmentKeys{{
    {"pass",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_strings(document, node, parse_variable_pattern, out.layer.pass);
     }},
    {"set", read_set},
}};

constexpr std::array<Key<Target>, 9> kNetworkKeys{{
    {"mode",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_network_mode, out.layer.mode);
     }},
    {"allow",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_host_rules(document, node, HostRule::List::kAllow, out.layer.allow);
     }},
    {"deny",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_host_rules(document, node, HostRule::List::kDeny, out.layer.deny);
     }},
    {"ask",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_host_rules(document, node, HostRule::List::kAsk, out.layer.ask);
     }},
    {"forward",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_ports(document, node, out.layer.forward);
     }},
    {"publish",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_ports(document, node, out.layer.publish);
     }},
    {"origins",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_origins(document, node, out.layer.origins);
     }},
    {"ca",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_strings(document, node, parse_path, out.layer.ca);
     }},
    {"proxy",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_outer_proxy, out.layer.proxy);
     }},
}};

constexpr std::array<Key<Target>, 1> kAuditKeys{{
    {"syslog",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_flag, out.layer.syslog);
     }},
}};

constexpr std::array<Key<Target>, 3> kLimitKeys{{
    {"memory",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_memory, out.layer.limits.memory_bytes);
     }},
    {"processes",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_processes, out.layer.limits.processes);
     }},
    {"time",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_duration, out.layer.limits.time);
     }},
}};

Result<void> refuse_in_config(const Document& document, const YamlNode& node, const Target& target,
                              std::string_view key) {
  if (target.kind == DocumentKind::kProfile) return {};
  return document.error(node,
                        std::string(key) + " stands only in a profile: config.yaml is always on");
}

constexpr std::array<Key<Target>, 12> kTopKeys{{
    {"description",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_into(document, node, parse_text, out.layer.description);
     }},
    {"extends",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_strings(document, node, parse_text, out.layer.extends);
     }},
    {"commands",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       if (auto fits = refuse_in_config(document, node, out, "commands"); !fits) return fits;
       return read_strings(document, node, parse_command, out.layer.commands);
     }},
    {"arguments",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       if (auto fits = refuse_in_config(document, node, out, "arguments"); !fits) return fits;
       return read_strings(document, node, parse_text, out.layer.arguments);
     }},
    {"nested",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_flag, out.layer.nested);
     }},
    {"look_at_project",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_scalar(document, node, parse_flag, out.layer.look_at_project);
     }},
    {"filesystem",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_keys<Target>(document, node, kFilesystemKeys, out);
     }},
    {"environment",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_keys<Target>(document, node, kEnvironmentKeys, out);
     }},
    {"network",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_keys<Target>(document, node, kNetworkKeys, out);
     }},
    {"credentials",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_credentials(document, node, out.layer.credentials);
     }},
    {"audit",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_keys<Target>(document, node, kAuditKeys, out);
     }},
    {"limits",
     [](const Document& document, const YamlNode& node, Target& out) -> Result<void> {
       return read_keys<Target>(document, node, kLimitKeys, out);
     }},
}};

}  // namespace

Result<Layer> load_layer(std::string_view yaml, const std::string& name, const std::string& file,
                         DocumentKind kind) {
  auto root = parse_yaml(yaml, file);
  if (!root) return std::move(root).error();
  Layer layer;
  layer.name = name;
  layer.file = file;
  if (root->kind == YamlNode::Kind::kNull) return layer;
  Target target{layer, kind};
  auto read = read_keys<Target>(Document{file}, *root, kTopKeys, target);
  if (!read) return std::move(read).error();
  return layer;
}

}  // namespace redoubtful::cli
