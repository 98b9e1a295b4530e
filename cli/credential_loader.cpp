#include "cli/credential_loader.hpp"

#include <algorithm>
#include <array>

#include "cli/aws_loader.hpp"
#include "cli/oauth_loader.hpp"
#include "cli/surface_loader.hpp"
#include "cli/value_syntax.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kEnv = "env:";

Error wrong(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

// Alone it stands for AWS's own variables, which settle_aws() judges.
Result<std::string> parse_env(std::string_view place) {
  if (place.empty() || parse_variable_name(place)) return std::string(place);
  return wrong("what stands behind env: is not the name of a variable");
}

Result<std::string> parse_file(std::string_view place) {
  auto path = parse_path(place);
  if (!path) return wrong("what stands behind file: is no path, absolute or ~/...");
  return path;
}

// Source: RFC 6901. The whole document is a login, which settle_oauth() judges.
Result<std::string> parse_json_place(std::string_view place) {
  const std::size_t hash = place.rfind('#');
  const bool pointed = hash != std::string_view::npos;
  const std::string_view pointer = pointed ? place.substr(hash + 1) : std::string_view();
  auto path = parse_path(place.substr(0, hash));
  if (!path || !pointed || (!pointer.empty() && !pointer.starts_with('/'))) {
    return wrong("the form is json:FILE#/pointer, with FILE absolute or ~/...");
  }
  return *path + "#" + std::string(pointer);
}

Result<std::string> parse_command(std::string_view place) {
  const bool blank = place.find_first_not_of(" \t\n") == std::string_view::npos;
  if (blank) return wrong("command: names no command");
  return std::string(place);
}

Result<std::string> parse_keyring(std::string_view place) {
  const std::string out(place);
  for (;;) {
    const std::size_t comma = place.find(',');
    const std::string_view one = place.substr(0, comma);
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0 || one.front() == '-') {
      return wrong("the form is keyring:ATTRIBUTE=VALUE[,ATTRIBUTE=VALUE]");
    }
    if (comma == std::string_view::npos) return out;
    place.remove_prefix(comma + 1);
  }
}

Result<std::string> parse_vault(std::string_view place) {
  const std::size_t hash = place.rfind('#');
  const std::size_t slash = place.find('/');
  const bool fits = hash != std::string_view::npos && slash > 0 && hash > slash + 1 &&
                    slash != std::string_view::npos && hash + 1 < place.size();
  if (fits) return std::string(place);
  return wrong("the form is vault:MOUNT/PATH#FIELD");
}

struct SourceKind {
  std::string_view prefix;
  Result<std::string> (*parse)(std::string_view place);
};
constexpr std::array<SourceKind, 7> kSources{{{kEnv, parse_env},
                                              {"file:", parse_file},
                                              {"json:", parse_json_place},
                                              {"command:", parse_command},
                                              {"keyring:", parse_keyring},
                                              {"vault:", parse_vault},
                                              {kAwsProfile, parse_aws_profile}}};

Result<std::string> parse_source(std::string_view text) {
  for (const auto& kind : kSources) {
    if (!text.starts_with(kind.prefix)) continue;
    auto place = kind.parse(text.substr(kind.prefix.size()));
    if (!place) return place;
    return std::string(kind.prefix) + *place;
  }
  return wrong("the source says where the value is (env:NAME), it is not the value itself")
      .hint("export the value in your shell, and name that variable here");
}

// `source: {command: [gh, auth, token]}`.
constexpr std::array<Key<CredentialProfile>, 1> kSourceKeys{{
    {"command",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       if (node.kind != YamlNode::Kind::kList) {
         return document.error(node, "a command that is one text is written `command:TEXT`");
       }
       auto read = read_list(document, node, [&](const YamlNode& item) -> Result<void> {
         auto word = read_text(document, item);
         if (!word) return std::move(word).error();
         out.command.push_back(*std::move(word));
         return {};
       });
       if (!read) return read;
       if (out.command.empty() || out.command.front().empty()) {
         return document.error(node, "the command has no words");
       }
       out.source = "command:";
       return {};
     }},
}};

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

// Inside it lies in the private home.
Result<std::string> parse_exposed_path(std::string_view text) {
  auto path = parse_path(text);
  if (path && path->starts_with("~/")) return path;
  return wrong("a file that holds a surrogate is written ~/...");
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
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       const auto add = [&](const YamlNode& item) -> Result<void> {
         auto path = read_value(document, item, parse_exposed_path);
         if (!path) return std::move(path).error();
         out.expose_file.push_back(*std::move(path));
         return {};
       };
       return node.kind == YamlNode::Kind::kList ? read_list(document, node, add) : add(node);
     }},
}};

// What is known but not built; a function pointer each, for the key is part of the message.
template <std::size_t N>
struct Later {
  static constexpr std::array<std::string_view, 3> kNames{"app_id", "installation_id",
                                                          "certificate"};
  static Result<void> refuse(const Document& document, const YamlNode& node, CredentialProfile&) {
    return later(document, node, kNames[N]);
  }
  static constexpr Key<CredentialProfile> key() { return {kNames[N], refuse}; }
};

// Words of the design that this version does not have.
constexpr std::array<std::string_view, 2> kLaterTypes{"github-app", "client-certificate"};

Result<CredentialType> parse_type(std::string_view text) {
  for (const auto type : {CredentialType::kValue, CredentialType::kAws, CredentialType::kOauth}) {
    if (text == type_name(type)) return type;
  }
  if (std::find(kLaterTypes.begin(), kLaterTypes.end(), text) != kLaterTypes.end()) {
    return Error(Errc::kNotYet, "the type " + std::string(text) + " is not yet in this version");
  }
  return wrong(quoted(text, 40) + " is none of the types value, aws and oauth");
}

constexpr std::array<Key<CredentialProfile>, 13> kCredentialKeys{{
    {"source",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       if (node.kind == YamlNode::Kind::kMap) {
         return read_keys<CredentialProfile>(document, node, kSourceKeys, out);
       }
       return read_into(document, node, parse_source, out.source);
     }},
    {"hosts",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_list(document, node, [&](const YamlNode& item) -> Result<void> {
         auto text = read_text(document, item);
         if (!text) return std::move(text).error();
         auto added = out.hosts.add(*text);
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
    {"replace_in",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       auto surfaces = read_surfaces(document, node);
       if (!surfaces) return std::move(surfaces).error();
       out.replace_in = *std::move(surfaces);
       return {};
     }},
    {"attach",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       auto attachment = read_attachment(document, node);
       if (!attachment) return std::move(attachment).error();
       out.attach = *std::move(attachment);
       return {};
     }},
    {"exclusive",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_into(document, node, parse_flag, out.exclusive);
     }},
    {"type",
     [](const Document& document, const YamlNode& node, CredentialProfile& out) -> Result<void> {
       return read_into(document, node, parse_type, out.type);
     }},
    {"services", read_aws_services},
    {"refresh", read_refresh},
    Later<0>::key(),
    Later<1>::key(),
    Later<2>::key(),
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
    for (const auto settle : {settle_aws, settle_oauth}) {
      if (auto settled = settle(credential); !settled) {
        return error_at(Errc::kInvalidProfile, credential.origin, settled.error().what())
            .hint(settled.error().hint());
      }
    }
    if (credential.expose_env.empty() && credential.expose_file.empty() && !credential.attach) {
      return missing("expose, with a variable or a file, or attach");
    }
    // Absent, it would guard nothing: its hosts would be open to every other key.
    if (credential.exclusive && credential.optional) {
      return error_at(Errc::kInvalidProfile, credential.origin,
                      "the credential " + credential.name +
                          " is exclusive and optional: where it is absent, nothing would be")
          .hint("leave one of the two out");
    }
    // A message may never come, and the host would have answered the upgrade by then.
    const bool frames_alone =
        !credential.replace_in.empty() && !credential.attach &&
        std::all_of(credential.replace_in.begin(), credential.replace_in.end(),
                    [](const Surface& one) { return one.kind == SurfaceKind::kWebSocket; });
    if (credential.exclusive && frames_alone) {
      return error_at(Errc::kInvalidProfile, credential.origin,
                      "the credential " + credential.name +
                          " is exclusive, which messages of a WebSocket cannot be held to")
          .hint(
              "name a surface of the request as well (replace_in: [header, websocket]), or leave "
              "exclusive out");
    }
    out.push_back(std::move(credential));
    return {};
  });
}

Result<CredentialProfile> parse_secret(std::string_view text) {
  constexpr std::string_view kForm = "NAME=SOURCE@HOST[,HOST]";
  const auto usage = [&](std::string_view what) {
    return Error(Errc::kUsage, std::string(what))
        .hint("the form is " + std::string(kForm) +
              ", e.g. GITHUB_TOKEN=env:GITHUB_TOKEN@api.github.com,github.com");
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return usage("the '=' behind the name is missing");
  auto name = parse_variable_name(text.substr(0, equals));
  if (!name) return usage("what stands before the '=' is not the name of a variable");
  const std::string_view rest = text.substr(equals + 1);
  const std::size_t at = rest.rfind('@');
  auto source = parse_source(rest.substr(0, at));
  if (source && (*source == kEnv || source->starts_with(kAwsProfile))) {
    return wrong("keys of AWS are a pair, and need to know the services that they are for")
        .hint("write them in a profile: type: aws, source, services and hosts");
  }
  if (!source) {
    const bool known = std::any_of(kSources.begin(), kSources.end(),
                                   [&](const auto& kind) { return rest.starts_with(kind.prefix); });
    if (known || source.error().code() == Errc::kNotYet) return std::move(source).error();
    return Error(Errc::kInvalidProfile,
                 "a value on the command line could be read by everybody on this machine (ps)")
        .hint("export it in your shell and write " + *name + "=env:" + *name + "@HOST");
  }
  if (source->starts_with("json:") && source->ends_with('#')) {
    return wrong("the form is json:FILE#/pointer");
  }
  if (at == std::string_view::npos) return usage("the hosts are missing: @HOST[,HOST]");
  CredentialProfile out;
  out.name = *name;
  out.source = *std::move(source);
  out.expose_env = {*std::move(name)};
  for (std::string_view hosts = rest.substr(at + 1);;) {
    const std::size_t comma = hosts.find(',');
    if (auto added = out.hosts.add(hosts.substr(0, comma)); !added) {
      return std::move(added).error();
    }
    if (comma == std::string_view::npos) return out;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace redoubtful::cli
