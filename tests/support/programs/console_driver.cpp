// `console_driver [--writable PATH]... COMMAND [ARG...]`: the supervisor's terminal side alone.
//
// Runs COMMAND under the real Console and the real redoubtful-init, in a PID and a network
// namespace of its own but with the machine's own file system: what is tried here is terminals,
// signals, descriptors and exit statuses, not mounts.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/box_namespace.hpp"
#include "cli/console.hpp"
#include "cli/control_socket.hpp"
#include "cli/init_spec.hpp"

namespace {

using namespace redoubtful;
using namespace redoubtful::cli;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::_Exit(125);
}

void write_text(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) die(path);
  ::close(fd);
}

// pid 1: what bwrap is in a real box. Starts init as pid 2, reaps, ends when init ends.
[[noreturn]] void be_pid_one(const std::string& init, const std::array<int, 3>& descriptors,
                             int control, uid_t uid, gid_t gid) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  write_text("/proc/self/setgroups", "deny");
  write_text("/proc/self/uid_map", std::to_string(uid) + " " + std::to_string(uid) + " 1\n");
  write_text("/proc/self/gid_map", std::to_string(gid) + " " + std::to_string(gid) + " 1\n");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) die("private");
  if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) die("mount /proc");
  if (!bring_loopback_up()) die("loopback");
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) {
      ::dup2(descriptors[static_cast<std::size_t>(fd)], fd);
    }
    ::fcntl(control, F_SETFD, 0);
    // As bwrap does: with capabilities in its own namespace, root could trace init.
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;) {
      ++capability;
    }
    char* const nothing[] = {nullptr};
    const std::string control_text = std::to_string(control);
    ::execle(init.c_str(), init.c_str(), control_text.c_str(), static_cast<char*>(nullptr),
             nothing);
    std::_Exit(125);
  }
  ::close_range(0, ~0U, 0);
  for (;;) {
    int status = 0;
    const pid_t ended = ::wait(&status);
    if (ended == child) std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
  }
}

int run(int argc, char** argv) {
  InitSpec spec;
  int next = 1;
  for (; next + 1 < argc && std::string(argv[next]) == "--writable"; next += 2) {
    if (!spec.landlock) spec.landlock.emplace();
    spec.landlock->writable.emplace_back(argv[next + 1]);
  }
  for (; next < argc; ++next) spec.arguments.emplace_back(argv[next]);
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    spec.environment.emplace_back(*variable);
  }
  char directory[4096];
  spec.directory = ::getcwd(directory, sizeof directory) != nullptr ? directory : "/";
  const char* const init = std::getenv("REDOUBTFUL_INIT");
  if (init == nullptr) die("REDOUBTFUL_INIT");

  EventLoop loop;
  auto console = Console::create(loop);
  if (!console) {
    std::fprintf(stderr, "redoubtful: %s\n", console.error().what().c_str());
    return exit_status(console.error().code());
  }
  console->fill(spec);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) die("socketpair");
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const auto descriptors = console->child_descriptors();
  const uid_t uid = ::getuid();
  const gid_t gid = ::getgid();
  const long child =
      ::syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | SIGCHLD,
                nullptr, nullptr, 0, 0);
  if (child < 0) die("clone");
  if (child == 0) be_pid_one(init, descriptors, theirs.get(), uid, gid);
  theirs.reset();
  if (auto sent = send_specification(ours.get(), spec); !sent) die(sent.error().what().c_str());

  int status = 125;
  const auto say = [&](const std::string& text) {
    std::fprintf(stderr, "redoubtful: %s%s", text.c_str(),
                 console->terminal_is_raw() ? "\r\n" : "\n");
  };
  ConsoleEvents events;
  events.on_exec_failed = [&](const Error& error, int code) {
    say(error.what());
    status = code;
  };
  events.on_exit = [&](int wait_status) {
    status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
  };
  events.on_lost = [&](const Error& error) { say(error.what()); };
  events.on_interrupted = [&](int number) {
    status = 128 + number;
    ::kill(static_cast<pid_t>(child), SIGKILL);
  };
  events.on_message = say;
  events.on_drained = [&] { loop.stop(); };
  if (auto attached = console->attach(std::move(ours), std::move(events)); !attached) {
    die(attached.error().what().c_str());
  }
  console->go();
  if (auto ran = loop.run(); !ran) die(ran.error().what().c_str());
  ::kill(static_cast<pid_t>(child), SIGKILL);
  ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (!reserve_standard_descriptors()) return 125;
  return run(argc, argv);
}
