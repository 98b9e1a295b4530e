#include "tests/support/pty_session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace redoubtful::test {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void become(int slave, char* const* arguments, const PtyOptions& options) {
  ::setsid();
  ::ioctl(slave, TIOCSCTTY, 0);
  for (int fd = 0; fd < 3; ++fd) ::dup2(slave, fd);
  ::close_range(3, ~0U, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  for (const auto& [name, value] : options.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(99);
  ::execvp(arguments[0], arguments);
  ::_exit(98);
}

}  // namespace

PtySession::PtySession(const std::vector<std::string>& arguments, const PtyOptions& options) {
  master_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!master_ || ::unlockpt(master_.get()) != 0) throw std::runtime_error("no pty");
  UniqueFd slave(::ioctl(master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) throw std::runtime_error("no pty slave");
  resize(options.rows, options.columns);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) become(slave.get(), pointers.data(), options);
  process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

PtySession::~PtySession() {
  hang_up();
  if (status_) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  ::waitpid(pid_, nullptr, 0);
}

void PtySession::hang_up() { master_.reset(); }

void PtySession::send(std::string_view bytes) {
  const auto deadline = Clock::now() + kPtyDeadline;
  while (!bytes.empty() && master_ && Clock::now() < deadline) {
    const ssize_t put = ::write(master_.get(), bytes.data(), bytes.size());
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
    if (!bytes.empty()) pump(std::chrono::milliseconds(5));
  }
}

bool PtySession::pump(std::chrono::milliseconds patience) {
  if (!master_) return false;
  pollfd look{master_.get(), POLLIN, 0};
  if (::poll(&look, 1, static_cast<int>(patience.count())) <= 0) return true;
  char buffer[65536];
  const ssize_t got = ::read(master_.get(), buffer, sizeof buffer);
  if (got < 0 && errno == EAGAIN) return true;
  if (got <= 0) return false;
  output_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool PtySession::wait_until(const std::function<bool()>& condition,
                            std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  bool open = true;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    if (open) {
      open = pump(std::chrono::milliseconds(5));
    } else {
      ::poll(nullptr, 0, 5);
    }
  }
  return true;
}

bool PtySession::expect(std::string_view text, std::chrono::milliseconds deadline) {
  return wait_until(
      [&] {
        const std::size_t at = output_.find(text, seen_);
        if (at == std::string::npos) return false;
        seen_ = at + text.size();
        return true;
      },
      deadline);
}

std::optional<int> PtySession::wait_exit(std::chrono::milliseconds deadline) {
  wait_until(
      [&] {
        int status = 0;
        if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
        return status_.has_value();
      },
      deadline);
  // What was written before the end.
  while (master_ && status_) {
    const std::size_t before = output_.size();
    if (!pump(std::chrono::milliseconds(0)) || output_.size() == before) break;
  }
  return status_;
}

void PtySession::resize(unsigned short rows, unsigned short columns) {
  winsize size{};
  size.ws_row = rows;
  size.ws_col = columns;
  ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

termios PtySession::settings() const {
  termios out{};
  ::tcgetattr(master_.get(), &out);
  return out;
}

std::optional<char> process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const std::size_t at = line.rfind(") ");
  if (at == std::string::npos || at + 2 >= line.size()) return std::nullopt;
  return line[at + 2];
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> out;
  for (pid_t child = 0; file >> child;) out.push_back(child);
  return out;
}

}  // namespace redoubtful::test
