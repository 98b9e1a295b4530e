#include "cli/doctor.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "cli/captured_run.hpp"
#include "cli/doctor_check.hpp"
#include "cli/doctor_text.hpp"
#include "cli/scratch.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

Result<std::string> run_true() {
  auto scratch = Scratch::make();
  if (!scratch) return std::move(scratch).error();
  auto program = own_program();
  if (!program) return std::move(program).error();
  auto run = run_captured({.arguments = {*program, "run", "--", "true"},
                           .environment = scratch->environment(),
                           .directory = scratch->project()});
  if (!run) return std::move(run).error();
  if (run->status == 0) {
    return fmt::format("redoubtful run true: built, run and gone in {} ms", run->took.count());
  }
  const std::string said = run->err.substr(0, run->err.find('\n'));
  return Error(Errc::kSystemCall, fmt::format("redoubtful run true: status {}: {}", run->status,
                                              said.empty() ? "no message" : quoted(said)));
}

}  // namespace

void check_whole_run(const Surroundings&, Checks& checks) {
  const auto missing =
      not_ok(checks, {"user-namespaces", "loopback", "mounts", "proc", "calls", "seccomp", "bwrap",
                      "init", "proxy", "configuration", "state", "inotify"});
  checks.push_back(missing.empty()
                       ? judged("run", "a whole run", run_true(), Verdict::kProblem,
                                "nothing above explains this; please report it with this output")
                       : not_tried("run", "a whole run", missing));
}

Result<int> doctor(const DoctorRequest& request) {
  const Surroundings where = look_around();
  Checks checks;
  for (const auto group :
       {check_kernel, check_programs, check_ports, check_places, check_whole_run}) {
    group(where, checks);
  }
  const std::string text = request.format == Format::kJson
                               ? doctor_json(where, checks)
                               : doctor_text(where, checks, colour_wanted());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return count(checks, Verdict::kProblem) == 0 ? 0 : 1;
}

}  // namespace redoubtful::cli
