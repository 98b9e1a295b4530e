#include "cli/limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/child_process.hpp"
#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxProcFile = 16U << 20U;
// Of our own in each box: bwrap outside its process namespace, its reaper, and init.
constexpr std::uint64_t kOwnInGroup = 3;
// The first of them is in another user namespace, where RLIMIT_NPROC does not count it.
constexpr std::uint64_t kOwnInNamespace = 2;

std::optional<OwnGroup> own_group(std::string_view controller) {
  const auto groups = read_file("/proc/self/cgroup", kMaxProcFile);
  const auto mounts = read_file("/proc/self/mountinfo", kMaxProcFile);
  if (!groups || !mounts) return std::nullopt;
  return find_own_group(*groups, *mounts, controller);
}

std::string no_group(const std::string& reason) {
  return "no control group may be made here (" +
         (reason.empty() ? "none is mounted where ours can be seen" : reason) + ")";
}

std::string narrowed(const char* what, const std::string& asked, const Origin& origin,
                     const std::string& got) {
  return fmt::format("the {} limit of {} ({}) is {}: redoubtful itself was given no more", what,
                     asked, origin.text(), got);
}

constexpr const char* kGroupRemedy =
    "`redoubtful doctor` says what to change; under systemd: systemd-run --user --scope redoubtful "
    "run ...";

}  // namespace

std::string memory_text(std::uint64_t bytes) {
  constexpr std::array<std::pair<unsigned, char>, 4> kUnits = {
      {{40, 'T'}, {30, 'G'}, {20, 'M'}, {10, 'K'}}};
  for (const auto& [shift, letter] : kUnits) {
    const std::uint64_t unit = std::uint64_t{1} << shift;
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, letter);
  }
  return fmt::format("{} bytes", bytes);
}

bool process_limit_binds_us() {
  auto child = ChildProcess::fork([]() -> int {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0) return 1;
    const pid_t second = ::fork();
    if (second == 0) ::_exit(0);
    if (second < 0) return errno == EAGAIN ? 0 : 1;
    ::waitpid(second, nullptr, 0);
    return 1;
  });
  return child && shell_status(child->wait()) == 0;
}

void BoxLimits::make_group(std::initializer_list<Place*> places) {
  std::vector<std::string> controllers;
  for (const Place* place : places) {
    if (!place->own || place->group) return;
    controllers.emplace_back(place->controller);
  }
  auto group = ControlGroup::create(*(*places.begin())->own, controllers);
  for (Place* place : places) {
    if (group) {
      place->group = groups_.size();
    } else {
      place->reason = group.error().what();
    }
  }
  if (group) groups_.push_back(std::move(*group));
}

Result<BoxLimits> BoxLimits::prepare(const Limits& limits) {
  BoxLimits out;
  out.memory_limit_ = limits.memory_bytes;
  out.processes_limit_ = limits.processes;
  if (limits.memory_bytes) out.memory_.own = own_group(out.memory_.controller);
  if (limits.processes) out.processes_.own = own_group(out.processes_.controller);

  // A process is in one group of a hierarchy, and version 2 has one hierarchy.
  const auto version_two = [](const Place& place) {
    return place.own && place.own->version == GroupVersion::kTwo;
  };
  const bool shared = version_two(out.memory_) && version_two(out.processes_);
  if (shared) out.make_group({&out.memory_, &out.processes_});
  out.make_group({&out.memory_});
  if (!shared || !out.memory_.group) out.make_group({&out.processes_});

  if (limits.memory_bytes) {
    if (auto set = out.limit_memory(*limits.memory_bytes); !set) return std::move(set).error();
  }
  if (limits.processes) {
    if (auto set = out.limit_processes(*limits.processes); !set) return std::move(set).error();
  }
  return out;
}

Result<void> BoxLimits::limit_memory(const Sourced<std::uint64_t>& bytes) {
  if (!memory_.group) {
    resource_limits_.push_back({.resource = RLIMIT_DATA, .soft = bytes.value, .hard = bytes.value});
    notes_.push_back(fmt::format("the memory limit of {} ({}) holds per process: {}",
                                 memory_text(bytes.value), bytes.origin.text(),
                                 no_group(memory_.reason)));
    notes_.emplace_back(kGroupRemedy);
    return {};
  }
  const ControlGroup& group = groups_[*memory_.group];
  const bool two = group.version() == GroupVersion::kTwo;
  const char* file = two ? "memory.max" : "memory.limit_in_bytes";
  const std::uint64_t value = std::min(bytes.value, group.tightest(file).value_or(bytes.value));
  if (value < bytes.value) {
    notes_.push_back(
        narrowed("memory", memory_text(bytes.value), bytes.origin, memory_text(value)));
    memory_limit_->value = value;
  }
  if (auto set = group.write(file, std::to_string(value)); !set) {
    return std::move(set).error().during("limiting the memory (" + bytes.origin.text() + ")");
  }
  // Without swap accounting these files do not exist, and swap is not the box's to bound.
  // Version 1 counts memory and swap together.
  const auto no_swap = two ? group.write("memory.swap.max", "0")
                           : group.write("memory.memsw.limit_in_bytes", std::to_string(value));
  if (!no_swap && no_swap.error().system_errno() != ENOENT) {
    return Error(no_swap.error()).during("limiting the swap (" + bytes.origin.text() + ")");
  }
  return {};
}

Result<void> BoxLimits::limit_processes(const Sourced<std::uint64_t>& count) {
  if (!processes_.group) {
    if (::geteuid() == 0 && !process_limit_binds_us()) {
      return Error(Errc::kSystemCall,
                   fmt::format("{}: the limit of {} processes cannot hold: the kernel does not "
                               "count root's, and {}",
                               count.origin.text(), count.value, no_group(processes_.reason)))
          .hint("run as an ordinary user, or make /sys/fs/cgroup writable, or take the limit off");
    }
    const std::uint64_t value = count.value + kOwnInNamespace;
    resource_limits_.push_back({.resource = RLIMIT_NPROC, .soft = value, .hard = value});
    return {};
  }
  const ControlGroup& group = groups_[*processes_.group];
  const std::uint64_t wanted = count.value + kOwnInGroup;
  const std::uint64_t value = std::min(wanted, group.tightest("pids.max").value_or(wanted));
  if (value < wanted) {
    processes_limit_->value = value - std::min(value, kOwnInGroup);
    notes_.push_back(narrowed("process", std::to_string(count.value), count.origin,
                              std::to_string(processes_limit_->value)));
  }
  auto set = group.write("pids.max", std::to_string(value));
  if (!set) {
    return std::move(set).error().during("limiting the processes (" + count.origin.text() + ")");
  }
  return {};
}

Result<void> BoxLimits::enter() const {
  for (const auto& group : groups_) {
    if (auto entered = group.enter(); !entered) {
      return std::move(entered)
          .error()
          .during("putting the box under its limits")
          .hint(kGroupRemedy);
    }
  }
  return {};
}

std::vector<std::string> BoxLimits::reached() const {
  std::vector<std::string> out;
  if (memory_.group) {
    const ControlGroup& group = groups_[*memory_.group];
    const char* file =
        group.version() == GroupVersion::kTwo ? "memory.events" : "memory.oom_control";
    const std::uint64_t killed = group.counter(file, "oom_kill");
    if (killed > 0) {
      out.push_back(fmt::format("memory limit {} reached ({}): the kernel ended {} of the box",
                                memory_text(memory_limit_->value), memory_limit_->origin.text(),
                                killed == 1 ? "a process" : fmt::format("{} processes", killed)));
    }
  }
  if (processes_.group) {
    const std::uint64_t refused = groups_[*processes_.group].counter("pids.events", "max");
    if (refused > 0) {
      out.push_back(fmt::format("process limit {} reached ({}): more were refused",
                                processes_limit_->value, processes_limit_->origin.text()));
    }
  }
  return out;
}

}  // namespace redoubtful::cli
