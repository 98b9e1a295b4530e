#include "proxy/credential_configuration.hpp"

#include <algorithm>
#include <array>

#include "common/aws.hpp"
#include "common/text.hpp"
#include "proxy/web_get.hpp"

namespace redoubtful::proxy {
namespace {

template <class Predicate>
bool all_bytes(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Source: RFC 9110, section 5.6.2, "token".
bool is_token(std::string_view text) {
  return !text.empty() && all_bytes(text, [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::vector<Surface> read_surfaces(const JsonNode& node) {
  constexpr std::array kKinds{SurfaceKind::kHeader, SurfaceKind::kNamedHeader,
                              SurfaceKind::kQuery,  SurfaceKind::kCookie,
                              SurfaceKind::kBody,   SurfaceKind::kWebSocket};
  std::vector<Surface> out;
  if (node.absent()) return out;
  for (const auto& item : node.items()) {
    item.only({"surface", "name", "method", "path"});
    Surface surface;
    const std::string word = item.at("surface").text();
    const auto* kind = std::find_if(kKinds.begin(), kKinds.end(),
                                    [&](SurfaceKind one) { return surface_word(one) == word; });
    if (kind == kKinds.end()) {
      item.at("surface").fail(quoted(word, 80) + " is not a surface");
      return out;
    }
    surface.kind = *kind;
    surface.name = item.at("name").text();
    surface.method = item.at("method").text();
    surface.path = item.at("path").text();
    const bool nameless =
        surface.kind == SurfaceKind::kHeader || surface.kind == SurfaceKind::kWebSocket;
    if (nameless != surface.name.empty()) item.at("name").fail("does not fit the surface");
    if (surface.kind == SurfaceKind::kNamedHeader && !is_token(surface.name)) {
      item.at("name").fail("is not the name of a header field");
    }
    if (surface.kind == SurfaceKind::kBody && (surface.method.empty() || surface.path.empty())) {
      item.fail("a field of a body needs method and path");
    }
    out.push_back(std::move(surface));
  }
  return out;
}

Attachment read_attachment(const JsonNode& node) {
  node.only({"header", "value"});
  Attachment out{node.at("header").text(), node.at("value").text()};
  if (!is_token(out.header)) node.at("header").fail("is not the name of a header field");
  const std::size_t at = out.value.find("{}");
  const bool fits = at != std::string::npos && out.value.find("{}", at + 1) == std::string::npos &&
                    all_bytes(out.value, [](char c) { return c >= ' ' && c <= '~'; });
  if (!fits) node.at("value").fail("does not hold {} once");
  return out;
}

// The value whose word it is; a fault where there is none.
template <class T>
T read_word(const JsonNode& node, std::initializer_list<T> all, std::string_view (*word_for)(T),
            std::string_view what) {
  const std::string word = node.text();
  for (const T one : all) {
    if (word_for(one) == word) return one;
  }
  node.fail(quoted(word, 40) + " is no " + std::string(what));
  return *all.begin();
}

void read_type(const JsonNode& item, CredentialProfile& credential) {
  const auto type = item.at("type");
  if (type.absent()) return;
  credential.type = read_word<CredentialType>(
      type, {CredentialType::kValue, CredentialType::kAws, CredentialType::kOauth},
      [](CredentialType one) { return type_name(one); }, "type");
}

void read_refresh(const JsonNode& item, CredentialProfile& credential) {
  const bool oauth = credential.type == CredentialType::kOauth;
  const auto node = item.at("refresh");
  if (oauth == node.absent()) node.fail("does not fit the type");
  if (!oauth || node.absent()) return;
  if (!credential.source.starts_with("json:") || credential.source.find('#') == std::string::npos) {
    item.at("source").fail("is no json:FILE#/pointer, where a login can be written back");
  }
  node.only({"endpoint", "client_id", "client_id_at", "client_secret", "client_secret_at",
             "access_token", "refresh_token", "id_token", "account", "expires", "refreshed",
             "scope", "body", "expires_as", "lock", "shows_refresh_token"});
  OauthGrant& grant = credential.refresh.emplace();
  for (const auto& text : grant_texts()) {
    grant.*text.member = node.at(text.key).text();
    const bool formed = !text.pointer || is_json_pointer(grant.*text.member);
    if (!formed) node.at(text.key).fail("is no JSON pointer");
  }
  grant.body = read_word<GrantBody>(
      node.at("body"), {GrantBody::kForm, GrantBody::kJson},
      [](GrantBody one) { return word_of(one); }, "form of a body");
  grant.expires_as = read_word<TimeForm>(
      node.at("expires_as"), {TimeForm::kSeconds, TimeForm::kMilliseconds, TimeForm::kRfc3339},
      [](TimeForm one) { return word_of(one); }, "form of a time");
  grant.lock = read_word<LoginLock>(
      node.at("lock"), {LoginLock::kNone, LoginLock::kClaude, LoginLock::kCodex},
      [](LoginLock one) { return word_of(one); }, "lock");
  grant.shows_refresh_token = node.at("shows_refresh_token").flag();
  const auto server = parse_web_server(grant.endpoint);
  if (!server || !server->tls || server->prefix.empty()) {
    node.at("endpoint").fail("is no https:// address with a path");
  }
  if (grant.access_token.empty() || grant.refresh_token.empty()) {
    node.fail("does not say where the tokens stand");
  }
  if (grant.client_id.empty() && grant.client_id_at.empty()) {
    node.at("client_id").fail("is empty");
  }
}

void read_aws(const JsonNode& item, CredentialProfile& credential) {
  const auto services = item.at("services");
  if (!services.absent()) credential.services = services.texts();
  const bool aws = credential.type == CredentialType::kAws;
  for (const auto& service : credential.services) {
    if (auto checked = check_aws_service(service); !checked) services.fail(checked.error());
  }
  if (aws == credential.services.empty()) services.fail("does not fit the type");
  if (!aws) return;
  if (!credential.replace_in.empty() || credential.attach) {
    item.fail("is of type aws, where replace_in and attach have no meaning");
  }
  if (credential.expose_env.size() == 1 || credential.expose_env.size() > 3) {
    item.at("expose").fail("names no variables of key id, secret and session token");
  }
}

// A request is signed, or it carries another credential.
void refuse_shared_hosts(const JsonNode& node, const std::vector<CredentialProfile>& all) {
  for (const auto& aws : all) {
    if (aws.type != CredentialType::kAws) continue;
    for (const auto& other : all) {
      if (other.type == CredentialType::kAws) continue;
      for (const Host& host : aws.hosts) {
        if (!other.hosts.names(host)) continue;
        node.fail(host.text() + " is of " + shown(aws.name) + ", which signs, and of " +
                  shown(other.name) + ", which does not");
      }
    }
  }
}

}  // namespace

Origin read_origin(const JsonNode& node) {
  if (!node.is_there()) return {.file = "configuration", .line = 0, .column = 0, .option = {}};
  node.only({"file", "line", "column", "option"});
  const auto count = [&](std::string_view key) {
    const auto number = node.at(key);
    return number.is_there() ? static_cast<int>(number.number() & 0x7FFFFFFFU) : 0;
  };
  Origin out;
  out.file = node.at("file").text();
  out.line = count("line");
  out.column = count("column");
  if (const auto option = node.at("option"); option.is_there()) out.option = option.text();
  return out;
}

std::optional<Host> read_host(const JsonNode& node) {
  auto host = Host::parse(node.text());
  if (host) return *std::move(host);
  node.fail(host.error());
  return std::nullopt;
}

std::vector<CredentialProfile> read_credentials(const JsonNode& node) {
  std::vector<CredentialProfile> out;
  if (node.absent()) return out;
  for (const auto& item : node.items()) {
    item.only({"name", "source", "command", "hosts", "expose", "replace_in", "attach", "exclusive",
               "optional", "type", "services", "refresh", "origin"});
    CredentialProfile credential;
    credential.name = item.at("name").text();
    credential.source = item.at("source").text();
    if (const auto words = item.at("command"); !words.absent()) credential.command = words.texts();
    for (const auto& text : item.at("hosts").items()) {
      if (auto added = credential.hosts.add(text.text()); !added) text.fail(added.error().what());
    }
    if (const auto expose = item.at("expose"); !expose.absent()) {
      expose.only({"env", "file"});
      credential.expose_env = expose.at("env").texts();
      if (const auto files = expose.at("file"); !files.absent()) {
        credential.expose_file = files.texts();
      }
    }
    credential.replace_in = read_surfaces(item.at("replace_in"));
    if (const auto attach = item.at("attach"); !attach.absent()) {
      credential.attach = read_attachment(attach);
    }
    if (const auto exclusive = item.at("exclusive"); exclusive.is_there()) {
      credential.exclusive = exclusive.flag();
    }
    for (const auto& name : credential.expose_env) {
      const bool fits = !name.empty() && !is_digit(name.front()) && all_bytes(name, [](char c) {
        return is_letter(c) || is_digit(c) || c == '_';
      });
      if (!fits) item.at("expose").fail(quoted(name, 80) + " is not the name of a variable");
    }
    if (const auto optional = item.at("optional"); optional.is_there()) {
      credential.optional = optional.flag();
    }
    credential.origin = read_origin(item.at("origin"));
    read_type(item, credential);
    read_aws(item, credential);
    read_refresh(item, credential);
    if (credential.exclusive && credential.optional) item.fail("is exclusive and optional");
    if (credential.name.empty()) item.at("name").fail("is empty");
    if (credential.source.empty()) item.at("source").fail("is empty");
    if (credential.hosts.empty()) item.at("hosts").fail("names no host");
    out.push_back(std::move(credential));
  }
  refuse_shared_hosts(node, out);
  return out;
}

}  // namespace redoubtful::proxy
