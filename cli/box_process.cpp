#include "cli/box_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "cli/box_namespace.hpp"
#include "cli/box_sockets.hpp"
#include "cli/bwrap_command.hpp"
#include "cli/mount_attach.hpp"
#include "cli/passed_descriptors.hpp"
#include "common/file.hpp"
#include "common/pipe.hpp"

namespace redoubtful::cli {
namespace {

// The child reports on a close-on-exec pipe: kNamespacesReady, then, on failure, kFailed with the
// Error's parts, each ended by NUL. End of file without kFailed: bwrap has taken over.
constexpr char kNamespacesReady = 'n';
constexpr char kFailed = 'e';

std::string encoded(const Error& error) {
  std::string out(1, kFailed);
  out += static_cast<char>('0' + static_cast<int>(error.code()));
  out += error.what();
  out += '\0';
  out += error.hint();
  out += '\0';
  return out;
}

Error decoded(std::string_view text) {
  if (text.size() < 4) return Error(Errc::kSystemCall, "the box's first process ended early");
  const auto code = static_cast<Errc>(text[1] - '0');
  text.remove_prefix(2);
  const std::size_t end = text.find('\0');
  const std::string what(text.substr(0, end));
  std::string hint(end == std::string_view::npos ? "" : text.substr(end + 1));
  while (!hint.empty() && hint.back() == '\0') hint.pop_back();
  return Error(code, what).hint(std::move(hint));
}

Result<void> place_standard(const std::array<int, 3>& standard) {
  for (int number = 0; number < 3; ++number) {
    if (::dup2(standard[static_cast<std::size_t>(number)], number) < 0) {
      return Error::system_call("cannot place a standard descriptor", errno);
    }
  }
  return {};
}

// To 1, which alone keeps the kernel from handing a core to the host's handler; the system-call
// filter keeps the agent from choosing 0 (keep_core_limit() in seccomp/rules.cpp), and init with
// it, so it is set here. Where the limit is 0 for good it cannot be raised.
void limit_core() {
  const rlimit one{.rlim_cur = 1, .rlim_max = 1};
  ::setrlimit(RLIMIT_CORE, &one);
}

Result<void> pass_writers(int channel, const std::vector<UniqueFd>& writers) {
  std::vector<int> descriptors;
  for (const auto& writer : writers) descriptors.push_back(writer.get());
  return pass_descriptors(channel, "w", descriptors);
}

// In the child, up to exec. Returns only on failure.
Error become_box(const BoxRequest& request, int report) {
  // The supervisor is not dumpable; its child must own its own /proc files to map its user id.
  ::prctl(PR_SET_DUMPABLE, 1);
  // While the host's files are in place: the view of the box has no control groups.
  if (auto limited = request.limits->enter(); !limited) return std::move(limited).error();
  if (auto placed = place_standard(request.standard); !placed) return std::move(placed).error();
  if (auto in = settle_in_box_namespaces(request.uid, request.gid); !in) {
    return std::move(in).error();
  }
  if (auto proc = mount_own_proc(); !proc) return std::move(proc).error();
  if (auto up = bring_loopback_up(); !up) return std::move(up).error();
  if (request.ways_fd >= 0) {
    if (auto open = open_ways_in(request.ways, request.ways_fd); !open) {
      return std::move(open).error();
    }
  }
  if (::write(report, &kNamespacesReady, 1) != 1) {
    return Error::system_call("cannot report to the supervisor", errno);
  }
  if (auto left = leave_session_keyring(); !left) return std::move(left).error();
  if (auto shielded = shield_device_nodes(); !shielded) return std::move(shielded).error();
  limit_core();
  auto later = attach_mounts(*request.plan, request.overlays, request.init);
  if (!later) return std::move(later).error();
  if (!later->empty()) {
    if (auto passed = pass_writers(request.ways_fd, *later); !passed) {
      return std::move(passed).error();
    }
  }
  for (const int fd :
       {request.control_fd, request.seccomp->calls.get(), request.seccomp->arguments.get()}) {
    if (auto inherit = make_inheritable(fd); !inherit) return std::move(inherit).error();
  }
  HiddenProc proc = find_hidden_proc(request.nested ? Nesting::kAllowed : Nesting::kRefused);
  const auto command = bwrap_command(
      {.program = request.bwrap,
       .nested = request.nested,
       .seccomp_fds = {request.seccomp->calls.get(), request.seccomp->arguments.get()},
       .proc_files = std::move(proc.files),
       .proc_directories = std::move(proc.directories),
       .proc_read_only = std::move(proc.read_only),
       .command = {kInitPath, std::to_string(request.control_fd)}});
  exec_program(request.bwrap, command, {});
  return Error::system_call("cannot start " + request.bwrap, errno);
}

}  // namespace

Result<BoxProcess> BoxProcess::start(const BoxRequest& request) {
  auto errors = make_pipe();
  if (!errors) return std::move(errors).error();
  auto child = fork_into_box_namespaces([&]() -> int {
    const Error error = become_box(request, errors->write.get());
    // If even this fails, an empty report says at least that the child did not get far.
    (void)write_all(errors->write.get(), encoded(error));
    return 125;
  });
  if (!child) return std::move(child).error();
  BoxProcess box;
  box.bwrap_ = std::move(*child);
  box.errors_ = std::move(errors->read);
  errors->write.reset();
  char first = 0;
  ssize_t got = 0;
  do {
    got = ::read(box.errors_.get(), &first, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1 && first == kNamespacesReady) return box;
  std::string text(1, first);
  char buffer[4096];
  while ((got = ::read(box.errors_.get(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return decoded(text).during("building the box");
}

Result<void> BoxProcess::wait_until_built() {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(errors_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  errors_.reset();
  if (text.empty()) return {};
  return decoded(text).during("building the box");
}

std::optional<pid_t> BoxProcess::first_process() const {
  // bwrap could say it (--json-status-fd), but means the pid in our inner namespace, and from 0.12
  // on it fails for want of that pid in the /proc it sees. The kernel lists it as it is called
  // here.
  const std::string self = std::to_string(bwrap_.pid());
  auto children =
      open_resolved(AT_FDCWD, "/proc/" + self + "/task/" + self + "/children", O_RDONLY, 0);
  if (!children) return std::nullopt;
  char buffer[64];
  const ssize_t got = ::read(children->get(), buffer, sizeof buffer);
  pid_t pid = -1;
  if (got <= 0 || std::from_chars(buffer, buffer + got, pid).ec != std::errc()) return std::nullopt;
  return pid > 1 ? std::optional<pid_t>(pid) : std::nullopt;
}

int BoxProcess::end() noexcept {
  // bwrap is the first process of a pid namespace of ours: it is only gone when all others are.
  bwrap_.signal(SIGKILL);
  return bwrap_.wait();
}

}  // namespace redoubtful::cli
