#pragma once

// The network side of one run: the proxy from its start to its last word, and what it brings into
// the plan.

#include <optional>
#include <string>
#include <vector>

#include "cli/agent_environment.hpp"
#include "cli/mount_plan.hpp"
#include "cli/places.hpp"
#include "cli/proxy_process.hpp"
#include "cli/trust_files.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

class RunNetwork {
 public:
  // Starts the proxy where the mode has one; it makes ready while the rest is planned. Errors:
  // kMissingProgram, kSystemCall.
  static Result<RunNetwork> start(const Profile& profile);

  // Opens the run's audit log and tells the proxy what is allowed. `written`: what boxes may write,
  // real paths. Errors: kSystemCall; kInvalidMount for a credential in a file that a box may write.
  Result<void> configure(const Places& places, const std::string& session, const HostFiles& files,
                         const std::vector<std::string>& written);

  // Nothing is started: for --dry-run.
  static RunNetwork planned(const Profile& profile);

  // Waits for the proxy; then surrogates and certificate authority are known. Errors: what it could
  // not do, such as a credential whose source is absent.
  Result<void> settle();

  // Adds to the plan what says so inside: certificates, bundles, the policy.
  void add_to(MountPlan& plan, const HostFiles& files) const;
  // Adds to the environment's facts.
  void add_to(EnvironmentFacts& facts) const;

  ProxyProcess* proxy() noexcept { return proxy_ ? &*proxy_ : nullptr; }

  // The rules that hold, once settled: without those that only absent credentials made.
  std::vector<Sourced<HostRule>> allowed() const;

  // The proxy's own lines on what is live and what is off.
  const std::vector<std::string>& notes() const noexcept { return ready_.notes; }

  // The run is over: says what was refused, what was alarming and, in the mode discover, which
  // rules it needed (as YAML on standard error: standard output is the command's).
  void finish();

 private:
  explicit RunNetwork(const Profile& profile) : profile_(&profile) {}
  void plan_login_files();  // of a run that is only planned

  const Profile* profile_;
  bool planned_ = false;                  // nothing is started
  std::vector<std::string> environment_;  // the host's
  std::string home_;                      // the host's
  std::optional<ProxyProcess> proxy_;
  std::optional<SystemTrust> trust_;  // with the proxy
  control::Ready ready_;
};

// "3 hosts refused: a, b, c; `redoubtful allow HOST`, `redoubtful audit`"; empty: nothing to say.
std::string refused_line(const std::vector<control::RefusedHost>& refused);

// "network:\n  allow:\n    - \"api.example\"\n".
std::string rules_yaml(const std::vector<std::string>& rules);

}  // namespace redoubtful::cli
