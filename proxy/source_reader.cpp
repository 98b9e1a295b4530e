#include "proxy/source_reader.hpp"

#include <string.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "common/text.hpp"
#include "proxy/base64.hpp"
#include "proxy/command_source.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/vault_source.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

Error absent(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

// A file that is not there is nothing; one that must not be used is an error whatever happens.
Result<std::string> content_of(const std::string& path) {
  auto content = read_secret_file(path, FilePrivacy::kOwnerOnly);
  if (content) return content;
  const int reason = content.error().system_errno();
  if (reason == ENOENT || reason == ENOTDIR) {
    return absent(shown(path) + " does not exist");
  }
  return content;
}

// Editors end a file with a newline.
void drop_newline(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

// "/auths/registry.example/auth" of docker's config.json: base64 of user:password, of which the
// password is the secret. Source: docker-credential-helpers; containers-auth.json(5).
bool is_docker_login(std::string_view pointer) {
  return pointer.starts_with("/auths/") && pointer.ends_with("/auth");
}
std::string password_of(const std::string& value) {
  const auto decoded = from_base64(value, Base64::kStandard);
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  return colon == std::string::npos ? value : decoded->substr(colon + 1);
}

}  // namespace

const std::string* SourceReader::variable(std::string_view name) const {
  const auto found = std::find_if(variables_.begin(), variables_.end(),
                                  [&](const auto& one) { return one.name == name; });
  return found == variables_.end() || found->value.empty() ? nullptr : &found->value;
}

std::string SourceReader::expanded(std::string_view path) const {
  const std::string* home = variable("HOME");
  if (home == nullptr || !path.starts_with("~/")) return std::string(path);
  return *home + std::string(path.substr(1));
}

Result<std::string> SourceReader::read_variable(std::string_view name) const {
  if (const std::string* value = variable(name)) return *value;
  return absent("the variable " + shown(name) + " is not set");
}

Result<std::string> SourceReader::read_pointer(std::string_view place, CredentialType type) const {
  const std::size_t hash = place.rfind('#');
  if (hash == std::string_view::npos) return absent("the form is json:FILE#/pointer");
  const std::string path = expanded(place.substr(0, hash));
  const std::string_view pointer = place.substr(hash + 1);
  auto content = content_of(path);
  if (!content) return content;
  auto document = parse_json(*content, erasing_storage());
  ::explicit_bzero(content->data(), content->size());
  if (!document) {
    return Error(Errc::kInvalidSecret, shown(path) + ": " + document.error().what());
  }
  json::error_code missing;
  const json::value* found =
      document->find_pointer(json::string_view(pointer.data(), pointer.size()), missing);
  if (found == nullptr || found->is_null()) {
    return absent(shown(path) + " has nothing at " + quoted(pointer, 200));
  }
  if (type == CredentialType::kAws && found->is_object()) return json::serialize(*found);
  if (const json::string* text = found->if_string()) {
    if (text->empty()) return absent(shown(path) + " has an empty text at " + quoted(pointer, 200));
    std::string value(text->data(), text->size());
    if (is_docker_login(pointer)) return password_of(value);
    return value;
  }
  return Error(Errc::kInvalidSecret, shown(path) + " has no text at " + quoted(pointer, 200));
}

Result<std::string> SourceReader::read_command(const CredentialProfile& credential,
                                               std::string_view text) const {
  const bool listed = !credential.command.empty();
  auto output =
      run_source_command({listed ? credential.command : shell_words(std::string(text)), commands_});
  if (!output) return std::move(output).error().during("the command");
  if (output->empty()) return absent("the command prints nothing");
  return output;
}

// Source: secret-tool(1).
Result<std::string> SourceReader::read_keyring(std::string_view attributes) const {
  std::vector<std::string> words{"secret-tool", "lookup"};
  for (;;) {
    const std::size_t comma = attributes.find(',');
    const std::string_view one = attributes.substr(0, comma);
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0 || one.front() == '-') {
      return absent("the form is keyring:ATTRIBUTE=VALUE[,ATTRIBUTE=VALUE]");
    }
    words.emplace_back(one.substr(0, equals));
    words.emplace_back(one.substr(equals + 1));
    if (comma == std::string_view::npos) break;
    attributes.remove_prefix(comma + 1);
  }
  auto output = run_source_command({std::move(words), commands_});
  if (!output) {
    const bool missing = output.error().what().find("no program") != std::string::npos;
    Error error = std::move(output).error();
    if (missing) {
      (void)std::move(error).hint("install libsecret-tools, which has secret-tool");
    } else {
      (void)std::move(error).hint("`secret-tool lookup` with these attributes says more");
    }
    return std::move(error).during("the keyring");
  }
  if (output->empty()) return absent("the keyring has no such entry");
  return output;
}

Result<std::string> SourceReader::read_vault_field(std::string_view place) const {
  const auto text = [this](std::string_view name) {
    const std::string* value = variable(name);
    return value == nullptr ? std::string() : *value;
  };
  VaultAccess access{.address = text("VAULT_ADDR"),
                     .token = text("VAULT_TOKEN"),
                     .name_space = text("VAULT_NAMESPACE"),
                     .certificate = text("VAULT_CACERT")};
  const std::string home = text("HOME");
  if (access.token.empty() && !home.empty()) {
    auto kept = content_of(home + "/.vault-token");
    if (!kept && kept.error().code() != Errc::kInvalidProfile) return kept;
    if (kept) {
      drop_newline(*kept);
      access.token = std::move(*kept);
    }
  }
  auto value = read_vault(access, place);
  ::explicit_bzero(access.token.data(), access.token.size());
  return value;
}

Result<std::string> SourceReader::read(const CredentialProfile& credential) const {
  const std::string_view source = credential.source;
  const std::size_t colon = std::min(source.find(':'), source.size());
  const std::string_view kind = source.substr(0, colon);
  const std::string_view place = source.substr(std::min(colon + 1, source.size()));
  if (kind == "env") return read_variable(place);
  if (kind == "json") return read_pointer(place, credential.type);
  if (kind == "command") return read_command(credential, place);
  if (kind == "keyring") return read_keyring(place);
  if (kind == "vault") return read_vault_field(place);
  if (kind == "file") {
    auto content = content_of(expanded(place));
    if (content) drop_newline(*content);
    if (content && content->empty()) return absent(shown(place) + " is empty");
    return content;
  }
  return Error(Errc::kNotYet, "the source " + quoted(source, 80) + " is not of this version");
}

}  // namespace redoubtful::proxy
