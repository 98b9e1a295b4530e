#include "cli/network_settling.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "cli/yaml_document.hpp"
#include "common/network_rules.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

// dangerously-open has no proxy that could deny, ask or put a credential in place, so the two
// together would promise what nobody keeps.
Result<void> refuse_open_with_promises(const Profile& profile) {
  const NetworkProfile& network = profile.network;
  if (network.mode.value != NetworkMode::kDangerouslyOpen) return {};
  const auto refuse = [&](std::string_view what, const std::string& name, const Origin& origin) {
    return Error(Errc::kInvalidProfile, "the network mode dangerously-open (" +
                                            network.mode.origin.text() + ") cannot keep the " +
                                            std::string(what) + " " + quoted(name) + " (" +
                                            origin.text() + ")")
        .hint("use --network filtered, or remove the " + std::string(what));
  };
  for (const auto* rules : {&network.deny, &network.ask}) {
    if (!rules->empty()) return refuse("rule", rules->front().value.text, rules->front().origin);
  }
  if (!profile.credentials.empty()) {
    const auto& credential = profile.credentials.front();
    return refuse("credential", credential.name, credential.origin);
  }
  return {};
}

// The rule that keeps the proxy from seeing the requests to this host, if there is one: a
// credential could not be put in place there.
const Sourced<HostRule>* unchecked_rule(const NetworkProfile& network, const Host& host) {
  NetworkProfile allowed;
  allowed.allow = network.allow;
  const Sourced<HostRule>* other = nullptr;
  bool inspected = false;
  for (const auto& rule : network.allow) {
    if (!rule.value.pattern.matches(host)) continue;
    if (rule.value.scheme != Scheme::kHttps) {
      other = &rule;
      continue;
    }
    if (rule.value.splice) {
      const auto port = Port::parse(std::to_string(rule.value.port));
      const auto verdict = decide(allowed, {host, *port, Scheme::kHttps});
      if (verdict.rule != nullptr && verdict.rule->value.splice) return &rule;
      continue;
    }
    inspected = true;
  }
  return inspected ? nullptr : other;
}

// A host that the rules open on other ports alone is meant to get the credential on these.
void take_ports_of_rules(const NetworkProfile& network, const Host& host,
                         CredentialPlaces& places) {
  std::vector<Port> ports;
  for (const auto& rule : network.allow) {
    if (rule.value.scheme != Scheme::kHttps || rule.value.splice) continue;
    if (!rule.value.pattern.matches(host)) continue;
    const auto port = Port::parse(std::to_string(rule.value.port));
    if (rule.value.port == kHttpsPort) return;
    if (std::find(ports.begin(), ports.end(), *port) == ports.end()) ports.push_back(*port);
  }
  for (const Port port : ports) places.add_port(host, port);
}

Result<void> open_hosts(CredentialProfile& credential, NetworkProfile& network) {
  for (const Host& host : credential.hosts) {
    const auto mentions = [&](const Sourced<HostRule>& rule) {
      return rule.value.pattern.matches(host);
    };
    if (std::any_of(network.allow.begin(), network.allow.end(), mentions)) {
      const auto* rule = unchecked_rule(network, host);
      if (rule == nullptr) {
        if (!credential.hosts.names_port(host)) {
          take_ports_of_rules(network, host, credential.hosts);
        }
        continue;
      }
      return Error(Errc::kInvalidProfile,
                   "the credential " + credential.name + " (" + credential.origin.text() +
                       ") cannot be used at " + host.text() + ": the rule " +
                       quoted(rule->value.text) + " (" + rule->origin.text() +
                       ") passes what nobody looks into")
          .hint("allow " + host.text() + " as https without splice, or take the host off the " +
                "credential");
    }
    for (const std::string& text : credential.hosts.texts_of(host)) {
      auto rule = HostRule::parse(text);
      if (!rule) return std::move(rule).error().during("credential " + credential.name);
      network.allow.push_back({*std::move(rule), credential.origin});
    }
  }
  return {};
}

Result<void> refuse_shared_variables(const std::vector<CredentialProfile>& credentials) {
  std::map<std::string, const CredentialProfile*> holders;
  for (const auto& credential : credentials) {
    for (const auto& variable : credential.expose_env) {
      const auto [holder, fresh] = holders.emplace(variable, &credential);
      if (fresh) continue;
      return Error(Errc::kInvalidProfile,
                   "the variable " + variable + " cannot hold both " + holder->second->name + " (" +
                       holder->second->origin.text() + ") and " + credential.name + " (" +
                       credential.origin.text() + ")")
          .hint("give one of them another name under expose");
    }
  }
  return {};
}

// A request that is signed carries no other credential, and what is signed names its host, which
// behind a gateway would be another.
Result<void> refuse_unsignable(const CredentialProfile& aws, const Profile& profile) {
  for (const auto& other : profile.credentials) {
    if (other.type == CredentialType::kAws) continue;
    for (const Host& host : aws.hosts) {
      if (!other.hosts.names(host)) continue;
      return error_at(Errc::kInvalidProfile, other.origin,
                      "the credential " + other.name + " cannot be for " + host.text() +
                          " as well: requests to it are signed with " + aws.name + " (" +
                          aws.origin.text() + ")")
          .hint("take the host off one of the two");
    }
  }
  for (const auto& origin : profile.network.origins) {
    if (origin.via.empty() || !aws.hosts.names(origin.host)) continue;
    return error_at(Errc::kInvalidProfile, origin.origin,
                    origin.host.text() + " cannot go via a gateway: what " + aws.name + " (" +
                        aws.origin.text() + ") signs is for " + origin.host.text())
        .hint(
            "list the gateway's host in the credential, and let the client name it as its "
            "endpoint");
  }
  return {};
}

// What renews a login outside is of no use inside: a program that tried it there would show a
// surrogate, and would be told that it is logged out.
Result<void> close_endpoint(const CredentialProfile& credential, NetworkProfile& network) {
  if (!credential.refresh) return {};
  constexpr std::string_view kHttps = "https://";
  const std::string rest = credential.refresh->endpoint.substr(kHttps.size());
  const std::size_t slash = rest.find('/');
  auto rule = HostRule::parse(rest.substr(0, slash), HostRule::List::kDeny);
  if (!rule) return std::move(rule).error().during("credential " + credential.name);
  rule->paths = {rest.substr(slash)};
  network.deny.push_back({*std::move(rule), credential.origin});
  return {};
}

}  // namespace

Result<void> settle_network(Profile& profile) {
  if (auto kept = refuse_open_with_promises(profile); !kept) return kept;
  if (auto apart = refuse_shared_variables(profile.credentials); !apart) return apart;
  for (auto& credential : profile.credentials) {
    if (credential.type == CredentialType::kAws) {
      if (auto signable = refuse_unsignable(credential, profile); !signable) return signable;
    }
    if (auto opened = open_hosts(credential, profile.network); !opened) return opened;
    if (auto closed = close_endpoint(credential, profile.network); !closed) return closed;
  }
  return {};
}

}  // namespace redoubtful::cli
