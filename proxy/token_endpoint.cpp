#include "proxy/token_endpoint.hpp"

#include <string.h>

#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <variant>

#include "proxy/gateway.hpp"
#include "proxy/limits.hpp"
#include "proxy/login_lock.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

// The endpoints alone, wherever they are.
Result<NetworkProfile> rules_for(const NetworkProfile& network,
                                 const std::vector<std::string>& urls) {
  NetworkProfile out;
  out.origins = network.origins;
  for (const auto& url : urls) {
    auto server = parse_web_server(url);
    if (!server) return std::move(server).error();
    const Host& host = server->authority.host;
    const std::string name =
        host.text().find(':') == std::string::npos ? host.text() : "[" + host.text() + "]";
    auto rule = HostRule::parse(name + ":" + std::to_string(server->authority.port.number()));
    if (!rule) return std::move(rule).error();
    rule->private_ranges = {"0.0.0.0/0", "::/0"};
    out.allow.push_back({*std::move(rule), {}});
  }
  return out;
}

Error failed(std::string what) { return {Errc::kPeerProtocol, std::move(what)}; }

}  // namespace

TokenEndpoints::TokenEndpoints(EndpointAccess access, NetworkProfile rules)
    : tls_(access.tls), policy_(std::move(rules), {}) {}

Result<std::unique_ptr<TokenEndpoints>> TokenEndpoints::open(EndpointAccess access,
                                                             const std::vector<std::string>& urls) {
  auto rules = rules_for(access.network, urls);
  if (!rules) return std::move(rules).error();
  std::unique_ptr<TokenEndpoints> out(new TokenEndpoints(access, *std::move(rules)));
  auto resolver = Resolver::create(out->context_.get_executor(), access.name_servers);
  if (!resolver) return std::move(resolver).error();
  out->resolver_ = *std::move(resolver);
  out->dialer_ =
      std::make_unique<Dialer>(out->policy_, *out->resolver_, std::move(access.upstream));
  return out;
}

Awaitable<RawAnswer> TokenEndpoints::asked(WebServer server, std::string_view content_type,
                                           const std::string& body) {
  RawAnswer out;
  auto admitted = policy_.admit(server.authority.host, server.authority.port, Carried::kTls);
  if (const auto* denial = std::get_if<Denial>(&admitted)) {
    out.error = denial->detail.empty() ? "it cannot be reached" : denial->detail;
    co_return out;
  }
  Admission to = std::get<Admission>(std::move(admitted));
  std::string authority = authority_text(server.authority);
  std::string target = server.prefix;
  const OriginOverride* settings = policy_.settings_of(to.host());
  if (auto gateway = policy_.gateway_of(to)) {
    const auto parsed = Gateway::parse(settings->via);
    authority = parsed->authority();
    target = parsed->target(target);
    to = std::move(*gateway);
  }
  auto dialled = co_await dialer_->dial(to);
  if (const auto* denial = std::get_if<Denial>(&dialled)) {
    out.error = denial->detail;
    co_return out;
  }
  if (auto* failure = std::get_if<DialFailure>(&dialled)) {
    out.error = std::move(failure->text);
    co_return out;
  }
  std::vector<std::string> protocols{"http/1.1"};
  auto secured = co_await tls_.connect(std::move(std::get<asio::ip::tcp::socket>(dialled)),
                                       to.host(), std::move(protocols));
  if (auto* failure = std::get_if<TlsFailure>(&secured)) {
    out.error = std::move(failure->text);
    co_return out;
  }
  std::string request;
  request.reserve(limits::kHeadBytes + body.size());  // no copy is left behind by growing
  request.append("POST ").append(target).append(" HTTP/1.1\r\nHost: ").append(authority);
  request.append("\r\nConnection: close\r\nAccept: application/json\r\nUser-Agent: redoubtful");
  request.append("\r\nContent-Type: ").append(content_type);
  request.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  request.append("\r\n\r\n").append(body);
  out = co_await web_exchange(*std::get<std::unique_ptr<Stream>>(secured), request, kPatience);
  ::explicit_bzero(request.data(), request.size());
  co_return out;
}

Result<WebAnswer> TokenEndpoints::post(std::string_view url, std::string_view content_type,
                                       const std::string& body, const std::function<void()>& beat) {
  auto server = parse_web_server(url);
  if (!server) return std::move(server).error();
  const std::string who = authority_text(server->authority);
  std::optional<RawAnswer> answer;
  context_.restart();
  asio::co_spawn(context_, asked(*server, content_type, body),
                 [&](std::exception_ptr bug, RawAnswer got) {
                   if (bug) std::rethrow_exception(bug);
                   answer = std::move(got);
                   context_.stop();
                 });
  while (!answer) {
    context_.run_for(kLockBeat);
    beat();
  }
  if (!answer->error.empty()) return failed("cannot reach " + who + ": " + answer->error);
  auto out = parse_web_answer(answer->text);
  if (!out) return failed(who + ": " + out.error().what());
  return out;
}

}  // namespace redoubtful::proxy
