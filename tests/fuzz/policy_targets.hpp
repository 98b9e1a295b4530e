#pragma once

// What the fuzz targets of the trusted core demand of every input: not only that nothing crashes.
// Shared by the libFuzzer programs and by the test that replays their corpus.

#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "common/network_rules.hpp"
#include "proxy/authority.hpp"
#include "proxy/configuration.hpp"
#include "proxy/gateway.hpp"
#include "proxy/policy.hpp"
#include "proxy/public_address.hpp"
#include "proxy/target.hpp"
#include "tests/proxy/path_readings.hpp"

namespace redoubtful::fuzz {

inline void demand(bool holds) {
  if (!holds) std::abort();
}

inline void target(std::string_view raw) {
  using namespace proxy;
  const auto canonical = canonical_target(raw);
  if (!canonical) return;
  const std::string text = canonical->text();
  const auto again = canonical_target(text);
  demand(again && again->path == canonical->path && again->query == canonical->query);
  if (canonical->path == "*") return;
  for (const char c : text) demand(c > 0x20 && c < 0x7F && c != '#');
  demand(canonical->path.starts_with('/') && canonical->path.find('\\') == std::string::npos);
  demand(canonical->query.empty() || canonical->query.starts_with('?'));
  const auto usual = test::read_by(test::kReaders[0], canonical->path);
  for (const auto& segment : test::split(canonical->path))
    demand(segment != "." && segment != "..");
  if (!canonical->ambiguous) {
    demand(!may_climb(canonical->path));
    for (const auto& reader : test::kReaders)
      demand(test::read_by(reader, canonical->path) == usual);
  }
  if (canonical->path.size() < 256) {
    demand(path_matches(comparable_glob(canonical->path), comparable_path(canonical->path)));
  }
}

inline void authority(std::string_view text) {
  using namespace proxy;
  const auto parsed = parse_authority(text, https_port());
  if (!parsed) return;
  demand(text.find('@') == std::string_view::npos && text.find('%') == std::string_view::npos);
  demand(parsed->port_given || parsed->port == https_port());
  for (const std::string& spelt :
       {authority_text(*parsed), authority_text(parsed->host, parsed->port, https_port())}) {
    const auto again = parse_authority(spelt, https_port());
    demand(again && again->host == parsed->host && again->port == parsed->port);
  }
  demand(parse_authority(authority_text(*parsed), http_port())->port_given == parsed->port_given);
}

inline void check_rule(const HostRule& rule, HostRule::List list) {
  for (const char c : rule.text) demand(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  for (const auto& method : rule.methods) demand(!method.empty());
  for (const auto& path : rule.paths) demand(path.starts_with('/'));
  demand(rule.port != 0);
  if (list == HostRule::List::kAllow) demand(!rule.any_scheme && !rule.any_port);
  if (list == HostRule::List::kDeny) demand(!rule.splice && rule.private_ranges.empty());
}

inline void configuration(std::string_view json) {
  using namespace proxy;
  const auto read = parse_configuration(json);
  if (!read) {
    const Error error = read.error();
    demand(error.code() == Errc::kInvalidProfile);
    for (const char c : error.what()) demand(static_cast<unsigned char>(c) >= 0x20);
    return;
  }
  const auto& network = read->network;
  for (const auto& rule : network.allow) check_rule(rule.value, HostRule::List::kAllow);
  for (const auto& rule : network.deny) check_rule(rule.value, HostRule::List::kDeny);
  for (const auto& rule : network.ask) check_rule(rule.value, HostRule::List::kAsk);
  for (const auto& origin : network.origins) {
    demand(origin.address.empty() || parse_literal_endpoint(origin.address).has_value());
    demand(origin.via.empty() || Gateway::parse(origin.via).has_value());
  }
  for (const auto& credential : read->credentials) {
    demand(!credential.name.empty() && !credential.source.empty() && !credential.hosts.empty());
  }
  const Policy policy(network, {});
  const bool open = network.mode.value == NetworkMode::kDiscover;
  for (const char* name : {"a.example", "x.a.example", "127.0.0.1", "::1"}) {
    const auto host = Host::parse(name).value();
    for (const auto carried : {Carried::kTls, Carried::kHttp, Carried::kOpaque}) {
      const auto admitted = policy.admit(host, https_port(), carried);
      const auto* admission = std::get_if<Admission>(&admitted);
      if (admission == nullptr) continue;
      demand(open || !network.allow.empty());
      const auto loopback = boost::asio::ip::make_address("127.0.0.1");
      const auto vetted = policy.vet(*admission, loopback);
      if (std::holds_alternative<Endpoint>(vetted)) demand(!admission->rule().empty());
    }
  }
}

}  // namespace redoubtful::fuzz
