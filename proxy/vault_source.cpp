#include "proxy/vault_source.hpp"

#include <string.h>

#include <algorithm>

#include "common/text.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/web_get.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

Error failed(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// "/v1/MOUNT/data/PATH"; other bytes than those of plain words are percent-encoded.
std::string target_of(const WebServer& server, std::string_view mount, std::string_view path) {
  std::string out = server.prefix + "/v1/";
  const auto add = [&out](std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char c : text) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') ||
                         std::string_view("-._~/").find(c) != std::string_view::npos;
      const auto byte = static_cast<unsigned char>(c);
      if (plain) {
        out += c;
      } else {
        out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
      }
    }
  };
  add(mount);
  out += "/data/";
  add(path);
  return out;
}

Result<std::string> field_of(WebAnswer& answer, std::string_view field) {
  const unsigned status = answer.status;
  const auto storage = erasing_storage();
  auto document = parse_json(answer.body, storage);
  ::explicit_bzero(answer.body.data(), answer.body.size());
  if (status == 403) {
    return failed("the server refuses the token (403)")
        .hint("`vault token lookup` says whether it is still good, and `vault login` gets another");
  }
  if (status == 404) return failed("there is no such secret, or it was deleted (404)");
  if (status != 200) return failed("the server answers with status " + std::to_string(status));
  if (!document) return failed("the server's answer is not JSON");
  json::error_code missing;
  const json::value* data = document->find_pointer("/data/data", missing);
  const json::object* fields = data == nullptr ? nullptr : data->if_object();
  if (fields == nullptr) {
    return failed("the answer is not of a key-value engine of version 2");
  }
  const json::value* value = fields->if_contains(json::string_view(field.data(), field.size()));
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) {
    return failed("the secret has no field " + quoted(field, 80) + " with a text");
  }
  return std::string(text->data(), text->size());
}

}  // namespace

Result<std::string> read_vault(const VaultAccess& access, std::string_view place) {
  if (access.address.empty()) {
    return failed("VAULT_ADDR is not set").hint("export VAULT_ADDR=https://HOST:8200");
  }
  auto server = parse_web_server(access.address);
  if (!server) return std::move(server).error().during("VAULT_ADDR");
  if (access.token.empty()) {
    return failed("there is no token for Vault: neither VAULT_TOKEN nor ~/.vault-token")
        .hint("vault login");
  }
  if (!is_field_value(access.token) || !is_field_value(access.name_space)) {
    return failed("VAULT_TOKEN or VAULT_NAMESPACE has a byte that no header field can carry");
  }
  const std::size_t hash = place.rfind('#');
  const std::size_t slash = place.find('/');
  if (hash == std::string_view::npos || slash == std::string_view::npos || slash > hash) {
    return failed("the form is vault:MOUNT/PATH#FIELD");
  }
  std::vector<Sourced<std::string>> roots;
  if (!access.certificate.empty())
    roots.push_back(
        {access.certificate, {.file = "VAULT_CACERT", .line = 0, .column = 0, .option = {}}});
  Fields fields{{"X-Vault-Request", "true"}};
  if (!access.name_space.empty()) fields.push_back({"X-Vault-Namespace", access.name_space});
  fields.push_back({"X-Vault-Token", access.token});
  auto answer =
      web_get(*server,
              target_of(*server, place.substr(0, slash), place.substr(slash + 1, hash - slash - 1)),
              fields, std::move(roots));
  ::explicit_bzero(fields.back().value.data(), fields.back().value.size());
  if (!answer) return std::move(answer).error();
  auto field = field_of(*answer, place.substr(hash + 1));
  if (!field) return std::move(field).error().during(authority_text(server->authority));
  return field;
}

}  // namespace redoubtful::proxy
