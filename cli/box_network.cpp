#include "cli/box_network.hpp"

#include <algorithm>

#include "cli/credential_sources.hpp"
#include "cli/value_syntax.hpp"
#include "common/synthetic_ranges.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// In a git configuration value: a shell function, as gitcredentials(7) has it. The variable's name
// is a shell identifier (parse_variable_name).
std::string password_helper(const std::string& variable) {
  return "!f() { test \"$1\" = get && printf 'username=x-access-token\\npassword=%s\\n' \"$" +
         variable + "\"; }; f";
}

bool has_ssh_rule(const NetworkProfile& network, const Host& host) {
  return std::any_of(network.allow.begin(), network.allow.end(), [&](const auto& rule) {
    return rule.value.scheme == Scheme::kSsh && rule.value.pattern.matches(host);
  });
}

std::string rule_line(const HostRule& rule, const Origin& origin) {
  std::string out = "  " + shown(rule.text);
  const auto add = [&](std::string_view what, const std::vector<std::string>& words) {
    if (words.empty()) return;
    out.append(" ").append(what);
    for (const auto& word : words) out += " " + shown(word);
  };
  add("methods", rule.methods);
  add("paths", rule.paths);
  if (rule.splice) out += " (passed through unopened)";
  return out + "    # " + origin.text() + "\n";
}

void add_rules(std::string& out, std::string_view title,
               const std::vector<Sourced<HostRule>>& rules) {
  if (rules.empty()) return;
  out.append("\n").append(title).append(":\n");
  for (const auto& rule : rules) out += rule_line(rule.value, rule.origin);
}

std::string_view meaning(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kNone:
      return "There is no network.";
    case NetworkMode::kFiltered:
      return "Only what is listed under \"allowed\" can be reached.";
    case NetworkMode::kDiscover:
      return "Every public host can be reached but what is listed under \"denied\"; what is used "
             "is "
             "recorded.";
    case NetworkMode::kDangerouslyOpen:
      return "The network is open; nothing is checked.";
  }
  return "";
}

}  // namespace

std::vector<std::string> proxy_variables() {
  const std::string proxy = "http://127.0.0.1:" + std::to_string(kExplicitProxyPort);
  std::vector<std::string> out;
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
    out.push_back(std::string(name) + "=" + proxy);
  }
  // Servers of the agent's own inside are not the proxy's business.
  for (const char* name : {"NO_PROXY", "no_proxy"}) {
    out.push_back(std::string(name) + "=localhost,127.0.0.1,::1");
  }
  return out;
}

std::vector<std::string> surrogate_variables(const std::vector<control::Surrogate>& surrogates) {
  std::vector<std::string> out;
  for (const auto& surrogate : surrogates) {
    for (const auto& name : surrogate.variables) out.push_back(name + "=" + surrogate.value);
  }
  return out;
}

std::vector<std::string> source_variables(const std::vector<CredentialProfile>& credentials) {
  std::vector<std::string> out = held_variable_names(credentials);
  for (const auto& credential : credentials) {
    if (credential.source.starts_with("vault:")) out.emplace_back("VAULT_TOKEN");
  }
  return out;
}

std::vector<std::string> git_variables(const Profile& profile,
                                       const std::vector<control::Surrogate>& surrogates) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const auto& credential : profile.credentials) {
    const bool live = std::any_of(surrogates.begin(), surrogates.end(), [&](const auto& one) {
      return one.credential == credential.name;
    });
    if (!live || credential.type != CredentialType::kValue) continue;
    for (const Host& host : credential.hosts) {
      if (host.is_address() || has_ssh_rule(profile.network, host)) continue;
      const auto places = credential.hosts.texts_of(host);
      const std::string key = "url.https://" + places.front() + "/.insteadOf";
      settings.emplace_back(key, "git@" + host.text() + ":");
      settings.emplace_back(key, "ssh://git@" + host.text() + "/");
      // git finds a login file by itself, and what is attached it need not know.
      if (credential.expose_env.empty()) continue;
      for (const auto& place : places) {
        settings.emplace_back("credential.https://" + place + ".helper",
                              password_helper(credential.expose_env.front()));
      }
    }
  }
  std::vector<std::string> out;
  if (settings.empty()) return out;
  out.push_back("GIT_CONFIG_COUNT=" + std::to_string(settings.size()));
  for (std::size_t i = 0; i < settings.size(); ++i) {
    out.push_back("GIT_CONFIG_KEY_" + std::to_string(i) + "=" + settings[i].first);
    out.push_back("GIT_CONFIG_VALUE_" + std::to_string(i) + "=" + settings[i].second);
  }
  return out;
}

std::string policy_text(const Profile& profile) {
  const NetworkProfile& network = profile.network;
  std::string out =
      "This is a box made by redoubtful. What it may reach on the network:\n\n"
      "mode: ";
  out.append(mode_name(network.mode.value)).append("\n");
  out.append(meaning(network.mode.value)).append("\n");
  add_rules(out, "allowed", network.allow);
  add_rules(out, "asked about (refused while there is nobody to ask)", network.ask);
  add_rules(out, "denied, whatever else allows it", network.deny);
  if (!profile.credentials.empty()) {
    out +=
        "\ncredentials (variables and files hold surrogates; the real value is put in place "
        "outside):\n";
    for (const auto& credential : profile.credentials) {
      out += "  " + credential.name + ":";
      for (const auto& name : credential.expose_env) out += " " + name;
      for (const auto& path : credential.expose_file) out += " " + shown(path);
      out += " for";
      for (const auto& text : credential.hosts.texts()) out += " " + text;
      out += "\n";
    }
  }
  out +=
      "\nA refused request is answered with status 403 and the reason; retrying does not help.\n"
      "Ask the user to allow the host, outside of the box: redoubtful allow HOST, then start "
      "again.\n"
      "http://redoubtful.internal/why?url=URL says what would be decided, and why.\n"
      "There is no UDP and no ping. git over ssh works where an ssh:// rule allows the host; else "
      "use\n"
      "its https address.\n"
      "A page that xdg-open or $BROWSER is given is shown to the user, and opened nowhere.\n"
      "A browser's own sandbox works with `nested: true` alone; without, it needs --no-sandbox.\n";
  return out;
}

}  // namespace redoubtful::cli
