#include "cli/run_network.hpp"

#include <algorithm>

#include "cli/audit_store.hpp"
#include "cli/box_network.hpp"
#include "cli/box_sockets.hpp"
#include "cli/log.hpp"
#include "cli/programs.hpp"
#include "cli/trust_files.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kNamedHosts = 5;  // the line stays a line; the audit log has all

}  // namespace

RunNetwork RunNetwork::planned(const Profile& profile) {
  RunNetwork out(profile);
  for (const auto& credential : profile.credentials) {
    out.ready_.surrogates.push_back({credential.name, credential.expose_env, "(a surrogate)"});
  }
  return out;
}

Result<RunNetwork> RunNetwork::start(const Profile& profile) {
  RunNetwork out(profile);
  if (!needs_proxy(profile.network)) return out;
  out.environment_ = own_environment();
  auto proxy = ProxyProcess::start(out.environment_);
  if (!proxy) return std::move(proxy).error();
  out.proxy_.emplace(std::move(*proxy));
  return out;
}

Result<void> RunNetwork::configure(const Places& places, const std::string& session) {
  if (!proxy_) return {};
  auto audit = open_audit_log(places.state, session);
  if (!audit) return std::move(audit).error();
  auto configured = proxy_->configure({.session = session,
                                       .profile = profile_,
                                       .home = places.home,
                                       .environment = std::move(environment_),
                                       .audit = std::move(*audit)});
  if (!configured) return configured;
  trust_.emplace(read_system_bundle());
  return {};
}

Result<void> RunNetwork::settle() {
  if (!proxy_) return {};
  auto ready = proxy_->wait_until_ready();
  if (!ready) return std::move(ready).error();
  ready_ = std::move(*ready);
  if (auto note = spares_note(profile_->network); !note.empty()) {
    ready_.notes.push_back(std::move(note));
  }
  return {};
}

void RunNetwork::add_to(MountPlan& plan, const HostFiles& files) const {
  if (trust_) trust_->add_to(plan, files, ready_.ca_certificate);
  MountStep policy;
  policy.kind = StepKind::kFile;
  policy.target = kPolicyFile;
  policy.text = policy_text(*profile_);
  policy.why = "built in";
  plan.steps.push_back(std::move(policy));
}

void RunNetwork::add_to(EnvironmentFacts& facts) const {
  facts.withheld = source_variables(profile_->credentials);
  if (!needs_proxy(profile_->network)) return;
  facts.defaults = proxy_variables();
  for (auto&& variables : {trust_variables(), git_variables(*profile_, ready_.surrogates)}) {
    facts.defaults.insert(facts.defaults.end(), variables.begin(), variables.end());
  }
  facts.java_options = java_trust_option();
  facts.surrogates = surrogate_variables(ready_.surrogates);
}

void RunNetwork::finish() {
  if (!proxy_) return;
  const auto summary = proxy_->finish();
  for (const auto& line : proxy_->complaints().lines) log::note(line);
  proxy_.reset();
  log::stage("the proxy is gone");
  if (!summary) return;
  for (const auto& alarm : summary->alarms) log::note("alarm: " + shown(alarm));
  if (const auto line = refused_line(summary->refused); !line.empty()) log::note(line);
  if (profile_->network.mode.value != NetworkMode::kDiscover) return;
  if (summary->discovered.empty()) {
    log::note("this run needed no host");
    return;
  }
  log::note("the rules that this run needed, for a profile:");
  log::plain(rules_yaml(summary->discovered));
}

std::string refused_line(const std::vector<control::RefusedHost>& refused) {
  if (refused.empty()) return {};
  // The most often asked for first.
  std::vector<control::RefusedHost> sorted = refused;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  std::string names;
  for (std::size_t i = 0; i < std::min(sorted.size(), kNamedHosts); ++i) {
    names += (i == 0 ? "" : ", ") + shown(sorted[i].target);
  }
  if (sorted.size() > kNamedHosts) {
    names += " and " + std::to_string(sorted.size() - kNamedHosts) + " more";
  }
  const bool helps = std::any_of(sorted.begin(), sorted.end(),
                                 [](const auto& host) { return !host.remedy.empty(); });
  return std::to_string(sorted.size()) + (sorted.size() == 1 ? " host" : " hosts") +
         " refused: " + names + "; " + (helps ? "`redoubtful allow HOST`, " : "") +
         "`redoubtful audit`";
}

std::string rules_yaml(const std::vector<std::string>& rules) {
  std::string out = "network:\n  allow:\n";
  for (const auto& rule : rules) out += "    - " + quoted(rule, 4096) + "\n";
  return out;
}

}  // namespace redoubtful::cli
