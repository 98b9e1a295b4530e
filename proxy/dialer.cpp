#include "proxy/dialer.hpp"

#include <cerrno>

#include "proxy/connect_tunnel.hpp"
#include "proxy/limits.hpp"
#include "proxy/private_names.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Outcome = std::variant<Tcp::socket, Denial, DialFailure>;

Outcome outcome_of(std::variant<Tcp::socket, DialFailure> connected) {
  if (auto* failure = std::get_if<DialFailure>(&connected)) return std::move(*failure);
  return std::move(std::get<Tcp::socket>(connected));
}

DialFailure lookup_failure(const Error& error) {
  if (error.system_errno() == ETIMEDOUT) return {504, "dns_timeout", error.what()};
  return {502, "dns_error", error.what()};
}

// A name that only this network knows, or an address, which the outer proxy would connect to for us
// without any vet().
std::optional<Denial> hidden_from_vet(const Admission& admission, const std::string& proxy) {
  const Host& host = admission.host();
  if (!host.is_address() && !is_private_name(host)) return std::nullopt;
  Denial denial;
  denial.reason = DenyReason::kUnvetted;
  denial.target = admission.authority();
  denial.rule = admission.rule();
  denial.place = admission.place();
  denial.detail = std::string("a rule allows it, but ") +
                  (host.is_address() ? "an address" : "a name that is not a public one") +
                  " would be the business of the outer proxy " + proxy +
                  " alone; NO_PROXY on the host can name it";
  return denial;
}

}  // namespace

Awaitable<Outcome> Dialer::dial(Admission admission) {
  std::vector<Tcp::endpoint> endpoints;
  if (const auto endpoint = policy_.override_of(admission)) {
    endpoints.emplace_back(endpoint->address(), endpoint->port().number());
  } else if (upstream_ && !upstream_->bypassed(admission.host(), admission.port())) {
    co_return co_await dial_through_proxy(std::move(admission));
  } else {
    auto addresses = co_await resolver_.resolve(admission.host());
    if (!addresses) co_return Outcome(lookup_failure(addresses.error()));
    std::optional<Denial> denial;
    for (const auto& address : *addresses) {
      auto vetted = policy_.vet(admission, address);
      if (const auto* vouched = std::get_if<Endpoint>(&vetted)) {
        endpoints.emplace_back(vouched->address(), vouched->port().number());
      } else if (!denial) {
        denial = std::move(std::get<Denial>(vetted));
      }
    }
    if (endpoints.empty() && denial) co_return Outcome(*std::move(denial));
    if (endpoints.empty()) {
      co_return Outcome(DialFailure{502, "dns_error", admission.host().text() + " has no address"});
    }
  }
  auto connected = co_await connect_first(std::move(endpoints), Clock::now() + limits::kConnect);
  co_return outcome_of(std::move(connected));
}

Awaitable<Outcome> Dialer::dial_through_proxy(Admission admission) {
  const std::string name = upstream_->text();
  if (auto denial = hidden_from_vet(admission, name)) co_return Outcome(*std::move(denial));
  // The user named it, so that it may well be a private address.
  auto addresses = co_await resolver_.resolve(upstream_->host());
  if (!addresses) {
    DialFailure failure = lookup_failure(addresses.error());
    failure.text = "the outer proxy " + name + ": " + failure.text;
    co_return Outcome(std::move(failure));
  }
  std::vector<Tcp::endpoint> endpoints;
  for (const auto& address : *addresses) {
    endpoints.emplace_back(address, upstream_->port().number());
  }
  const auto deadline = Clock::now() + limits::kConnect;
  auto connected = co_await connect_first(std::move(endpoints), deadline);
  if (auto* failure = std::get_if<DialFailure>(&connected)) {
    failure->text = "the outer proxy " + name + ": " + failure->text;
    co_return Outcome(std::move(*failure));
  }
  auto authority = admission.host().text() + ":" + std::to_string(admission.port().number());
  auto tunnel = co_await connect_tunnel(std::move(std::get<Tcp::socket>(connected)), *upstream_,
                                        std::move(authority), deadline);
  co_return outcome_of(std::move(tunnel));
}

}  // namespace redoubtful::proxy
