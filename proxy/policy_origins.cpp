// Where an admitted connection may go: what `network.origins` says of the host, and which of its
// addresses are fit to be dialled.

#include <algorithm>

#include "proxy/gateway.hpp"
#include "proxy/policy.hpp"
#include "proxy/rule_text.hpp"

namespace redoubtful::proxy {

namespace ip = boost::asio::ip;

std::optional<Denial> Policy::unreadable_origin(const Host& host, Port port) const {
  const auto* settings = settings_of(host);
  if (settings == nullptr) return std::nullopt;
  const bool address = settings->address.empty() || parse_literal_endpoint(settings->address);
  const bool gateway = settings->via.empty() || Gateway::parse(settings->via);
  if (address && gateway) return std::nullopt;
  auto out = denial(DenyReason::kInvalidName, host, port, nullptr);
  out.detail = std::string("network.origins gives it ") + (address ? "a gateway" : "an address") +
               " that cannot be read";
  out.place = place_of(settings->origin);
  return out;
}

std::variant<Endpoint, Denial> Policy::vet(const Admission& admission,
                                           const ip::address& address) const {
  const bool named =
      std::any_of(admission.private_ranges_.begin(), admission.private_ranges_.end(),
                  [&](const std::string& range) { return in_range(range, address); });
  const auto target = routed_as(address);
  const bool own =
      std::any_of(own_addresses_.begin(), own_addresses_.end(),
                  [&](const ip::address& mine) { return mine == address || mine == target; });
  if (named || (is_public_address(address) && !own)) return Endpoint(address, admission.port());
  auto out = denial(DenyReason::kNonPublicAddress, admission.host(), admission.port(), nullptr);
  out.rule = admission.rule();
  out.place = admission.place();
  out.detail = "its address " + address.to_string() +
               (own ? " is this host's own" : " is not a public one") +
               "; a rule with `private` ranges in a profile can allow it";
  return out;
}

const OriginOverride* Policy::settings_of(const Host& host) const {
  for (const auto& settings : network_.origins) {
    if (settings.host == host) return &settings;
  }
  return nullptr;
}

std::optional<Endpoint> Policy::override_of(const Admission& admission) const {
  const auto* settings = settings_of(admission.host());
  if (settings == nullptr || settings->address.empty()) return std::nullopt;
  // admit() let nothing through whose address cannot be read.
  const auto literal = parse_literal_endpoint(settings->address);
  if (!literal) return std::nullopt;
  return Endpoint(literal->address, literal->port.value_or(admission.port()));
}

std::optional<Admission> Policy::gateway_of(const Admission& admission) const {
  const auto* settings = settings_of(admission.host());
  if (settings == nullptr || settings->via.empty()) return std::nullopt;
  if (admission.handling() != Handling::kIntercept) return std::nullopt;
  // admit() let nothing through whose gateway cannot be read.
  const auto gateway = Gateway::parse(settings->via);
  if (!gateway) return std::nullopt;
  return Admission(gateway->host(), gateway->port(), Handling::kIntercept, admission.rule(),
                   admission.place(), {"0.0.0.0/0", "::/0"});
}

}  // namespace redoubtful::proxy
