#include "common/credential_places.hpp"

#include <algorithm>
#include <optional>

namespace redoubtful {
namespace {

constexpr std::uint16_t kHttps = 443;

struct Place {
  Host host;
  std::optional<Port> port;
};

std::string bracketed(const Host& host) {
  const bool v6 = host.text().find(':') != std::string::npos;
  return v6 ? "[" + host.text() + "]" : host.text();
}

Result<Place> parse(std::string_view text) {
  std::string_view name = text;
  std::optional<Port> port;
  // An IPv6 address without brackets has no port.
  const std::size_t colon = text.rfind(':');
  const bool one_colon = colon != std::string_view::npos && text.find(':') == colon;
  if (one_colon || (text.starts_with('[') && !text.ends_with(']'))) {
    auto number = Port::parse(colon == std::string_view::npos ? "" : text.substr(colon + 1));
    if (!number) return std::move(number).error();
    port = *number;
    name = text.substr(0, colon);
  }
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  auto host = Host::parse(name);
  if (!host) return std::move(host).error();
  return Place{*std::move(host), port};
}

}  // namespace

Result<void> CredentialPlaces::add(std::string_view text) {
  auto place = parse(text);
  if (!place) {
    return std::move(place).error().hint(
        "a credential names each host that may receive it, host or host:port, without scheme or "
        "wildcard");
  }
  const bool there = names(place->host);
  const bool another_port =
      there && place->port && names_port(place->host) && !takes(place->host, *place->port);
  if (there && !another_port) {
    return Error(Errc::kInvalidProfile, "the host " + place->host.text() + " stands here twice");
  }
  if (place->port) ports_.emplace_back(place->host, *place->port);
  if (!there) hosts_.push_back(std::move(place->host));
  return {};
}

bool CredentialPlaces::names(const Host& host) const {
  return std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end();
}

bool CredentialPlaces::names_port(const Host& host) const {
  return std::any_of(ports_.begin(), ports_.end(),
                     [&](const auto& one) { return one.first == host; });
}

bool CredentialPlaces::takes(const Host& host, Port port) const {
  if (!names_port(host)) return names(host) && port.number() == kHttps;
  return std::find(ports_.begin(), ports_.end(), std::pair(host, port)) != ports_.end();
}

std::vector<std::string> CredentialPlaces::texts() const {
  std::vector<std::string> out;
  for (const Host& host : hosts_) {
    for (auto& text : texts_of(host)) out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::string> CredentialPlaces::texts_of(const Host& host) const {
  if (!names_port(host)) return {bracketed(host)};
  std::vector<std::string> out;
  for (const auto& [named, port] : ports_) {
    if (named == host) out.push_back(bracketed(host) + ":" + std::to_string(port.number()));
  }
  return out;
}

std::string CredentialPlaces::joined() const {
  std::string out;
  for (const auto& text : texts()) out += (out.empty() ? "" : ", ") + text;
  return out;
}

}  // namespace redoubtful
