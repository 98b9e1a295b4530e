// The command: parses, decides which part is asked for, prints errors, returns the exit status.

#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

#include "cli/allow.hpp"
#include "cli/audit.hpp"
#include "cli/box_sockets.hpp"
#include "cli/credential_sources.hpp"
#include "cli/demo.hpp"
#include "cli/doctor.hpp"
#include "cli/help.hpp"
#include "cli/home.hpp"
#include "cli/layers.hpp"
#include "cli/log.hpp"
#include "cli/options.hpp"
#include "cli/places.hpp"
#include "cli/profile_commands.hpp"
#include "cli/programs.hpp"
#include "cli/project_init.hpp"
#include "cli/project_layers.hpp"
#include "cli/project_trust.hpp"
#include "cli/proxy_process.hpp"
#include "cli/run.hpp"
#include "cli/show.hpp"
#include "cli/version.hpp"
#include "cli/why.hpp"
#include "common/heap_ahead.hpp"

namespace redoubtful::cli {
namespace {

constexpr int kBoxNotBuilt = 125;
// What reading profiles and planning a box take.
constexpr std::size_t kHeapBytes = 512 << 10;

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int fail(const Error& error) {
  log::error(error);
  return exit_status(error.code());
}

log::Verbosity verbosity_of(const Invocation& invocation) {
  if (invocation.quiet) return log::Verbosity::kQuiet;
  if (invocation.verbosity >= 2) return log::Verbosity::kTimed;
  return invocation.verbosity == 1 ? log::Verbosity::kVerbose : log::Verbosity::kNormal;
}

std::string current_directory() {
  char buffer[PATH_MAX];
  const char* path = ::getcwd(buffer, sizeof buffer);
  // "(unreachable)/x" is what the kernel calls a directory outside our root.
  return path != nullptr && path[0] == '/' ? path : std::string();
}

Result<int> printed(Result<std::string> text) {
  if (!text) return std::move(text).error();
  print(*text);
  return 0;
}

// The proxy takes longest to get ready and begins with what needs no profile, so it is started
// before that is read; should the profile want none after all, it ends at once. Nothing: run()
// tries again at its place, and says what is wrong.
std::optional<ProxyProcess> started_ahead(const Invocation& invocation) {
  if (invocation.verb != Verb::kRun || invocation.dry_run) return std::nullopt;
  const auto& mode = invocation.selection.flags.mode;
  if (mode && !needs_proxy(mode->value)) return std::nullopt;
  if (!find_system_program("bwrap")) return std::nullopt;
  auto proxy = ProxyProcess::start(own_environment());
  return proxy ? std::optional(std::move(*proxy)) : std::nullopt;
}

Result<int> with_profile(const Places& places, Invocation invocation) {
  auto proxy = started_ahead(invocation);
  auto composition = compose(places, invocation.selection);
  if (!composition) return std::move(composition).error();
  for (const auto& notice : composition->notices) log::note(notice);
  if (const auto& look = composition->look; look && invocation.verb == Verb::kRun) {
    auto line = name_secrets_once(places, look->top, look->secret_files,
                                  composition->profile.filesystem.hide);
    if (!line) return std::move(line).error();
    if (!line->empty()) log::note(*line);
  }
  if (invocation.verb == Verb::kShow) {
    const auto& command = invocation.selection.command;
    if (invocation.format == Format::kJson) {
      auto& profile = composition->profile;
      expand_certificate_files(profile.network, places.home);
      profile.credentials = with_absolute_paths(profile.credentials, places.home);
      print(show_json(composition->profile, command));
    } else {
      print(show_text(with_outer_proxy(composition->profile, own_environment()), command));
    }
    return 0;
  }
  if (invocation.verb == Verb::kWhy) {
    return why(places, std::move(composition->profile), invocation.operand);
  }
  RunRequest request;
  request.profile = std::move(composition->profile);
  request.command = std::move(invocation.selection.command);
  request.directory = std::move(invocation.selection.directory);
  request.dry_run = invocation.dry_run;
  request.proxy = std::move(proxy);
  return run(std::move(request));
}

// What to do in a box, where these do nothing; empty: it works there, too.
std::string_view instead_inside_a_box(Verb verb) {
  switch (verb) {
    case Verb::kRun:
    case Verb::kDemo:
      return "the command is confined here as it is; start it directly";
    case Verb::kAllow:
    case Verb::kInit:
    case Verb::kTrust:
      return "only the person outside can allow it; http://redoubtful.internal/policy says what is";
    case Verb::kWhy:
      return "ask http://redoubtful.internal/why?url=https://HOST/PATH";
    default:
      return {};
  }
}

Result<int> dispatch(Invocation invocation) {
  if (invocation.verb == Verb::kHelp) return printed(std::string(help_text(invocation.topic)));
  if (invocation.verb == Verb::kVersion) return printed(version_text());
  if (const auto instead = instead_inside_a_box(invocation.verb); !instead.empty()) {
    if (auto outside = refuse_inside_a_box(instead); !outside) return std::move(outside).error();
  }
  if (invocation.verb == Verb::kDoctor) return doctor({.format = invocation.format});
  if (invocation.verb == Verb::kDemo) return demo({});
  auto places = find_places(PlaceVariables::from_environment());
  if (!places) return std::move(places).error();
  switch (invocation.verb) {
    case Verb::kProfileList:
      return printed(list_profiles(*places));
    case Verb::kProfileCheck:
      return printed(check_profile(*places, invocation.operand));
    case Verb::kHomeList:
      return printed(list_homes(*places));
    case Verb::kHomePath:
      return printed(show_home_path(*places, invocation.selection.directory));
    case Verb::kHomeReset:
      return printed(reset_home(*places, invocation.selection.directory, invocation.operand));
    case Verb::kAllow:
      return printed(allow(*places, {.rule = invocation.operand,
                                     .profile = invocation.profile,
                                     .directory = invocation.selection.directory}));
    case Verb::kInit:
      return printed(write_project_profile(*places, invocation.selection.directory));
    case Verb::kTrust:
      return trust(*places, invocation.selection.directory);
    case Verb::kAudit:
      return audit(*places, {.session = invocation.operand,
                             .format = invocation.format,
                             .follow = invocation.follow});
    default:  // kRun, kShow, kWhy
      return with_profile(*places, std::move(invocation));
  }
}

int main_with(const std::vector<std::string>& arguments) {
  auto invocation = parse_options(arguments, current_directory());
  if (!invocation) return fail(invocation.error());
  log::configure(verbosity_of(*invocation));
  const Verb verb = invocation->verb;
  auto status = dispatch(*std::move(invocation));
  if (std::fflush(stdout) != 0) {
    log::error("cannot write to the standard output");
    return 1;
  }
  if (status) return *status;
  const int code = fail(status.error());
  return verb == Verb::kProfileCheck ? 1 : code;
}

}  // namespace
}  // namespace redoubtful::cli

int main(int argc, char** argv) {
  redoubtful::take_heap_ahead(redoubtful::cli::kHeapBytes);
  try {
    return redoubtful::cli::main_with(
        std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "redoubtful: a bug in redoubtful: %s\n", bug.what());
    return redoubtful::cli::kBoxNotBuilt;
  }
}
