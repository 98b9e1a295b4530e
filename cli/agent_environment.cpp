#include "cli/agent_environment.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// execve(2): MAX_ARG_STRLEN, 32 pages, the NUL included.
constexpr std::size_t kMaxEntryBytes = 131'072;
constexpr std::size_t kMaxAllowedHostsBytes = 32'768;

struct DangerousName {
  std::string_view pattern;  // a '*' at the end stands for any rest
  Danger danger;
};

// Sources: glibc unsecvars.h; sudo's env_delete list; bash(1), zsh(1), node(1), python(1),
// perlrun(1), git(1) and the manuals of the tools named.
constexpr auto kDangerousNames = std::to_array<DangerousName>({
    // the dynamic loader and libc
    {"LD_*", Danger::kRunsCode},
    {"DYLD_*", Danger::kRunsCode},
    {"GLIBC_TUNABLES", Danger::kRunsCode},
    {"GCONV_PATH", Danger::kRunsCode},
    {"GETCONF_DIR", Danger::kRunsCode},
    {"HOSTALIASES", Danger::kRunsCode},
    {"LOCALDOMAIN", Danger::kRunsCode},
    {"LOCPATH", Danger::kRunsCode},
    {"MALLOC_*", Danger::kRunsCode},
    {"NIS_PATH", Danger::kRunsCode},
    {"NLSPATH", Danger::kRunsCode},
    {"RESOLV_HOST_CONF", Danger::kRunsCode},
    {"RES_OPTIONS", Danger::kRunsCode},
    {"TZDIR", Danger::kRunsCode},
    // shells
    {"BASHOPTS", Danger::kRunsCode},
    {"BASH_*", Danger::kRunsCode},
    {"CDPATH", Danger::kRunsCode},
    {"ENV", Danger::kRunsCode},
    {"FPATH", Danger::kRunsCode},
    {"GLOBIGNORE", Danger::kRunsCode},
    {"IFS", Danger::kRunsCode},
    {"INPUTRC", Danger::kRunsCode},
    {"PROMPT_COMMAND", Danger::kRunsCode},
    {"PS0", Danger::kRunsCode},
    {"PS1", Danger::kRunsCode},
    {"PS2", Danger::kRunsCode},
    {"PS3", Danger::kRunsCode},
    {"PS4", Danger::kRunsCode},
    {"SHELLOPTS", Danger::kRunsCode},
    {"ZDOTDIR", Danger::kRunsCode},
    {"fish_*", Danger::kRunsCode},
    // interpreters and virtual machines
    {"ANT_OPTS", Danger::kRunsCode},
    {"CLASSPATH", Danger::kRunsCode},
    {"COMPlus_*", Danger::kRunsCode},
    {"CORECLR_*", Danger::kRunsCode},
    {"DOTNET_ADDITIONAL_DEPS", Danger::kRunsCode},
    {"DOTNET_SHARED_STORE", Danger::kRunsCode},
    {"DOTNET_STARTUP_HOOKS", Danger::kRunsCode},
    {"ELIXIR_ERL_OPTIONS", Danger::kRunsCode},
    {"ERL_*", Danger::kRunsCode},
    {"GRADLE_OPTS", Danger::kRunsCode},
    {"GUILE_*", Danger::kRunsCode},
    {"JAVA_OPTS", Danger::kRunsCode},
    {"JAVA_TOOL_OPTIONS", Danger::kRunsCode},
    {"JDK_JAVA_OPTIONS", Danger::kRunsCode},
    {"JULIA_*", Danger::kRunsCode},
    {"LUA_*", Danger::kRunsCode},
    {"MAVEN_ARGS", Danger::kRunsCode},
    {"MAVEN_OPTS", Danger::kRunsCode},
    {"NODE_CHANNEL_*", Danger::kRunsCode},
    {"NODE_EXTRA_CA_CERTS", Danger::kRunsCode},
    {"NODE_OPTIONS", Danger::kRunsCode},
    {"NODE_PATH", Danger::kRunsCode},
    {"NODE_REPL_*", Danger::kRunsCode},
    {"PERL*", Danger::kRunsCode},
    {"PHPRC", Danger::kRunsCode},
    {"PHP_INI_SCAN_DIR", Danger::kRunsCode},
    {"PYTHON*", Danger::kRunsCode},
    {"RUBY*", Danger::kRunsCode},
    {"R_ENVIRON*", Danger::kRunsCode},
    {"R_PROFILE*", Danger::kRunsCode},
    {"SBT_OPTS", Danger::kRunsCode},
    {"TCLLIBPATH", Danger::kRunsCode},
    {"_JAVA_OPTIONS", Danger::kRunsCode},
    // tools that run or load what a variable says
    {"BUNDLE_*", Danger::kRunsCode},
    {"CARGO_ALIAS_*", Danger::kRunsCode},
    {"CARGO_BUILD_*", Danger::kRunsCode},
    {"CARGO_REGISTR*", Danger::kRunsCode},
    {"CARGO_TARGET_*", Danger::kRunsCode},
    {"EMACSLOADPATH", Danger::kRunsCode},
    {"EXINIT", Danger::kRunsCode},
    {"GEM_*", Danger::kRunsCode},
    {"GIT_*", Danger::kRunsCode},
    {"GNUMAKEFLAGS", Danger::kRunsCode},
    {"GOENV", Danger::kRunsCode},
    {"GOFLAGS", Danger::kRunsCode},
    {"GVIMINIT", Danger::kRunsCode},
    {"LESSCLOSE", Danger::kRunsCode},
    {"LESSOPEN", Danger::kRunsCode},
    {"MAKEFILES", Danger::kRunsCode},
    {"MAKEFLAGS", Danger::kRunsCode},
    {"MFLAGS", Danger::kRunsCode},
    {"MYVIMRC", Danger::kRunsCode},
    {"NPM_CONFIG_*", Danger::kRunsCode},
    {"OPENSSL_*", Danger::kRunsCode},
    {"RUSTC*", Danger::kRunsCode},
    {"SSLKEYLOGFILE", Danger::kRunsCode},
    {"TERMCAP", Danger::kRunsCode},
    {"TERMINFO*", Danger::kRunsCode},
    {"VIM*", Danger::kRunsCode},
    {"npm_*", Danger::kRunsCode},
    // desktop libraries that load modules
    {"GDK_PIXBUF_*", Danger::kRunsCode},
    {"GIO_*", Danger::kRunsCode},
    {"GTK*", Danger::kRunsCode},
    {"QT_*", Danger::kRunsCode},
    // agents that hold keys, message buses, sessions
    {"AT_SPI_BUS_ADDRESS", Danger::kReachesOut},
    {"CREDENTIALS_DIRECTORY", Danger::kReachesOut},
    {"DBUS_*", Danger::kReachesOut},
    {"GNOME_KEYRING_*", Danger::kReachesOut},
    {"GNUPGHOME", Danger::kReachesOut},
    {"GPG_*", Danger::kReachesOut},
    {"IBUS_*", Danger::kReachesOut},
    {"INVOCATION_ID", Danger::kReachesOut},
    {"JOURNAL_STREAM", Danger::kReachesOut},
    {"KDE_*", Danger::kReachesOut},
    {"KRB5*", Danger::kReachesOut},
    {"LISTEN_*", Danger::kReachesOut},
    {"NOTIFY_SOCKET", Danger::kReachesOut},
    {"PKCS11_*", Danger::kReachesOut},
    {"SESSION_MANAGER", Danger::kReachesOut},
    {"SSH_*", Danger::kReachesOut},
    {"SUDO_*", Danger::kReachesOut},
    {"SYSTEMD_*", Danger::kReachesOut},
    {"WATCHDOG_*", Danger::kReachesOut},
    {"XDG_RUNTIME_DIR", Danger::kReachesOut},
    {"XDG_SEAT*", Danger::kReachesOut},
    {"XDG_SESSION_*", Danger::kReachesOut},
    {"XDG_VTNR", Danger::kReachesOut},
    // displays, sound, terminals and editors with a control socket
    {"ALACRITTY_*", Danger::kReachesOut},
    {"CLAUDE_CODE_SSE_PORT", Danger::kReachesOut},
    {"CURSOR_*", Danger::kReachesOut},
    {"DISPLAY", Danger::kReachesOut},
    {"EMACS_*", Danger::kReachesOut},
    {"ICEAUTHORITY", Danger::kReachesOut},
    {"KITTY_*", Danger::kReachesOut},
    {"NVIM*", Danger::kReachesOut},
    {"PIPEWIRE_*", Danger::kReachesOut},
    {"PULSE_*", Danger::kReachesOut},
    {"STY", Danger::kReachesOut},
    {"TERMINAL_EMULATOR", Danger::kReachesOut},
    {"TMUX*", Danger::kReachesOut},
    {"VSCODE_*", Danger::kReachesOut},
    {"WAYLAND_*", Danger::kReachesOut},
    {"WEZTERM_*", Danger::kReachesOut},
    {"WINDOWID", Danger::kReachesOut},
    {"WSLENV", Danger::kReachesOut},
    {"WSL_*", Danger::kReachesOut},
    {"XAUTHORITY", Danger::kReachesOut},
    {"ZELLIJ*", Danger::kReachesOut},
    // container engines
    {"BUILDKIT_HOST", Danger::kReachesOut},
    {"CONTAINER_HOST", Danger::kReachesOut},
    {"CONTAINERD_*", Danger::kReachesOut},
    {"DOCKER_*", Danger::kReachesOut},
    {"FLATPAK_*", Danger::kReachesOut},
    {"PODMAN_*", Danger::kReachesOut},
    {"SNAP*", Danger::kReachesOut},
});

constexpr std::array<std::string_view, 5> kComputedNames{"HOME", "LOGNAME", "PATH", "SHELL",
                                                         "USER"};

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

bool is_ours(std::string_view name) {
  return name == "REDOUBTFUL" || name.starts_with("REDOUBTFUL_");
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '=' && c != 0x7F;
  });
}

// What a wildcard may match: a name any shell could have assigned, so no exported function either.
bool is_identifier(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool wildcard_may_match(std::string_view name) {
  return is_identifier(name) && !is_ours(name) && danger_of(name) == Danger::kNone &&
         std::ranges::find(kComputedNames, name) == kComputedNames.end();
}

Error refused(const Origin& origin, const std::string& reason) {
  return Error(Errc::kInvalidProfile, origin.text() + ": " + reason);
}

std::string_view mode_name(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kNone:
      return "none";
    case NetworkMode::kFiltered:
      return "filtered";
    case NetworkMode::kDiscover:
      return "discover";
    case NetworkMode::kDangerouslyOpen:
      return "dangerously-open";
  }
  return "none";
}

std::string joined_hosts(const std::vector<std::string>& hosts) {
  std::string out;
  for (const std::string& host : hosts) {
    if (out.size() + host.size() + 1 > kMaxAllowedHostsBytes) return out + ",...";
    if (!out.empty()) out += ',';
    out += host;
  }
  return out;
}

// An empty or relative entry would make the current directory, which the agent writes, a place that
// programs come from.
std::string joined_path(const std::vector<std::string>& directories,
                        std::vector<std::string>& warnings) {
  std::string out;
  for (const std::string& directory : directories) {
    if (!directory.starts_with('/') || directory.find(':') != std::string::npos) {
      warnings.push_back(quoted(directory) + " cannot be an entry of PATH");
      continue;
    }
    if (!out.empty()) out += ':';
    out += directory;
  }
  return out.empty() ? "/usr/local/bin:/usr/bin:/bin" : out;
}

using Variables = std::map<std::string, std::string, std::less<>>;

Variables parse_host(std::span<const std::string> host) {
  Variables variables;
  for (const std::string& entry : host) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || !is_name(std::string_view(entry).substr(0, equals)))
      continue;
    variables.try_emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return variables;
}

void pass_exactly(const Sourced<std::string>& item, const Variables& host, AgentEnvironment& result,
                  Variables& variables) {
  const auto found = host.find(item.value);
  if (found == host.end()) return;
  if (danger_of(item.value) == Danger::kRunsCode) {
    result.warnings.push_back(item.origin.text() + ": " + item.value +
                              " of the host decides what programs inside load or run");
  }
  variables[item.value] = found->second;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

void put_all(const std::vector<std::string>& entries, Variables& variables) {
  for (const auto& entry : entries) {
    const std::size_t equals = entry.find('=');
    variables[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
}

// Several programs start a JVM with options of their own in this variable; the last one that says
// where the trust store is wins, so one that is there already is left alone.
void add_java_options(const std::string& options, Variables& variables) {
  if (options.empty()) return;
  std::string& value = variables["JAVA_TOOL_OPTIONS"];
  if (value.find("-Djavax.net.ssl.trustStore=") != std::string::npos) return;
  value += value.empty() ? options : " " + options;
}

Result<void> pass(const Sourced<std::string>& item, const Variables& host,
                  const std::vector<std::string>& withheld, AgentEnvironment& result,
                  Variables& variables) {
  const std::string& pattern = item.value;
  const std::size_t star = pattern.find('*');
  const bool wildcard = star != std::string::npos;
  if (!is_name(pattern) || (wildcard && star + 1 != pattern.size())) {
    return refused(item.origin,
                   quoted(pattern) + " is neither a variable's name nor a prefix followed by '*'")
        .hint("write NAME or PREFIX*");
  }
  if (is_ours(pattern)) return refused(item.origin, pattern + " is set by redoubtful itself");
  if (!wildcard && holds(withheld, pattern)) {
    result.warnings.push_back(item.origin.text() + ": " + pattern +
                              " holds the value of a credential, so it is not passed; what the "
                              "credential exposes is there instead");
    return {};
  }
  if (!wildcard) {
    pass_exactly(item, host, result, variables);
    return {};
  }
  if (pattern == "*") {
    result.warnings.push_back(item.origin.text() +
                              ": \"*\" passes every key that the host's environment holds");
  }
  for (const auto& [name, value] : host) {
    if (matches(pattern, name) && wildcard_may_match(name) && !holds(withheld, name)) {
      variables[name] = value;
    }
  }
  return {};
}

Result<void> set(const EnvironmentVariable& item, Variables& variables) {
  if (!is_name(item.name)) {
    return refused(item.origin, quoted(item.name) + " is not a variable's name");
  }
  if (is_ours(item.name)) return refused(item.origin, item.name + " is set by redoubtful itself");
  if (item.value.find('\0') != std::string::npos) {
    return refused(item.origin, "the value of " + item.name + " contains a NUL byte");
  }
  if (item.name.size() + item.value.size() + 2 > kMaxEntryBytes) {
    return refused(item.origin, "the value of " + item.name + " is longer than the kernel takes (" +
                                    std::to_string(item.value.size()) +
                                    " bytes; 128 KiB with the name)");
  }
  variables[item.name] = item.value;
  return {};
}

}  // namespace

Danger danger_of(std::string_view name) noexcept {
  for (const auto& [pattern, danger] : kDangerousNames) {
    if (matches(pattern, name)) return danger;
  }
  return Danger::kNone;
}

Result<AgentEnvironment> agent_environment(const EnvironmentProfile& profile,
                                           std::span<const std::string> host,
                                           const EnvironmentFacts& facts) {
  AgentEnvironment result;
  Variables variables{{"HOME", facts.home},
                      {"LOGNAME", facts.user},
                      {"PATH", joined_path(facts.path, result.warnings)},
                      {"SHELL", facts.shell},
                      {"USER", facts.user}};
  if (facts.uid == 0) variables.emplace("IS_SANDBOX", "1");

  put_all(facts.defaults, variables);
  const Variables host_variables = parse_host(host);
  for (const auto& item : profile.pass) {
    if (auto passed = pass(item, host_variables, facts.withheld, result, variables); !passed) {
      return std::move(passed).error();
    }
  }
  for (const auto& item : profile.set) {
    if (auto done = set(item, variables); !done) return std::move(done).error();
  }
  add_java_options(facts.java_options, variables);
  put_all(facts.surrogates, variables);
  variables["REDOUBTFUL"] = "1";
  variables["REDOUBTFUL_NETWORK"] = mode_name(facts.network);
  variables["REDOUBTFUL_ALLOWED_HOSTS"] = joined_hosts(facts.allowed_hosts);

  result.variables.reserve(variables.size());
  for (const auto& [name, value] : variables) result.variables.push_back(name + '=' + value);
  return result;
}

}  // namespace redoubtful::cli
