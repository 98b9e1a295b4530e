#pragma once

// The network side of one run: the proxy from its start to its last word, and what it brings into
// the plan.

#include <optional>
#include <string>
#include <vector>

#include "cli/agent_environment.hpp"
#include "cli/browsers.hpp"
#include "cli/mount_plan.hpp"
#include "cli/places.hpp"
#include "cli/proxy_process.hpp"
#include "cli/trust_files.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

class RunNetwork {
 public:
  // Where the mode has a proxy, `started` is taken or one is started; it makes ready while the rest
  // is planned. Where it has none, `started` ends. Errors: kMissingProgram, kSystemCall.
  static Result<RunNetwork> start(const Profile& profile, std::optional<ProxyProcess> started);

  // Opens the run's audit log and tells the proxy what is allowed. `written`: what boxes may write,
  // real paths. Errors: kSystemCall; kInvalidMount for a credential in a file that a box may write.
  Result<void> configure(const Places& places, const std::string& session, const HostFiles& files,
                         const std::vector<std::string>& written);

  // Nothing is started: for --dry-run.
  static RunNetwork planned(const Profile& profile);

  // Whether the plan depends on the proxy's answer: login files are there where their credential
  // is. Otherwise the box is built while the proxy gets ready.
  bool plan_needs_answer() const;

  // Waits for the proxy; then surrogates and certificate authority are known. A second time it does
  // nothing. Errors: what it could not do, such as a credential whose source is absent.
  Result<void> settle();

  // Adds to the plan what says so inside: certificates, bundles, the policy. After settle() where
  // plan_needs_answer().
  void add_to(MountPlan& plan, const HostFiles& files);

  // After settle(): the text of the plan's later files, in the order of their steps. Once.
  std::vector<FileText> take_later_texts();
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
  std::string policy_in_force() const;

  const Profile* profile_;
  bool planned_ = false;                  // nothing is started
  std::vector<std::string> environment_;  // the host's
  std::string home_;                      // the host's
  std::string state_;                     // the host's: Places::state
  std::optional<ProxyProcess> proxy_;
  BrowserTrust browsers_;
  std::optional<SystemTrust> trust_;  // with the proxy, from settle() on
  bool settled_ = false;
  control::Ready ready_;
};

// "3 hosts refused: a, b, c; `redoubtful allow HOST`, `redoubtful audit`"; empty: nothing to say.
std::string refused_line(const std::vector<control::RefusedHost>& refused);

// "network:\n  allow:\n    - \"api.example\"\n".
std::string rules_yaml(const std::vector<std::string>& rules);

}  // namespace redoubtful::cli
