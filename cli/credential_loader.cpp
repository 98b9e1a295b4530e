#include "cli/credential_loader.hpp"

#include <algorithm>
#include <array>

#include "cli/value_syntax.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kEnv = "env:";
constexpr std::array<std::string_view, 6> kLaterSources{
    "file:", "command:", "vault:", "keyring:", "json:", "aws-profile:"};

Result<std::string> parse_source(std::string_view text) {
  if (text.starts_with(kEnv)) {
    if (!parse_variable_name(text.substr(kEnv.size()))) {
      return Error(Errc::kInvalidProfile, "what stands behind env: is not the name of a variable");
    }
    return std::string(text);
  }
  for (const auto later : kLaterSources) {
    if (text.starts_with(later)) {
      return Error(Errc::kNotYet,
                   "the source " + std::string(later) + " is not yet in this version")
          .hint("put the value into a variable of your own environment and write env:NAME");
    }
  }
  return Error(Errc::kInvalidProfile,
               "the source says where the value is (env:NAME), it is not the value itself")
      .hint("export the value in your shell, and name that variable here");
}

Result<std::string> parse_credential_name(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= kMaxNameBytes && text.front() != '-' &&
                    text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
                    });
  if (fits) return std::string(text);
  return Error(Errc::kInvalidProfile,
               quoted(text, 60) +
                   " is not the name of a credential: letters, digits, '.', '_' "
                   "and '-', at most 64 bytes");
}

Result<void> add_host(std::string_view text, std::vector<Host>& hosts) {
  auto host = Host::parse(text);
  if (!host) {
    return std::move(host).error().hint(
        "a credential names each host that may receive it, without scheme, port or wildcard");
  }
  if (std::find(hosts.begin(), hosts.end(), *host) != hosts.end()) {
    return Error(Errc::kInvalidProfile, "the host " + host->text() + " stands here twice");
  }
  hosts.push_back(*std::move(host));
  return {};
}

Result<void> later(const Document& document, const YamlNode& node, std::string_view key) {
  return error_at(Errc::kNotYet, document.origin(node),
                  "credentials: " + std::string(key) + ": not yet in this version");
}

constexpr std::array<Key<CredentialProfile>, 2> kExposeKeys{{
    {"env",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       const auto add = [&](const YamlNode& item) -> Result<void> {
         auto name = read_value(document, item, parse_variable_name);
         if (!name) return std::move(name).error();
         out.expose_env.push_back(*std::move(name));
         return {};
       };
       return node.kind == YamlNode::Kind::kList ? read_list(document, node, add) : add(node);
     }},
    {"file",
     [](const Document& document, const YamlNode& node, CredentialProfile&) -> Result<void> {
       return later(document, node, "expose: file");
     }},
}};

// What is known but not built; a function pointer each, for the key is part of the message.
template <std::size_t N>
struct Later {
  static constexpr std::array<std::string_view, 8> kNames{
      "type",     "attach", "replace_in",      "exclusive",
      "services", "app_id", "installation_id", "certificate"};
  static Result<void> refuse(const Document& document, const YamlNode& node, CredentialProfile&) {
    return later(document, node, kNames[N]);
  }
  static constexpr Key<CredentialProfile> key() { return {kNames[N], refuse}; }
};

constexpr std::array<Key<CredentialProfile>, 12> kCredentialKeys{{
    {"source",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_into(document, node, parse_source, out.source);
     }},
    {"hosts",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
         auto text = read_text(document, item);
         if (!text) return std::move(text).error();
         auto added = add_host(*text, out.hosts);
         if (!added) return document.error(item, std::move(added).error());
         return {};
       });
     }},
    {"expose",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_keys<CredentialProfile>(document, node, kExposeKeys, out);
     }},
    {"optional",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_into(document, node, parse_flag, out.optional);
     }},
    Later<0>::key(),
    Later<1>::key(),
    Later<2>::key(),
    Later<3>::key(),
    Later<4>::key(),
    Later<5>::key(),
    Later<6>::key(),
    Later<7>::key(),
}};

}  // namespace

Result<void> read_credentials(const Document& document, const YamlNode& node,
                              std::vector<CredentialProfile>& out) {
  return read_mapping(document, node, [&](const YamlEntry& entry) -> Result<void> {
    auto name = parse_credential_name(entry.key);
    if (!name) return document.error(entry, std::move(name).error());
    CredentialProfile credential;
    credential.name = *std::move(name);
    credential.origin = document.origin(entry);
    auto read = read_keys<CredentialProfile>(document, entry.value, kCredentialKeys, credential);
    if (!read) return read;
    const auto missing = [&](std::string_view key) -> Result<void> {
      return error_at(Errc::kInvalidProfile, credential.origin,
                      "the credential " + credential.name + " needs the key " + std::string(key));
    };
    if (credential.source.empty()) return missing("source");
    if (credential.hosts.empty()) return missing("hosts, with at least one host");
    if (credential.expose_env.empty()) return missing("expose, with at least one variable");
    out.push_back(std::move(credential));
    return {};
  });
}

Result<CredentialProfile> parse_secret(std::string_view text) {
  constexpr std::string_view kForm = "NAME=env:VARIABLE@HOST[,HOST]";
  const auto usage = [&](std::string_view what) {
    return Error(Errc::kUsage, std::string(what))
        .hint("the form is " + std::string(kForm) +
              ", e.g. GITHUB_TOKEN=env:GITHUB_TOKEN@api.github.com,github.com");
  };
  if (text.starts_with('@')) {
    return Error(Errc::kNotYet, "secrets from a file: not yet in this version")
        .hint("write them in a profile, under credentials");
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return usage("the '=' behind the name is missing");
  auto name = parse_variable_name(text.substr(0, equals));
  if (!name) return usage("what stands before the '=' is not the name of a variable");
  const std::string_view rest = text.substr(equals + 1);
  const std::size_t at = rest.rfind('@');
  auto source = parse_source(rest.substr(0, at));
  if (!source) {
    if (source.error().code() == Errc::kNotYet) return std::move(source).error();
    return Error(Errc::kInvalidProfile,
                 "a value on the command line could be read by everybody on this machine (ps)")
        .hint("export it in your shell and write " + *name + "=env:" + *name + "@HOST");
  }
  if (at == std::string_view::npos) return usage("the hosts are missing: @HOST[,HOST]");
  CredentialProfile out;
  out.name = *name;
  out.source = *std::move(source);
  out.expose_env = {*std::move(name)};
  for (std::string_view hosts = rest.substr(at + 1);;) {
    const std::size_t comma = hosts.find(',');
    if (auto added = add_host(hosts.substr(0, comma), out.hosts); !added) {
      return std::move(added).error();
    }
    if (comma == std::string_view::npos) return out;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace redoubtful::cli
