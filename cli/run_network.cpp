#include "cli/run_network.hpp"

#include <algorithm>

#include "cli/audit_store.hpp"
#include "cli/box_network.hpp"
#include "cli/box_sockets.hpp"
#include "cli/credential_sources.hpp"
#include "cli/log.hpp"
#include "cli/programs.hpp"
#include "cli/trust_files.hpp"
#include "common/credential_hosts.hpp"
#include "common/heap_ahead.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// The system's certificates as a bundle, one by one, and as a store.
constexpr std::size_t kTrustBytes = 768 << 10;
constexpr std::size_t kNamedHosts = 5;  // the line stays a line; the audit log has all

// Each lies, readable by its owner alone, where it is in everybody's way to nothing, and is laid
// over its place in the home.
void add_login_files(MountPlan& plan, const std::vector<control::ExposedFile>& files,
                     const std::string& home) {
  std::size_t number = 0;
  for (const auto& file : files) {
    MountStep content;
    content.kind = StepKind::kFile;
    content.target = "/etc/redoubtful/logins/" + std::to_string(++number);
    content.text = file.text;
    content.permissions = 0400;  // some programs refuse a login file that others may read
    content.why = "credentials: expose";
    MountStep place;
    place.kind = StepKind::kCover;
    place.target = plan.home + file.path.substr(std::min(home.size(), file.path.size()));
    place.source = content.target;
    place.why = content.why;
    plan.steps.push_back(std::move(content));
    plan.steps.push_back(std::move(place));
  }
}

}  // namespace

RunNetwork RunNetwork::planned(const Profile& profile) {
  RunNetwork out(profile);
  out.planned_ = true;
  for (const auto& credential : profile.credentials) {
    out.ready_.surrogates.push_back({credential.name, credential.expose_env, "(a surrogate)"});
  }
  return out;
}

Result<RunNetwork> RunNetwork::start(const Profile& profile, std::optional<ProxyProcess> started) {
  RunNetwork out(profile);
  if (!needs_proxy(profile.network)) return out;
  out.environment_ = own_environment();
  if (!started) {
    auto proxy = ProxyProcess::start(out.environment_);
    if (!proxy) return std::move(proxy).error();
    started = std::move(*proxy);
  }
  out.proxy_ = std::move(started);
  return out;
}

Result<void> RunNetwork::configure(const Places& places, const std::string& session,
                                   const HostFiles& files,
                                   const std::vector<std::string>& written) {
  home_ = places.home;
  if (!proxy_) {
    if (planned_) plan_login_files();
    return {};
  }
  const auto credentials = with_absolute_paths(profile_->credentials, places.home);
  if (auto safe = check_source_files(credentials, environment_, files, written); !safe) return safe;
  auto audit = open_audit_log(places.state, session);
  if (!audit) return std::move(audit).error();
  auto commands = command_environment(profile_->credentials, environment_, files, written);
  auto configured = proxy_->configure({.session = session,
                                       .profile = profile_,
                                       .home = places.home,
                                       .environment = std::move(environment_),
                                       .commands = std::move(commands),
                                       .audit = std::move(*audit)});
  if (!configured) return configured;
  state_ = places.state;
  return {};
}

void RunNetwork::plan_login_files() {
  for (const auto& credential : profile_->credentials) {
    for (const auto& path : credential.expose_file) {
      const std::string full = expand_home(path, home_);
      const bool there = std::any_of(ready_.files.begin(), ready_.files.end(),
                                     [&](const auto& file) { return file.path == full; });
      if (!there) ready_.files.push_back({full, "(surrogates)"});
    }
  }
}

bool RunNetwork::plan_needs_answer() const {
  return proxy_ && std::any_of(profile_->credentials.begin(), profile_->credentials.end(),
                               [](const auto& one) { return !one.expose_file.empty(); });
}

std::string RunNetwork::policy_in_force() const {
  Profile in_force = *profile_;
  in_force.network.allow = allowed();
  return policy_text(in_force);
}

std::vector<FileText> RunNetwork::take_later_texts() {
  if (!trust_) return {};
  auto texts = trust_->finish(ready_.ca_certificate);
  for (auto& text : browsers_.texts(ready_.ca_certificate)) texts.push_back(std::move(text));
  texts.push_back({policy_in_force(), {}});
  return texts;
}

Result<void> RunNetwork::settle() {
  if (!proxy_ || settled_) return {};
  // What costs time and nobody waits for, while the proxy gets ready and the box is built.
  take_heap_ahead(kTrustBytes);
  trust_.emplace(read_system_bundle());
  remove_old_audit_logs(state_);
  auto ready = proxy_->wait_until_ready();
  if (!ready) return std::move(ready).error();
  settled_ = true;
  ready_ = std::move(*ready);
  for (const auto& note : {discover_note(profile_->network), spares_note(profile_->network)}) {
    if (!note.empty()) ready_.notes.push_back(note);
  }
  return {};
}

std::vector<Sourced<HostRule>> RunNetwork::allowed() const {
  std::vector<std::string> live;
  for (const auto& surrogate : ready_.surrogates) live.push_back(surrogate.credential);
  return allowed_with(profile_->network, profile_->credentials, live);
}

void RunNetwork::add_to(MountPlan& plan, const HostFiles& files) {
  if (proxy_) {
    SystemTrust::add_to(plan, files);
    browsers_.add_to(plan);
  }
  add_login_files(plan, ready_.files, home_);
  MountStep policy = own_step(StepKind::kFile, kPolicyFile);
  policy.later = proxy_.has_value();
  if (!policy.later) policy.text = policy_in_force();
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
    log::note("this run needed no host but those that a rule allows");
    return;
  }
  log::note("the rules that this run needed besides those it had, for a profile:");
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
