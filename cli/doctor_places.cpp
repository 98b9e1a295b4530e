#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/captured_run.hpp"
#include "cli/doctor_check.hpp"
#include "cli/host_files.hpp"
#include "cli/limits.hpp"
#include "cli/places.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::uint64_t kTrialMemory = std::uint64_t{1} << 30U;
constexpr std::uint64_t kTrialProcesses = 4096;

Result<void> write_in(const std::string& directory) {
  std::string name = directory + "/.doctor-XXXXXX";
  const UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return Error::system_call("cannot write in " + quoted(directory), errno);
  ::unlink(name.c_str());
  return {};
}

// Made when it is missing, as a run makes it, and then taken away again.
Result<std::string> use_state_directory() {
  auto places = find_places(PlaceVariables::from_environment());
  if (!places) return std::move(places).error();
  std::vector<std::string> missing;
  for (std::string path = places->state; ::access(path.c_str(), F_OK) != 0 && path != "/";
       path = parent_of(path)) {
    missing.push_back(path);
  }
  auto opened = open_private_directory(places->state);
  auto written = opened ? write_in(places->state) : Result<void>(Error(opened.error()));
  for (const auto& path : missing) ::rmdir(path.c_str());
  if (!written) {
    return std::move(written).error().hint("make it yours: chown -R $USER " +
                                           places->shown(parent_of(places->state)) +
                                           ", or set XDG_STATE_HOME to a directory that is");
  }
  return places->shown(places->state) + (missing.empty() ? "" : " can be made");
}

Result<std::string> watch_files() {
  const UniqueFd queue(::inotify_init1(IN_CLOEXEC));
  if (!queue) {
    return Error::system_call("no more inotify queues for this user", errno)
        .hint(
            "echo fs.inotify.max_user_instances=512 | sudo tee /etc/sysctl.d/50-inotify.conf && "
            "sudo sysctl --system");
  }
  if (::inotify_add_watch(queue.get(), "/", IN_MOVED_TO | IN_ONLYDIR) < 0) {
    return Error::system_call("no more inotify watches for this user", errno)
        .hint(
            "echo fs.inotify.max_user_watches=524288 | sudo tee /etc/sysctl.d/50-inotify.conf && "
            "sudo sysctl --system");
  }
  return std::string("guarded and hidden files can be watched from outside");
}

Result<std::string> limit_a_child() {
  const Origin here{.file = "doctor", .line = 0, .column = 0, .option = {}};
  Limits limits;
  limits.memory_bytes = Sourced<std::uint64_t>{.value = kTrialMemory, .origin = here};
  limits.processes = Sourced<std::uint64_t>{.value = kTrialProcesses, .origin = here};
  auto bounds = BoxLimits::prepare(limits);
  if (!bounds) {
    limits.processes.reset();
    if (!BoxLimits::prepare(limits)) return std::move(bounds).error();
    return Error(Errc::kSystemCall,
                 "memory is limited per process, processes not at all: no control group may be "
                 "made, and the kernel does not count root's processes")
        .hint(bounds.error().hint());
  }
  auto entered = try_in_child([&]() -> Result<std::string> {
    if (auto in = bounds->enter(); !in) return std::move(in).error();
    return std::string();
  });
  if (!entered) return std::move(entered).error();
  if (bounds->resource_limits().empty()) {
    return std::string("memory and processes are limited for the box as a whole");
  }
  return Error(Errc::kSystemCall, bounds->notes().empty()
                                      ? "processes are limited by RLIMIT_NPROC"
                                      : "memory is limited per process, not per box")
      .hint(
          "a control group is needed: under systemd start with systemd-run --user --scope "
          "redoubtful run ...; in a container make /sys/fs/cgroup writable");
}

}  // namespace

void check_places(const Surroundings&, Checks& checks) {
  checks.push_back(
      judged("state", "state directory", use_state_directory(), Verdict::kProblem, ""));
  checks.push_back(judged("inotify", "file watches", watch_files(), Verdict::kProblem, ""));
  checks.push_back(judged("limits", "limits", limit_a_child(), Verdict::kNote, ""));
}

}  // namespace redoubtful::cli
