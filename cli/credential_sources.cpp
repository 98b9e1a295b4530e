#include "cli/credential_sources.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "cli/agent_environment.hpp"
#include "cli/aws_loader.hpp"
#include "cli/mount_plan.hpp"
#include "cli/path_text.hpp"
#include "cli/yaml_document.hpp"
#include "common/aws.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kEnv = "env:";
constexpr std::string_view kFile = "file:";
constexpr std::string_view kJson = "json:";
constexpr std::string_view kVault = "vault:";
// Source: developer.hashicorp.com/vault/docs/commands; HOME for ~/.vault-token.
constexpr std::array<std::string_view, 5> kVaultVariables{
    "VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT", "HOME"};

// A profile of AWS may name a credential_process.
bool runs_a_program(const CredentialProfile& credential) {
  return credential.source.starts_with("command:") || credential.source.starts_with("keyring:") ||
         credential.source.starts_with(kAwsProfile);
}

template <class Names>
void append(std::vector<std::string>& out, const Names& names) {
  out.insert(out.end(), names.begin(), names.end());
}

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string_view entry : environment) {
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('=')) {
      return std::string(entry.substr(name.size() + 1));
    }
  }
  return {};
}

// What `aws-profile:` reads. Source: AWS SDKs and Tools Reference Guide, "Shared config and
// credentials files"; botocore/utils.py, SSOTokenLoader.
std::vector<std::string> aws_files(const std::vector<std::string>& environment) {
  const std::string home = value_of(environment, "HOME");
  const auto place = [&](std::string_view variable, std::string_view usual) {
    const std::string named = value_of(environment, variable);
    return named.empty() ? home + std::string(usual) : expand_home(named, home);
  };
  return {place("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"),
          place("AWS_CONFIG_FILE", "/.aws/config"), home + "/.aws/sso/cache"};
}

bool within_any(const std::string& path, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [&](const std::string& one) { return is_within(path, one); });
}

// A box may write it, or chooses where it leads.
bool is_the_agents(const ResolvedPath& path, const std::vector<std::string>& written) {
  return within_any(path.real, written) || link_below(path, written) != nullptr;
}

std::string safe_path(std::string_view path, const HostFiles& files,
                      const std::vector<std::string>& written) {
  std::string out;
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string entry(path.substr(0, colon));
    if (entry.starts_with('/')) {
      const ResolvedPath end = resolve(files, entry);
      if (end.error == 0 && !is_the_agents(end, written)) out += (out.empty() ? "" : ":") + entry;
    }
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  return out;
}

// The file of a source; empty where it names none.
std::string file_of(std::string_view source) {
  if (source.starts_with(kFile)) return std::string(source.substr(kFile.size()));
  if (source.starts_with(kJson)) {
    return std::string(source.substr(kJson.size(), source.rfind('#') - kJson.size()));
  }
  return {};
}

}  // namespace

std::vector<std::string> held_variable_names(const std::vector<CredentialProfile>& credentials) {
  std::vector<std::string> out;
  for (const auto& credential : credentials) {
    if (credential.source == kEnv) {
      append(out, kAwsKeyVariables);
    } else if (credential.source.starts_with(kEnv)) {
      out.push_back(credential.source.substr(kEnv.size()));
    }
  }
  return out;
}

std::vector<std::string> source_variable_names(const std::vector<CredentialProfile>& credentials) {
  std::vector<std::string> out = held_variable_names(credentials);
  for (const auto& credential : credentials) {
    if (credential.source.starts_with(kVault)) append(out, kVaultVariables);
    if (credential.source.starts_with(kAwsProfile)) append(out, kAwsProfileVariables);
  }
  return out;
}

std::vector<std::string> command_environment(const std::vector<CredentialProfile>& credentials,
                                             const std::vector<std::string>& environment,
                                             const HostFiles& files,
                                             const std::vector<std::string>& written) {
  if (std::none_of(credentials.begin(), credentials.end(), runs_a_program)) return {};
  const auto names = held_variable_names(credentials);
  const std::set<std::string, std::less<>> held(names.begin(), names.end());
  std::vector<std::string> out;
  std::set<std::string, std::less<>> seen;
  for (const auto& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    const std::string name = entry.substr(0, equals);
    if (!seen.insert(name).second || held.contains(name)) continue;
    if (name == "PATH" || name == "PWD" || name == "OLDPWD") continue;
    if (danger_of(name) == Danger::kRunsCode) continue;
    out.push_back(entry);
  }
  const auto path = std::find_if(environment.begin(), environment.end(),
                                 [](const auto& entry) { return entry.starts_with("PATH="); });
  if (path != environment.end()) {
    out.push_back("PATH=" + safe_path(std::string_view(*path).substr(5), files, written));
  }
  return out;
}

std::vector<CredentialProfile> with_absolute_paths(std::vector<CredentialProfile> credentials,
                                                   const std::string& home) {
  for (auto& credential : credentials) {
    for (const auto kind : {kFile, kJson}) {
      if (!credential.source.starts_with(kind)) continue;
      credential.source =
          std::string(kind) + expand_home(credential.source.substr(kind.size()), home);
    }
    for (auto& path : credential.expose_file) path = expand_home(path, home);
  }
  return credentials;
}

Result<void> check_source_files(const std::vector<CredentialProfile>& credentials,
                                const std::vector<std::string>& environment, const HostFiles& files,
                                const std::vector<std::string>& written) {
  for (const auto& credential : credentials) {
    std::vector<std::string> paths = credential.expose_file;
    if (auto source = file_of(credential.source); !source.empty()) {
      paths.push_back(std::move(source));
    }
    if (credential.source.starts_with(kAwsProfile)) append(paths, aws_files(environment));
    for (const auto& path : paths) {
      const ResolvedPath end = resolve(files, path);
      if (!is_the_agents(end, written)) continue;
      return error_at(Errc::kInvalidMount, credential.origin,
                      "the credential " + credential.name + ": " + shown(path) +
                          " is, or is reached through, what a box may write")
          .hint("keep it in a directory that is mounted nowhere, such as ~/.config/secrets");
    }
  }
  return {};
}

}  // namespace redoubtful::cli
