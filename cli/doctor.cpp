#include "cli/doctor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>

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

Colour colour_wanted() {
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') ? Colour::kAlways
                                                                                  : Colour::kNever;
}

}  // namespace

Check check_whole_run() {
  return judged("run", "a whole run", run_true(), Verdict::kProblem,
                "what is named above comes first; if nothing is, this is a bug: send this output");
}

Result<int> doctor(const DoctorRequest& request) {
  const Surroundings where = look_around();
  std::vector<Check> checks;
  for (const auto& group : {check_kernel, check_programs, check_ports, check_places}) {
    auto found = group(where);
    std::move(found.begin(), found.end(), std::back_inserter(checks));
  }
  checks.push_back(check_whole_run());
  const std::string text = request.format == Format::kJson
                               ? doctor_json(where, checks)
                               : doctor_text(where, checks, colour_wanted());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return count(checks, Verdict::kProblem) == 0 ? 0 : 1;
}

}  // namespace redoubtful::cli
