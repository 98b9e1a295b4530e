#include "proxy/credential_source.hpp"

#include <string.h>

#include <algorithm>

#include "common/text.hpp"
#include "proxy/rule_text.hpp"
#include "proxy/surrogate.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kEnvironment = "env:";

// However the reading ends.
class ErasedAtTheEnd {
 public:
  explicit ErasedAtTheEnd(std::vector<control::NamedValue>& values) : values_(values) {}
  ~ErasedAtTheEnd() {
    for (auto& value : values_) ::explicit_bzero(value.value.data(), value.value.size());
  }
  ErasedAtTheEnd(const ErasedAtTheEnd&) = delete;
  ErasedAtTheEnd& operator=(const ErasedAtTheEnd&) = delete;

 private:
  std::vector<control::NamedValue>& values_;
};

std::string host_list(const std::vector<Host>& hosts) {
  std::string out;
  for (const auto& host : hosts) out += (out.empty() ? "" : ", ") + host.text();
  return out;
}

}  // namespace

Result<ReadCredentials> read_credentials(const std::vector<CredentialProfile>& credentials,
                                         std::vector<control::NamedValue>& environment) {
  const ErasedAtTheEnd erased(environment);
  ReadCredentials out;
  for (const auto& credential : credentials) {
    const std::string who =
        place_of(credential.origin) + ": the credential " + quoted(credential.name, 80);
    const std::string name = shown(credential.name);
    if (!credential.source.starts_with(kEnvironment)) {
      return Error(Errc::kNotYet, who + ": the source " + quoted(credential.source, 80) +
                                      " is not of this version");
    }
    const std::string variable = credential.source.substr(kEnvironment.size());
    const auto found = std::find_if(environment.begin(), environment.end(),
                                    [&](const auto& value) { return value.name == variable; });
    if (found == environment.end() || found->value.empty()) {
      if (credential.optional) {
        out.notes.push_back("credential " + name + " is off: " + shown(variable) + " is not set");
        continue;
      }
      return Error(Errc::kInvalidProfile, who + ": the variable " + shown(variable) + " is not set")
          .hint("set it, or write `optional: true` for a run without it");
    }
    auto secret = Secret::take(std::string(found->value));
    if (!secret) return std::move(secret).error().during(who + " (" + credential.source + ")");
    auto surrogate = make_surrogate(*secret);
    if (!surrogate) {
      return std::move(surrogate).error().during(who + " (" + credential.source + ")");
    }
    out.notes.push_back("credential " + name + " is live for " + host_list(credential.hosts));
    out.surrogates.push_back({credential.name, credential.expose_env, *surrogate});
    out.live.push_back(
        {credential.name, credential.hosts, std::move(*secret), std::move(*surrogate)});
  }
  return out;
}

}  // namespace redoubtful::proxy
