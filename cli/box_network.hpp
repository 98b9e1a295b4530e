#pragma once

// What a box is told about its network: variables, and the policy as text. Pure.

#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Inside the box.
inline constexpr const char* kPolicyFile = "/etc/redoubtful/policy";

// HTTP_PROXY and its like, for clients that want one: everything works without them too. Never
// ALL_PROXY, for which some agents send clear text to the proxy.
std::vector<std::string> proxy_variables();

// NAME=VALUE for what the proxy made.
std::vector<std::string> surrogate_variables(const std::vector<control::Surrogate>& surrogates);

// The variables whose value on the host is a secret: those that sources name, and
// what a Vault is read with.
std::vector<std::string> source_variables(const std::vector<CredentialProfile>& credentials);

// GIT_CONFIG_COUNT and its like, which make git use https where a credential for the host is there
// (an ssh key is not), and give it the surrogate of a variable as password; that of a ~/.netrc it
// finds. A host with an ssh:// rule is left alone. Empty where there is nothing to say.
// Source: git-config(1), GIT_CONFIG_COUNT, url.<base>.insteadOf; gitcredentials(7).
std::vector<std::string> git_variables(const Profile& profile,
                                       const std::vector<control::Surrogate>& surrogates);

// The readable policy: what is allowed, what a refusal means, what the user can do about it.
std::string policy_text(const Profile& profile);

}  // namespace redoubtful::cli
