#include "common/credential_hosts.hpp"

#include <algorithm>

namespace redoubtful {
namespace {

bool same_place(const Origin& a, const Origin& b) {
  return a.file == b.file && a.line == b.line && a.column == b.column && a.option == b.option;
}

}  // namespace

std::vector<Sourced<HostRule>> allowed_with(const NetworkProfile& network,
                                            const std::vector<CredentialProfile>& credentials,
                                            const std::vector<std::string>& live) {
  std::vector<Sourced<HostRule>> out;
  for (const auto& rule : network.allow) {
    const bool made = std::any_of(
        credentials.begin(), credentials.end(),
        [&](const CredentialProfile& one) { return same_place(one.origin, rule.origin); });
    const bool used =
        std::any_of(credentials.begin(), credentials.end(), [&](const CredentialProfile& one) {
          return std::find(live.begin(), live.end(), one.name) != live.end() &&
                 std::any_of(one.hosts.begin(), one.hosts.end(), [&](const Host& host) {
                   const auto port = Port::parse(std::to_string(rule.value.port));
                   return rule.value.pattern.matches(host) && port && one.hosts.takes(host, *port);
                 });
        });
    if (!made || used) out.push_back(rule);
  }
  return out;
}

}  // namespace redoubtful
