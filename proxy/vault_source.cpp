#include "proxy/vault_source.hpp"

#include <string.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "common/host.hpp"
#include "common/text.hpp"
#include "proxy/authority.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/tls.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxAnswer = 1024 * 1024;

Error failed(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

struct Server {
  Authority authority;
  std::string prefix;  // of the path, without a slash at its end
  bool tls = true;
};

bool is_loopback(const Host& host) {
  if (host.text() == "localhost") return true;
  boost::system::error_code bad;
  return asio::ip::make_address(host.text(), bad).is_loopback() && !bad;
}

Result<Server> server_of(std::string_view address) {
  constexpr std::string_view kTls = "https://";
  constexpr std::string_view kPlain = "http://";
  if (address.empty()) {
    return failed("VAULT_ADDR is not set").hint("export VAULT_ADDR=https://HOST:8200");
  }
  const bool tls = address.starts_with(kTls);
  if (!tls && !address.starts_with(kPlain)) {
    return failed("VAULT_ADDR is no https:// address");
  }
  address.remove_prefix(tls ? kTls.size() : kPlain.size());
  const std::size_t slash = std::min(address.find('/'), address.size());
  auto authority = parse_authority(address.substr(0, slash), *Port::parse(tls ? "443" : "80"));
  if (!authority) return std::move(authority).error().during("VAULT_ADDR");
  if (!tls && !is_loopback(authority->host)) {
    return failed("VAULT_ADDR is http://, where the token would be readable on the way")
        .hint("use https://; plain HTTP is for a server on this machine");
  }
  std::string_view prefix = address.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return Server{*std::move(authority), std::string(prefix), tls};
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// "/v1/MOUNT/data/PATH"; other bytes than those of plain words are percent-encoded.
std::string target_of(const Server& server, std::string_view mount, std::string_view path) {
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

struct Answer {
  std::string text;   // the whole of it, head and all
  std::string error;  // or what went wrong
};

Awaitable<std::unique_ptr<Stream>> connected(const Server& server, OriginTls& tls,
                                             std::string& error) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  const auto [unknown, places] = co_await resolver.async_resolve(
      server.authority.host.text(), std::to_string(server.authority.port.number()),
      asio::as_tuple(asio::use_awaitable));
  asio::ip::tcp::socket socket(executor);
  boost::system::error_code bad = unknown;
  if (!bad) {
    const auto [refused, end] =
        co_await asio::async_connect(socket, places, asio::as_tuple(asio::use_awaitable));
    bad = refused;
  }
  if (bad) {
    error = bad.message();
    co_return nullptr;
  }
  if (!server.tls) co_return plain_stream(std::move(socket));
  auto shaken = co_await tls.connect(std::move(socket), server.authority.host, {});
  if (auto* failure = std::get_if<TlsFailure>(&shaken)) {
    error = failure->text;
    co_return nullptr;
  }
  co_return std::get<std::unique_ptr<Stream>>(std::move(shaken));
}

Awaitable<Answer> asked(const Server& server, OriginTls& tls, const std::string& request) {
  Answer out;
  auto stream = co_await connected(server, tls, out.error);
  if (!stream) co_return out;
  const std::vector<asio::const_buffer> buffers{asio::buffer(request)};
  const IoResult sent = co_await stream->write(buffers);
  if (sent.error) {
    out.error = sent.error.message();
    co_return out;
  }
  std::string buffer(16384, '\0');
  // It closes after the answer, as it was asked to; a cut one does not parse.
  while (out.text.size() <= kMaxAnswer) {
    const IoResult got = co_await stream->read_some(asio::buffer(buffer));
    out.text.append(buffer, 0, got.bytes);
    if (got.error) break;
  }
  ::explicit_bzero(buffer.data(), buffer.size());
  co_return out;
}

Result<std::string> field_of(std::string& answer, std::string_view field) {
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswer);
  parser.eager(true);
  boost::system::error_code bad;
  parser.put(asio::buffer(answer), bad);
  if (!bad && !parser.is_done()) parser.put_eof(bad);
  ::explicit_bzero(answer.data(), answer.size());
  if (bad || !parser.is_done()) return failed("the server's answer is no HTTP, or not whole");
  const unsigned status = parser.get().result_int();
  std::string body = std::move(parser.get().body());
  const auto storage = erasing_storage();
  auto document = parse_json(body, storage);
  ::explicit_bzero(body.data(), body.size());
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
  auto server = server_of(access.address);
  if (!server) return std::move(server).error();
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
  if (!access.certificate.empty()) roots.push_back({access.certificate, {}});
  auto tls = OriginTls::create(std::move(roots), {});
  if (!tls) return std::move(tls).error().during("VAULT_CACERT");
  std::string request =
      "GET " +
      target_of(*server, place.substr(0, slash), place.substr(slash + 1, hash - slash - 1)) +
      " HTTP/1.1\r\nHost: " + authority_text(server->authority) +
      "\r\nX-Vault-Request: true\r\nConnection: close\r\nAccept: application/json\r\n";
  if (!access.name_space.empty()) request += "X-Vault-Namespace: " + access.name_space + "\r\n";
  request += "X-Vault-Token: " + access.token + "\r\n\r\n";

  asio::io_context context(1);
  std::optional<Answer> answer;
  asio::co_spawn(context, asked(*server, **tls, request),
                 [&answer](std::exception_ptr bug, Answer got) {
                   if (bug) std::rethrow_exception(bug);
                   answer = std::move(got);
                 });
  context.run_for(kPatience);
  ::explicit_bzero(request.data(), request.size());
  const std::string who = authority_text(server->authority);
  if (!answer) return failed(who + " does not answer");
  if (!answer->error.empty()) return failed("cannot reach " + who + ": " + answer->error);
  auto field = field_of(answer->text, place.substr(hash + 1));
  if (!field) return std::move(field).error().during(who);
  return field;
}

}  // namespace redoubtful::proxy
