#include "tests/support/program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "common/file.hpp"

namespace redoubtful::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd read, write;
};
Pipe make_pipe() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

// Only async-signal-safe calls from here on: the test binary may have threads.
int become(const Program& program, int in, int out, int err) {
  if (program.streams == Streams::kTerminal) {
    // A group's leader cannot; ours may be made one, by the parent, a moment from now.
    while (::setsid() < 0) ::setpgid(0, ::getpgid(::getppid()));
    ::ioctl(in, TIOCSCTTY, 0);
  } else if (program.group == ProcessGroup::kShared) {
    ::setpgid(0, ::getpgid(::getppid()));
  }
  // Beyond every number that is about to be overwritten.
  constexpr int kSafe = 200;
  const int numbers[] = {::fcntl(in, F_DUPFD_CLOEXEC, kSafe), ::fcntl(out, F_DUPFD_CLOEXEC, kSafe),
                         ::fcntl(err, F_DUPFD_CLOEXEC, kSafe)};
  std::map<int, int> extra;
  for (const auto& [target, source] : program.descriptors) {
    extra[target] = ::fcntl(source, F_DUPFD_CLOEXEC, kSafe);
  }
  for (int target = 0; target < 3; ++target) ::dup2(numbers[target], target);
  for (const auto& [target, source] : extra) ::dup2(source, target);
  if (::chdir(program.directory.c_str()) != 0) return 126;
  exec_program(program.arguments.at(0), program.arguments, program.environment);
  return 127;
}

// "PID (NAME) STATE PPID ..."; the name may hold anything, so the last parenthesis counts.
struct Stat {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  std::string name;
};
std::optional<Stat> stat_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  Stat stat;
  stat.pid = std::stoi(pid);
  stat.name = line.substr(open + 1, close - open - 1);
  std::istringstream rest(line.substr(close + 1));
  rest >> stat.state >> stat.parent;
  return stat;
}

std::vector<Stat> descendants(pid_t root) {
  std::multimap<pid_t, Stat> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (auto stat = stat_of(name)) children.emplace(stat->parent, *stat);
  }
  std::vector<Stat> found;
  std::vector<pid_t> parents{root};
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    for (auto [at, last] = children.equal_range(parent); at != last; ++at) {
      found.push_back(at->second);
      parents.push_back(at->second.pid);
    }
  }
  return found;
}

}  // namespace

Running Running::start(const Program& program) {
  Running running;
  UniqueFd child_in, child_out, child_err;
  if (program.streams == Streams::kTerminal) {
    int master = -1;
    int slave = -1;
    winsize size{};
    size.ws_row = 30;
    size.ws_col = 100;
    EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, &size), 0);
    ::fcntl(master, F_SETFD, FD_CLOEXEC);
    ::fcntl(slave, F_SETFD, FD_CLOEXEC);
    running.out_ = UniqueFd(master);
    child_in = UniqueFd(slave);
  } else {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    child_in = std::move(in.read);
    child_out = std::move(out.write);
    child_err = std::move(err.write);
    running.input_ = std::move(in.write);
    running.out_ = std::move(out.read);
    running.err_ = std::move(err.read);
    running.pending_ = program.input;
    ::fcntl(running.input_.get(), F_SETFL, O_NONBLOCK);
    if (running.pending_.empty()) running.input_.reset();
  }
  const int in = child_in.get();
  const int out = child_out ? child_out.get() : in;
  const int err = child_err ? child_err.get() : in;
  auto child = ChildProcess::fork([&] { return become(program, in, out, err); });
  if (!child) {
    ADD_FAILURE() << child.error().what();
    return running;
  }
  running.child_ = std::move(*child);
  return running;
}

void Running::type(std::string_view bytes) const {
  EXPECT_TRUE(write_all(out_.get(), bytes)) << "typing";
}

// One round of reading and writing. False when both streams have ended, or it is late.
bool Running::read_some(Clock::time_point until) {
  if (!out_ && !err_) return false;
  pollfd waiting[] = {{out_.get(), POLLIN, 0},
                      {err_.get(), POLLIN, 0},
                      {input_.get(), POLLOUT, 0},
                      {child_.running() ? child_.pidfd() : -1, POLLIN, 0}};
  const int ready = ::poll(waiting, 4, milliseconds_until(until));
  if (ready == 0) return false;
  for (auto [fd, target, index] :
       {std::tuple{&out_, &outcome_.out, 0}, {&err_, &outcome_.err, 1}}) {
    if (waiting[index].revents == 0) continue;
    char buffer[16384];
    const ssize_t got = ::read(fd->get(), buffer, sizeof buffer);
    if (got > 0) target->append(buffer, static_cast<std::size_t>(got));
    // A terminal whose last user is gone reports EIO.
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) fd->reset();
  }
  if (waiting[2].revents != 0) {
    const ssize_t put = ::write(input_.get(), pending_.data(), pending_.size());
    if (put > 0) pending_.erase(0, static_cast<std::size_t>(put));
    if (pending_.empty() || (put < 0 && errno != EAGAIN)) input_.reset();
  }
  return waiting[3].revents == 0;
}

bool Running::wait_for(std::string_view text, std::chrono::milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  const auto seen = [&] {
    return outcome_.out.find(text) != std::string::npos ||
           outcome_.err.find(text) != std::string::npos;
  };
  while (!seen()) {
    if (!read_some(until)) return seen();
  }
  return true;
}

// What had been written when the program ended; a process it left behind may keep the pipe open.
void Running::drain() {
  for (UniqueFd* fd : {&out_, &err_}) {
    if (*fd) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  }
  for (;;) {
    bool progress = false;
    for (auto [fd, target] : {std::pair{&out_, &outcome_.out}, {&err_, &outcome_.err}}) {
      char buffer[16384];
      const ssize_t got = *fd ? ::read(fd->get(), buffer, sizeof buffer) : 0;
      if (got <= 0) continue;
      target->append(buffer, static_cast<std::size_t>(got));
      progress = true;
    }
    if (!progress) return;
  }
}

Outcome Running::finish(std::chrono::milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  if (!child_.running()) return outcome_;
  while (read_some(until)) {
  }
  pollfd ended{child_.pidfd(), POLLIN, 0};
  if (::poll(&ended, 1, milliseconds_until(until)) != 1) {
    outcome_.timed_out = true;
    if (::getpgid(child_.pid()) == child_.pid()) ::kill(-child_.pid(), SIGKILL);
    child_.signal(SIGKILL);
  }
  outcome_.status = shell_status(child_.wait());
  drain();
  EXPECT_FALSE(outcome_.timed_out) << "still running after " << deadline.count() << " ms; printed\n"
                                   << outcome_.out << outcome_.err;
  return std::move(outcome_);
}

Outcome run(const Program& program, std::chrono::milliseconds deadline) {
  return Running::start(program).finish(deadline);
}

void adopt_orphans() { EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0); }

std::vector<std::string> remaining_descendants(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    std::vector<std::string> left;
    for (const Stat& stat : descendants(::getpid())) {
      if (stat.state != 'Z') left.push_back(std::to_string(stat.pid) + ' ' + stat.name);
    }
    if (left.empty() || Clock::now() >= until) return left;
    ::poll(nullptr, 0, 5);
  }
}

void end_descendants() {
  for (auto left = descendants(::getpid()); !left.empty(); left = descendants(::getpid())) {
    for (const Stat& stat : left) ::kill(stat.pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    ::poll(nullptr, 0, 1);
  }
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> found;
  for (const Stat& stat : descendants(pid)) {
    if (stat.state != 'Z') found.push_back(stat.pid);
  }
  return found;
}

std::vector<pid_t> descendants_named(pid_t pid, std::string_view name) {
  std::vector<pid_t> found;
  for (const Stat& stat : descendants(pid)) {
    if (stat.name == name && stat.state != 'Z') found.push_back(stat.pid);
  }
  return found;
}

}  // namespace redoubtful::test
