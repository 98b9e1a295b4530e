#include "cli/run.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "cli/agent_environment.hpp"
#include "cli/audit_store.hpp"
#include "cli/box_guards.hpp"
#include "cli/browsers.hpp"
#include "cli/home_mounts.hpp"
#include "cli/home_settings.hpp"
#include "cli/host_facts.hpp"
#include "cli/limits.hpp"
#include "cli/log.hpp"
#include "cli/pasta_command.hpp"
#include "cli/plan_text.hpp"
#include "cli/programs.hpp"
#include "cli/run_network.hpp"
#include "cli/session.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// Names a run: sorts by time, and is unique among those of one machine.
std::string session_name() {
  const std::time_t now = ::time(nullptr);
  tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return std::string(text) + "-" + std::to_string(::getpid());
}

std::vector<std::string> texts(const std::vector<Sourced<HostRule>>& rules) {
  std::vector<std::string> out;
  for (const auto& rule : rules) out.push_back(rule.value.text);
  return out;
}

// Where writing is allowed at all, for the second wall.
std::vector<std::string> writable_paths(const MountPlan& plan) {
  std::vector<std::string> out = {"/dev", "/proc"};
  for (const auto& step : plan.steps) {
    const bool writable = step.kind == StepKind::kTmpfs ||
                          (step.kind == StepKind::kBind && step.mode == MountMode::kReadWrite);
    if (writable) out.push_back(step.target);
  }
  return out;
}

// What the box starts: the profile's arguments stand before the user's own. Not where these are one
// question to the program itself: many answer that by a short way, which another word bars (Claude
// Code takes half a second more).
std::vector<std::string> full_command(std::vector<std::string> command, const Profile& profile,
                                      const std::string& shell) {
  if (command.empty()) command.push_back(shell);
  const bool asks = command.size() == 2 && (command[1] == "--version" || command[1] == "--help" ||
                                            command[1] == "-v" || command[1] == "-V");
  std::vector<std::string> arguments;
  if (!asks) {
    for (const auto& argument : profile.arguments) arguments.push_back(argument.value);
  }
  command.insert(command.begin() + 1, arguments.begin(), arguments.end());
  return command;
}

// Debian's resolver file names the proxy's address inside; without a proxy pasta answers.
void use_open_resolver(MountPlan& plan) {
  for (auto& step : plan.steps) {
    if (step.target == "/etc/resolv.conf") {
      step.text = fmt::format("nameserver {}\n", kOpenResolver);
    }
  }
}

// Each tree that is looked through or attached holds a descriptor, and the usual limit is 1,024.
// The agent gets back what the user had. Errors are none: then fewer mounts work, which is said
// there.
ResourceLimit raise_descriptor_limit() {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit raised{.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return {.resource = RLIMIT_NOFILE, .soft = before.rlim_cur, .hard = before.rlim_max};
}

Result<void> find_programs(const NetworkProfile& network, SessionRequest& session) {
  auto bwrap = find_system_program("bwrap");
  if (!bwrap) return std::move(bwrap).error();
  session.bwrap = std::move(*bwrap);
  if (needs_pasta(network)) {
    auto pasta = find_system_program("pasta");
    if (!pasta) return std::move(pasta).error();
    session.pasta = std::move(*pasta);
    if (auto fine = check_ports_free(network); !fine) return fine;
  }
  auto init = find_own_part("redoubtful-init");
  if (!init) return std::move(init).error();
  session.init = std::move(*init);
  return {};
}

void log_notes(std::initializer_list<const std::vector<std::string>*> lists) {
  for (const auto* list : lists) {
    for (const auto& line : *list) log::note(line);
  }
}

// What this box may write, and earlier ones could.
std::vector<std::string> written_places(const MountPlan& plan, const HostFacts& facts) {
  std::vector<std::string> out = facts.written_roots;
  for (const auto& step : plan.steps) {
    if (step.kind == StepKind::kBind && step.mode != MountMode::kReadOnly) {
      out.push_back(step.source);
    }
  }
  if (!facts.private_home.empty()) out.push_back(facts.private_home);
  return out;
}

}  // namespace

Result<void> refuse_inside_a_box(std::string_view instead) {
  if (::access(kInitPath, F_OK) != 0 || ::getenv("REDOUBTFUL") == nullptr) return {};
  return Error(Errc::kSystemCall, "this is already inside a redoubtful box")
      .hint(std::string(instead));
}

Result<int> run(RunRequest request) {
  const Profile& profile = request.profile;
  const ResourceLimit descriptors = raise_descriptor_limit();
  if (auto fine = check_ports(profile.network); !fine) return std::move(fine).error();
  SessionRequest session;
  if (!request.dry_run) {
    if (auto found = find_programs(profile.network, session); !found) {
      return std::move(found).error();
    }
  }
  auto network = request.dry_run ? Result<RunNetwork>(RunNetwork::planned(profile))
                                 : RunNetwork::start(profile, std::move(request.proxy));
  if (!network) return std::move(network).error();
  log::stage("the proxy starts");
  auto collected = collect_host_facts(profile, request.directory,
                                      request.dry_run ? Making::kNothing : Making::kAllowed);
  if (!collected) return std::move(collected).error();
  auto plan = plan_mounts(profile, collected->facts);
  if (!plan) return std::move(plan).error();
  if (profile.network.mode.value == NetworkMode::kDangerouslyOpen) use_open_resolver(*plan);
  // Not earlier: a run that is refused leaves nothing behind, no empty log either.
  const std::string name = session_name();
  if (auto told = network->configure(collected->places, name, *collected->facts.files,
                                     written_places(*plan, collected->facts));
      !told) {
    return std::move(told).error();
  }
  log::stage("the proxy is told");
  auto guards = BoxGuards::prepare(*plan, profile.filesystem);
  if (!guards) return std::move(guards).error();
  // What waits for the proxy's answer: at once where the plan does, else while the box is built.
  std::optional<AgentEnvironment> environment;
  const auto take_answer = [&]() -> Result<void> {
    if (auto settled = network->settle(); !settled) return settled;
    EnvironmentFacts facts{.user = collected->facts.user,
                           .uid = collected->facts.uid,
                           .home = plan->home,
                           .shell = collected->facts.shell,
                           .path = plan->path,
                           .network = profile.network.mode.value,
                           .allowed_hosts = texts(network->allowed())};
    network->add_to(facts);
    for (auto& variable : browser_variables()) facts.defaults.push_back(std::move(variable));
    auto made = agent_environment(profile.environment, collected->environment, facts);
    if (!made) return std::move(made).error();
    environment = std::move(*made);
    log_notes({&network->notes(), &environment->warnings});
    return {};
  };
  if (network->plan_needs_answer() || !profile.filesystem.settings.empty()) {
    if (auto taken = take_answer(); !taken) return std::move(taken).error();
  }
  if (!profile.nested.value) plan->steps.push_back(chromium_flags_step());
  network->add_to(*plan, *collected->facts.files);
  log::stage("planned");

  std::vector<std::string> command = full_command(request.command, profile, collected->facts.shell);

  log_notes({&collected->warnings, &plan->notes, &guards->warnings()});
  const auto complete = [&]() -> Result<Completion> {
    if (!environment) {
      if (auto taken = take_answer(); !taken) return std::move(taken).error();
    }
    return Completion{std::move(environment->variables), network->take_later_texts()};
  };
  if (request.dry_run) {
    auto completion = complete();
    if (!completion) return std::move(completion).error();
    const std::string text =
        plan_text(*plan, guards->overlays(), profile, completion->environment, command);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }

  if (auto known = remember_written(collected->places, *plan); !known) {
    return std::move(known).error().hint("the state directory must be writable: " +
                                         collected->places.state);
  }
  HomeMounts home_mounts;
  if (!collected->facts.private_home.empty()) {
    auto prepared = HomeMounts::prepare(collected->facts.private_home, *plan);
    if (!prepared) return std::move(prepared).error();
    home_mounts = std::move(*prepared);
  }
  if (!profile.filesystem.settings.empty()) {
    auto settings = put_settings({.settings = &profile.filesystem.settings,
                                  .facts = &collected->facts,
                                  .environment = &environment->variables},
                                 *plan);
    if (!settings) return std::move(settings).error();
    log_notes({&*settings});
  }

  auto limits = BoxLimits::prepare(profile.limits);
  if (!limits) return std::move(limits).error();
  for (const auto& line : limits->notes()) log::note(line);

  session.profile = &profile;
  session.proxy = network->proxy();
  session.plan = &*plan;
  session.guards = &*guards;
  session.limits = &*limits;
  session.spec.limits = limits->resource_limits();
  session.spec.arguments = std::move(command);
  session.complete = complete;
  session.spec.directory = plan->directory;
  session.spec.limits.push_back(descriptors);
  // Landlock forbids every mount to those it confines, and sandboxes inside mount.
  if (!profile.nested.value) session.spec.landlock = {.writable = writable_paths(*plan)};
  auto status = run_session(std::move(session));
  for (const auto& line : limits->reached()) log::error(line);
  network->finish();

  auto report = guards->check_at_exit(collected->places.state + "/undone/" + name);
  if (report) {
    for (const auto& line : report->lines) log::error(line);
    if (auto kept = append_undone(collected->places.state, name, report->lines); !kept) {
      log::error(kept.error());
    }
  } else {
    log::error(std::move(report).error().during("checking what the run left behind"));
    if (status && *status == 0) return 125;
  }
  return status;
}

}  // namespace redoubtful::cli
