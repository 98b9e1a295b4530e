#include "proxy/configuration.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "common/text.hpp"
#include "proxy/credential_configuration.hpp"
#include "proxy/gateway.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/public_address.hpp"

namespace redoubtful::proxy {
namespace {

// As the loader of YAML has them.
constexpr std::size_t kMaxRules = 2000;
constexpr std::size_t kMaxGlobBytes = 2048;

using List = HostRule::List;

template <class Predicate>
bool all_bytes(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

bool is_printable(char c) { return c > 0x20 && c < 0x7F; }

Sourced<std::string> read_sourced_text(const JsonNode& node) {
  node.only({"value", "origin"});
  return {node.at("value").text(), read_origin(node.at("origin"))};
}

std::uint16_t read_port(const JsonNode& node) {
  const std::uint64_t number = node.number();
  if (number >= 1 && number <= std::numeric_limits<std::uint16_t>::max()) {
    return static_cast<std::uint16_t>(number);
  }
  node.fail("a port is a number from 1 to 65535");
  return 0;
}

// At least as narrow as any private range is, so that no rule opens every address.
bool is_private_range(std::string_view range) {
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos) return false;
  const auto host = Host::parse(range.substr(0, slash));
  if (!host || !host->is_address()) return false;
  boost::system::error_code failed;
  const auto base = boost::asio::ip::make_address(host->text(), failed);
  const std::string_view digits = range.substr(slash + 1);
  if (failed || !in_range(range, base) || digits.empty() || digits.front() == '0') return false;
  const int bits = std::stoi(std::string(digits));
  return bits >= (base.is_v6() ? 7 : 8);
}

void check_restrictions(const JsonNode& node, const HostRule& rule, List list) {
  for (const auto& method : rule.methods) {
    const bool fits = !method.empty() && method.size() <= 32 &&
                      all_bytes(method, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
    if (!fits) node.at("methods").fail(quoted(method, 40) + " is not a method in capitals");
  }
  for (const auto& glob : rule.paths) {
    const bool fits =
        glob.starts_with('/') && glob.size() <= kMaxGlobBytes &&
        all_bytes(glob, [](char c) { return is_printable(c) && c != '?' && c != '#'; });
    if (!fits) node.at("paths").fail(quoted(glob, 80) + " is not a path");
  }
  for (const auto& range : rule.private_ranges) {
    if (!is_private_range(range)) {
      node.at("private").fail(quoted(range, 60) + " is not an address range");
    }
  }
  const bool restricted = !rule.methods.empty() || !rule.paths.empty();
  const bool tunnel = rule.scheme == Scheme::kTcp || rule.scheme == Scheme::kSsh;
  if (restricted && (rule.splice || (tunnel && !rule.any_scheme))) {
    node.fail("methods and paths cannot be seen in splice, tcp and ssh");
  }
  if (rule.splice && (rule.any_scheme || rule.scheme != Scheme::kHttps) && list == List::kAllow) {
    node.fail("splice is for https");
  }
  if (list == List::kDeny && (rule.splice || !rule.private_ranges.empty())) {
    node.fail("splice and private say nothing in deny");
  }
  if (list == List::kAllow && (rule.any_scheme || rule.any_port)) {
    node.fail("an allow rule names its scheme and its port");
  }
}

std::optional<Scheme> read_scheme(const JsonNode& node) {
  const std::string word = node.text();
  for (const auto scheme : {Scheme::kHttps, Scheme::kHttp, Scheme::kTcp, Scheme::kSsh}) {
    if (scheme_name(scheme) == word) return scheme;
  }
  node.fail("unknown scheme " + quoted(word, 40));
  return std::nullopt;
}

std::optional<HostRule> read_rule(const JsonNode& node, List list) {
  node.only({"host", "scheme", "port", "methods", "paths", "private", "splice", "text", "origin"});
  const auto host = node.at("host");
  auto pattern = HostPattern::parse(host.text());
  if (!pattern) {
    host.fail(pattern.error());
    return std::nullopt;
  }
  HostRule rule{*std::move(pattern), Scheme::kHttps, 443, false, false, false, {}, {}, {}, {}};
  for (const std::string_view key : {"scheme", "port", "methods", "paths"}) {
    if (!node.at(key).is_there()) node.at(key).fail("is missing");
  }
  if (const auto scheme = node.at("scheme"); scheme.absent()) {
    rule.any_scheme = true;
  } else {
    rule.scheme = read_scheme(scheme).value_or(Scheme::kHttps);
  }
  if (const auto port = node.at("port"); port.absent()) {
    rule.any_port = true;
  } else {
    rule.port = read_port(port);
  }
  rule.methods = node.at("methods").texts();
  rule.paths = node.at("paths").texts();
  if (const auto ranges = node.at("private"); !ranges.absent())
    rule.private_ranges = ranges.texts();
  if (const auto splice = node.at("splice"); splice.is_there()) rule.splice = splice.flag();
  const auto text = node.at("text");
  rule.text = text.is_there() ? shown(text.text()) : rule.pattern.text();
  check_restrictions(node, rule, list);
  return rule;
}

std::vector<Sourced<HostRule>> read_rules(const JsonNode& node, List list) {
  std::vector<Sourced<HostRule>> out;
  if (!node.is_there() || (list == List::kAllow && node.absent())) return out;
  const auto items = node.items();
  if (items.size() > kMaxRules) node.fail("more than 2000 rules in one list");
  for (const auto& item : items) {
    auto rule = read_rule(item, list);
    if (rule) out.push_back({*std::move(rule), read_origin(item.at("origin"))});
  }
  return out;
}

std::vector<PortForward> read_ports(const JsonNode& node) {
  std::vector<PortForward> out;
  if (node.absent()) return out;
  for (const auto& item : node.items()) {
    item.only({"transport", "host", "inside", "origin"});
    const std::string transport = item.at("transport").text();
    if (transport != "tcp" && transport != "udp") item.at("transport").fail("is tcp or udp");
    out.push_back({transport == "udp" ? Transport::kUdp : Transport::kTcp,
                   read_port(item.at("host")), read_port(item.at("inside")),
                   read_origin(item.at("origin"))});
  }
  return out;
}

std::string read_optional_text(const JsonNode& node) {
  return node.absent() ? std::string() : node.text();
}

std::vector<OriginOverride> read_origins(const JsonNode& node) {
  std::vector<OriginOverride> out;
  if (node.absent()) return out;
  for (const auto& item : node.items()) {
    item.only({"host", "address", "ca", "via", "origin"});
    auto host = read_host(item.at("host"));
    if (!host) continue;
    OriginOverride entry{*std::move(host), read_optional_text(item.at("address")),
                         read_optional_text(item.at("ca")), read_optional_text(item.at("via")),
                         read_origin(item.at("origin"))};
    if (!entry.address.empty() && !parse_literal_endpoint(entry.address)) {
      item.at("address").fail(quoted(entry.address, 80) + " is not an address");
    }
    if (!entry.via.empty()) {
      if (const auto gateway = Gateway::parse(entry.via); !gateway) {
        item.at("via").fail(gateway.error());
      }
    }
    const bool twice = std::any_of(out.begin(), out.end(), [&](const OriginOverride& other) {
      return other.host == entry.host;
    });
    if (twice) item.at("host").fail("stands twice in origins");
    out.push_back(std::move(entry));
  }
  return out;
}

Sourced<NetworkMode> read_mode(const JsonNode& node) {
  if (!node.is_there()) return {NetworkMode::kFiltered, {}};
  constexpr std::array<std::pair<std::string_view, NetworkMode>, 4> kModes{{
      {"none", NetworkMode::kNone},
      {"filtered", NetworkMode::kFiltered},
      {"discover", NetworkMode::kDiscover},
      {"dangerously-open", NetworkMode::kDangerouslyOpen},
  }};
  const auto word = read_sourced_text(node);
  for (const auto& [name, mode] : kModes) {
    if (name == word.value) return {mode, word.origin};
  }
  node.at("value").fail("unknown mode " + quoted(word.value, 40));
  return {NetworkMode::kNone, {}};
}

NetworkProfile read_network(const JsonNode& node) {
  NetworkProfile out;
  if (node.absent()) return out;
  node.only({"mode", "allow", "deny", "ask", "forward", "publish", "origins", "ca", "proxy"});
  out.mode = read_mode(node.at("mode"));
  out.allow = read_rules(node.at("allow"), List::kAllow);
  out.deny = read_rules(node.at("deny"), List::kDeny);
  out.ask = read_rules(node.at("ask"), List::kAsk);
  out.forward = read_ports(node.at("forward"));
  out.publish = read_ports(node.at("publish"));
  out.origins = read_origins(node.at("origins"));
  if (const auto files = node.at("ca"); !files.absent()) {
    for (const auto& file : files.items()) out.ca.push_back(read_sourced_text(file));
  }
  if (const auto proxy = node.at("proxy"); !proxy.absent()) out.proxy = read_sourced_text(proxy);
  return out;
}

AuditProfile read_audit(const JsonNode& node) {
  AuditProfile out;
  if (!node.is_there()) return out;
  node.only({"syslog"});
  const auto syslog = node.at("syslog");
  if (!syslog.is_there()) return out;
  syslog.only({"value", "origin"});
  out.syslog = {syslog.at("value").flag(), read_origin(syslog.at("origin"))};
  return out;
}

// What is signed is signed for the host that the client named; a gateway is another.
void refuse_gateways(const JsonNode& node, const Configuration& all) {
  for (const auto& credential : all.credentials) {
    if (credential.type != CredentialType::kAws) continue;
    for (const auto& origin : all.network.origins) {
      if (origin.via.empty() || !credential.hosts.names(origin.host)) {
        continue;
      }
      node.at("origins").fail(origin.host.text() + " goes via a gateway, where what " +
                              shown(credential.name) + " signs would not hold");
    }
  }
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view json) {
  auto document = parse_json(json);
  if (!document) return std::move(document).error();
  JsonFaults faults;
  const JsonNode top(faults, &*document, {});
  if (!document->is_object()) {
    return Error(Errc::kInvalidProfile, "the configuration must be an object");
  }
  if (const auto version = top.at("version"); version.number() != 1) {
    version.fail("only version 1 is understood");
  }
  Configuration out{read_network(top.at("network")), read_credentials(top.at("credentials")),
                    read_audit(top.at("audit"))};
  refuse_gateways(top.at("network"), out);
  if (faults.first()) return *faults.first();
  return out;
}

}  // namespace redoubtful::proxy
