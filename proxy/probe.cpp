#include "proxy/probe.hpp"

#include "proxy/denial.hpp"
#include "proxy/internal_site.hpp"
#include "proxy/origin_link.hpp"
#include "proxy/rule_text.hpp"

namespace redoubtful::proxy {
namespace {

// Where the connection would go, before it is tried; a lookup that fails is said by the attempt.
Awaitable<std::vector<std::string>> route_of(Services& services, Admission admission) {
  std::vector<std::string> lines;
  const OriginOverride* settings = services.policy.settings_of(admission.host());
  const auto place = [&] { return " (" + place_of(settings->origin) + ")"; };
  if (auto gateway = services.policy.gateway_of(admission)) {
    lines.push_back("sent to " + settings->via + " in its place" + place());
    admission = std::move(*gateway);
    settings = services.policy.settings_of(admission.host());
  }
  if (services.policy.override_of(admission)) {
    lines.push_back("dialled at " + settings->address + place() +
                    ", whatever the name resolves to");
    co_return lines;
  }
  const auto& upstream = services.dialer.upstream();
  if (upstream && !upstream->bypassed(admission.host(), admission.port())) {
    lines.push_back("dialled through the outer proxy " + upstream->text() +
                    ", which does the lookup");
    co_return lines;
  }
  if (admission.host().is_address()) co_return lines;
  auto addresses = co_await services.dialer.resolver().resolve(admission.host());
  if (!addresses) co_return lines;
  std::string line;
  for (const auto& address : *addresses) {
    const bool fine = std::holds_alternative<Endpoint>(services.policy.vet(admission, address));
    line += (line.empty() ? "resolves to " : ", ") + address.to_string() +
            (fine ? "" : " (not a public address: never dialled)");
  }
  if (!line.empty()) lines.push_back(std::move(line));
  co_return lines;
}

std::string without_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

Awaitable<control::ProbeResult> probe_target(Services& services, control::Probe probe) {
  control::ProbeResult out;
  Explanation verdict = explain(services.policy, probe.target, probe.method);
  out.lines.push_back(without_newline(std::move(verdict.text)));
  if (!verdict.allowed || !verdict.admission) co_return out;
  const Admission admission = *std::move(verdict.admission);
  auto route = co_await route_of(services, admission);
  out.lines.insert(out.lines.end(), route.begin(), route.end());
  std::vector<std::string> protocols = {"h2", "http/1.1"};
  auto connected = co_await connect_origin(services, admission, std::move(protocols));
  if (const auto* denial = std::get_if<Denial>(&connected)) {
    out.lines.push_back("refused: " + denial_text(*denial));
    co_return out;
  }
  if (const auto* failure = std::get_if<DialFailure>(&connected)) {
    out.lines.push_back("not reached: " + failure->text);
    co_return out;
  }
  auto& stream = *std::get<std::unique_ptr<Stream>>(connected);
  std::string line = "connected";
  if (admission.handling() == Handling::kIntercept) {
    line += "; the certificate is good";
    if (!stream.protocol().empty()) line += "; it speaks " + std::string(stream.protocol());
  }
  stream.close();
  out.lines.push_back(std::move(line));
  out.reachable = 1;
  co_return out;
}

}  // namespace redoubtful::proxy
