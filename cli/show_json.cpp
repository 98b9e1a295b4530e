#include <boost/json.hpp>

#include "cli/mount_plan.hpp"
#include "cli/show.hpp"
#include "cli/value_syntax.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

namespace json = boost::json;

json::value text_value(std::string_view text) {
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      std::string hex;
      for (const char c : text) {
        hex += kDigits[static_cast<unsigned char>(c) >> 4U];
        hex += kDigits[static_cast<unsigned char>(c) & 0xFU];
      }
      return json::object{{"hex", hex}};
    }
    rest.remove_prefix(length);
  }
  return json::string(text);
}

json::value origin_value(const Origin& origin) {
  json::object out{{"file", text_value(origin.file)}};
  if (origin.line > 0) out["line"] = origin.line;
  if (origin.column > 0) out["column"] = origin.column;
  if (!origin.option.empty()) out["option"] = text_value(origin.option);
  return out;
}

json::object sourced(json::value value, const Origin& origin) {
  return {{"value", std::move(value)}, {"origin", origin_value(origin)}};
}

json::array text_list(const std::vector<std::string>& words) {
  json::array out;
  for (const auto& word : words) out.push_back(text_value(word));
  return out;
}

json::array sourced_list(const std::vector<Sourced<std::string>>& words) {
  json::array out;
  for (const auto& word : words) out.push_back(sourced(text_value(word.value), word.origin));
  return out;
}

json::array rule_list(const std::vector<Sourced<HostRule>>& rules) {
  json::array out;
  for (const auto& [rule, origin] : rules) {
    out.push_back(
        {{"host", text_value(rule.pattern.text())},
         {"scheme", rule.any_scheme ? json::value(nullptr)
                                    : json::value(json::string(scheme_name(rule.scheme)))},
         {"port", rule.any_port ? json::value(nullptr) : json::value(rule.port)},
         {"methods", text_list(rule.methods)},
         {"paths", text_list(rule.paths)},
         {"private", text_list(rule.private_ranges)},
         {"splice", rule.splice},
         {"text", text_value(rule.text)},
         {"origin", origin_value(origin)}});
  }
  return out;
}

json::array port_list(const std::vector<PortForward>& ports) {
  json::array out;
  for (const auto& port : ports) {
    out.push_back({{"transport", port.transport == Transport::kUdp ? "udp" : "tcp"},
                   {"host", port.host},
                   {"inside", port.inside},
                   {"origin", origin_value(port.origin)}});
  }
  return out;
}

json::array settings_list(const std::vector<SettingsFile>& settings) {
  json::array out;
  for (const auto& entry : settings) {
    out.push_back({{"file", text_value(entry.file)},
                   {"from", text_value(entry.from.empty() ? entry.file : entry.from)},
                   {"keep", text_list(entry.keep)},
                   {"copy", text_list(entry.copy)},
                   {"default", text_value(entry.fallback)},
                   {"set", text_value(entry.set)},
                   {"origin", origin_value(entry.origin)}});
  }
  return out;
}

json::object filesystem_value(const FilesystemProfile& filesystem) {
  json::array mounts;
  for (const auto& mount : filesystem.mounts) {
    mounts.push_back({{"path", text_value(mount.path)},
                      {"to", text_value(mount.to.empty() ? mount.path : mount.to)},
                      {"mode", json::string(mode_name(mount.mode))},
                      {"create", mount.create},
                      {"optional", mount.optional},
                      {"origin", origin_value(mount.origin)}});
  }
  return {{"home", sourced(json::string(mode_name(filesystem.home.value)), filesystem.home.origin)},
          {"cwd", sourced(json::string(mode_name(filesystem.cwd.value)), filesystem.cwd.origin)},
          {"mounts", std::move(mounts)},
          {"path", sourced_list(filesystem.path)},
          {"hide", sourced_list(filesystem.hide)},
          {"protect", sourced_list(filesystem.protect)},
          {"settings", settings_list(filesystem.settings)}};
}

json::object environment_value(const EnvironmentProfile& environment) {
  json::array set;
  for (const auto& variable : environment.set) {
    set.push_back({{"name", variable.name},
                   {"value", text_value(variable.value)},
                   {"origin", origin_value(variable.origin)}});
  }
  return {{"pass", sourced_list(environment.pass)}, {"set", std::move(set)}};
}

json::array origin_list(const std::vector<OriginOverride>& origins) {
  json::array out;
  for (const auto& entry : origins) {
    out.push_back({{"host", text_value(entry.host.text())},
                   {"address", text_value(entry.address)},
                   {"ca", text_value(entry.ca)},
                   {"via", text_value(entry.via)},
                   {"origin", origin_value(entry.origin)}});
  }
  return out;
}

json::array surface_list(const std::vector<Surface>& surfaces) {
  json::array out;
  for (const auto& surface : surfaces) {
    out.push_back({{"surface", text_value(surface_word(surface.kind))},
                   {"name", text_value(surface.name)},
                   {"method", text_value(surface.method)},
                   {"path", text_value(surface.path)}});
  }
  return out;
}

json::value attachment_value(const std::optional<Attachment>& attachment) {
  if (!attachment) return nullptr;
  return json::object{{"header", text_value(attachment->header)},
                      {"value", text_value(attachment->value)}};
}

json::value refresh_value(const std::optional<OauthGrant>& grant) {
  if (!grant) return nullptr;
  json::object out;
  for (const auto& text : grant_texts()) {
    out[json::string_view(text.key.data(), text.key.size())] = text_value((*grant).*text.member);
  }
  out["body"] = text_value(word_of(grant->body));
  out["expires_as"] = text_value(word_of(grant->expires_as));
  out["lock"] = text_value(word_of(grant->lock));
  out["shows_refresh_token"] = grant->shows_refresh_token;
  return out;
}

json::array credential_list(const std::vector<CredentialProfile>& credentials) {
  json::array out;
  for (const auto& credential : credentials) {
    json::array hosts;
    for (const auto& text : credential.hosts.texts()) hosts.push_back(text_value(text));
    out.push_back({{"name", text_value(credential.name)},
                   {"source", text_value(credential.source)},
                   {"command", text_list(credential.command)},
                   {"hosts", std::move(hosts)},
                   {"expose", json::object{{"env", text_list(credential.expose_env)},
                                           {"file", text_list(credential.expose_file)}}},
                   {"replace_in", surface_list(credential.replace_in)},
                   {"attach", attachment_value(credential.attach)},
                   {"exclusive", credential.exclusive},
                   {"optional", credential.optional},
                   {"type", text_value(type_name(credential.type))},
                   {"services", text_list(credential.services)},
                   {"refresh", refresh_value(credential.refresh)},
                   {"origin", origin_value(credential.origin)}});
  }
  return out;
}

json::object network_value(const NetworkProfile& network) {
  return {{"mode", sourced(json::string(mode_name(network.mode.value)), network.mode.origin)},
          {"allow", rule_list(network.allow)},
          {"deny", rule_list(network.deny)},
          {"ask", rule_list(network.ask)},
          {"forward", port_list(network.forward)},
          {"publish", port_list(network.publish)},
          {"origins", origin_list(network.origins)},
          {"ca", sourced_list(network.ca)},
          {"proxy", network.proxy ? json::value(sourced(text_value(network.proxy->value),
                                                        network.proxy->origin))
                                  : json::value(nullptr)}};
}

json::object limits_value(const Limits& limits) {
  json::object out{{"memory", nullptr}, {"processes", nullptr}, {"time", nullptr}};
  if (limits.memory_bytes) {
    out["memory"] = sourced(limits.memory_bytes->value, limits.memory_bytes->origin);
  }
  if (limits.processes)
    out["processes"] = sourced(limits.processes->value, limits.processes->origin);
  if (limits.time) out["time"] = sourced(limits.time->value.count(), limits.time->origin);
  return out;
}

}  // namespace

void expand_certificate_files(NetworkProfile& network, const std::string& home) {
  for (auto& file : network.ca) file.value = expand_home(file.value, home);
  for (auto& origin : network.origins) origin.ca = expand_home(origin.ca, home);
}

std::string show_json(const Profile& profile, const std::vector<std::string>& command) {
  json::array layers;
  for (const auto& layer : profile.layers) {
    layers.push_back({{"name", text_value(layer.name)}, {"file", text_value(layer.file)}});
  }
  const json::object out{
      {"version", 1},
      {"description", text_value(profile.description)},
      {"layers", std::move(layers)},
      {"command", text_list(command)},
      {"commands", sourced_list(profile.commands)},
      {"arguments", sourced_list(profile.arguments)},
      {"nested", sourced(profile.nested.value, profile.nested.origin)},
      {"look_at_project", sourced(profile.look_at_project.value, profile.look_at_project.origin)},
      {"filesystem", filesystem_value(profile.filesystem)},
      {"environment", environment_value(profile.environment)},
      {"network", network_value(profile.network)},
      {"credentials", credential_list(profile.credentials)},
      {"audit",
       json::object{{"syslog", sourced(profile.audit.syslog.value, profile.audit.syslog.origin)}}},
      {"limits", limits_value(profile.limits)}};
  return json::serialize(out) + "\n";
}

}  // namespace redoubtful::cli
