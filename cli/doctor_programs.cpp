#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "cli/agent_seccomp.hpp"
#include "cli/box_namespace.hpp"
#include "cli/bwrap_command.hpp"
#include "cli/captured_run.hpp"
#include "cli/doctor_check.hpp"
#include "cli/layers.hpp"
#include "cli/mount_attach.hpp"
#include "cli/places.hpp"
#include "cli/programs.hpp"
#include "cli/proxy_process.hpp"
#include "common/child_process.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

// In the child: everything a box has but its plan and its init, then bwrap. Returns on failure.
Error become_small_box(const std::string& bwrap, const std::string& program,
                       const AgentSeccomp& seccomp, uid_t uid, gid_t gid) {
  if (auto in = settle_in_box_namespaces(uid, gid); !in) return std::move(in).error();
  if (auto proc = mount_own_proc(); !proc) return std::move(proc).error();
  if (auto up = bring_loopback_up(); !up) return std::move(up).error();
  HostFacts facts;
  facts.files = &machine_files();
  facts.home = "/home";
  facts.uid = uid;
  facts.gid = gid;
  facts.user = "doctor";
  facts.shell = "/bin/sh";
  facts.host_name = "doctor";
  MountPlan plan;
  plan.steps = system_steps(facts, facts.home);
  const ResolvedPath ours = resolve(machine_files(), "/proc/self/exe");
  if (auto done = attach_mounts(plan, {}, ours.real); !done) return std::move(done).error();
  for (const int fd : {seccomp.calls.get(), seccomp.arguments.get()}) {
    if (auto passed = make_inheritable(fd); !passed) return std::move(passed).error();
  }
  HiddenProc proc = find_hidden_proc(Nesting::kRefused);
  const auto command = bwrap_command({.program = bwrap,
                                      .seccomp_fds = {seccomp.calls.get(), seccomp.arguments.get()},
                                      .proc_files = std::move(proc.files),
                                      .proc_directories = std::move(proc.directories),
                                      .proc_read_only = std::move(proc.read_only),
                                      .command = {program}});
  exec_program(bwrap, command, {});
  return Error::system_call("cannot start it", errno);
}

Result<std::string> run_bwrap(const std::string& bwrap) {
  const auto program = find_system_program("true");
  if (!program) return Error(program.error());
  const auto seccomp = build_agent_seccomp(Nesting::kRefused);
  if (!seccomp) return Error(seccomp.error());
  auto run = run_captured(
      [&, uid = ::getuid(), gid = ::getgid()]() -> int {
        const Error error = become_small_box(bwrap, *program, *seccomp, uid, gid);
        std::fputs(error.what().c_str(), stderr);
        std::fflush(stderr);
        return 125;
      },
      fork_into_box_namespaces);
  if (!run) return std::move(run).error();
  if (run->status == 0) return bwrap + " takes the box's own command line";
  return Error(Errc::kSystemCall, run->err.empty()
                                      ? fmt::format("it ended with status {}", run->status)
                                      : quoted(run->err.substr(0, run->err.find('\n'))));
}

Check check_bwrap(const Surroundings& where, const Checks& checks) {
  constexpr const char* kTitle = "bubblewrap";
  const auto path = find_system_program("bwrap");
  if (!path) {
    std::string remedy;  // else the error's own hint
    if (path.error().what().ends_with("is not installed")) {
      remedy = install_remedy(where, "bubblewrap");
    } else if (where.root_is_nobody && path.error().what().ends_with("another user")) {
      remedy =
          "root's programs are nobody's in this user namespace: start redoubtful outside of "
          "it, or map uid 0 into it";
    }
    return judged("bwrap", kTitle, Error(path.error()), Verdict::kProblem, remedy);
  }
  const std::string missing = not_ok(checks, {"user-namespaces", "loopback", "mounts", "proc"});
  if (!missing.empty()) return not_tried("bwrap", kTitle, missing);
  return judged("bwrap", kTitle, run_bwrap(*path), Verdict::kProblem,
                "bubblewrap 0.8 or newer is needed: " + install_remedy(where, "bubblewrap"));
}

// The real proxy, with nothing to do: it reads the system's roots, makes its keys, confines itself,
// and only then answers what it is asked.
Result<std::string> ask_the_proxy() {
  const auto start = std::chrono::steady_clock::now();
  const Profile nothing_allowed;
  const auto environment = own_environment();
  auto proxy = ProxyProcess::start(environment);
  if (!proxy) return std::move(proxy).error();
  auto configured = proxy->configure({.session = "doctor",
                                      .profile = &nothing_allowed,
                                      .home = "/",
                                      .environment = environment,
                                      .audit = {}});
  if (!configured) return std::move(configured).error();
  if (auto ready = proxy->wait_until_ready(); !ready) return std::move(ready).error();
  auto answer = proxy->probe({.target = "doctor.invalid", .method = "GET"});
  if (!answer) return std::move(answer).error();
  if (answer->reachable != 0 || answer->lines.empty() ||
      !answer->lines.front().starts_with("refused: ")) {
    return Error(Errc::kPeerProtocol, "it does not refuse what no rule allows");
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  std::string found = fmt::format("starts, confines itself and refuses, in {} ms", took.count());
  for (const auto& line : proxy->complaints().lines) found += "; " + line;
  return found;
}

// The ground every run stands on: base, and the configuration of the machine and of the user.
Result<std::string> load_configuration() {
  auto places = find_places(PlaceVariables::from_environment());
  if (!places) return std::move(places).error();
  auto composition = compose(*places, {});
  if (!composition) return std::move(composition).error();
  std::string found;
  for (const auto& layer : composition->profile.layers) {
    if (layer.file.empty()) continue;
    found += (found.empty() ? "" : ", ") + places->shown(layer.file);
  }
  return found;
}

}  // namespace

void check_programs(const Surroundings& where, Checks& checks) {
  checks.push_back(check_bwrap(where, checks));
  checks.push_back(
      judged("init", "redoubtful-init", find_own_part("redoubtful-init"), Verdict::kProblem, ""));
  checks.push_back(judged("proxy", "redoubtful-proxy", ask_the_proxy(), Verdict::kProblem, ""));
  checks.push_back(
      judged("configuration", "configuration", load_configuration(), Verdict::kProblem, ""));
}

}  // namespace redoubtful::cli
