#include "proxy/command_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/child_process.hpp"
#include "common/pipe.hpp"
#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutput = 64 * 1024;
constexpr std::size_t kKeptErrors = 4096;  // the last of it, of which one line is shown
constexpr std::size_t kShownError = 200;
constexpr std::size_t kShortest = 8;  // of a secret
constexpr int kNotFound = 127;
constexpr int kNotExecutable = 126;

Error failed(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

std::string_view value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string_view entry : environment) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return {};
}

// What execvp(3) does, with the PATH of the environment that the program gets.
std::string found_program(const SourceCommand& command) {
  const std::string& name = command.words.front();
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = value_of(command.environment, "PATH");
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string candidate = std::string(path.substr(0, colon)) + "/" + name;
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  return {};
}

// In the child.
int become(const SourceCommand& command, const std::string& program, int out, int err) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::chdir("/") != 0) return kNotExecutable;
  if (::dup2(null, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) return kNotExecutable;
  // The control channel is not close-on-exec: it came through an exec itself.
  if (::close_range(3, ~0U, 0) != 0) return kNotExecutable;
  exec_program(program, command.words, command.environment);
  return errno == ENOENT ? kNotFound : kNotExecutable;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  const std::size_t newline = text.rfind('\n');
  if (newline != std::string_view::npos) text.remove_prefix(newline + 1);
  return text.empty() ? std::string() : quoted(text, kShownError);
}

// Erased however the reading ends.
struct Output {
  std::string text;
  Output() { text.reserve(kMaxOutput + 4096); }  // no copy is left behind by growing
  ~Output() { ::explicit_bzero(text.data(), text.size()); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
};

class Reading {
 public:
  Reading(UniqueFd out, UniqueFd err, Clock::time_point deadline)
      : out_(std::move(out)), err_(std::move(err)), deadline_(deadline) {}

  // Until the program closed both, or its end. A child of its own may hold them open for ever.
  Result<void> until_the_end(const ChildProcess& child) {
    while (out_ || err_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
      if (left.count() <= 0) return failed("took longer than its time");
      std::array<pollfd, 3> wanted{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0},
                                   pollfd{child.pidfd(), POLLIN, 0}};
      const int got = ::poll(wanted.data(), wanted.size(), static_cast<int>(left.count()));
      if (got < 0 && errno != EINTR) return Error::system_call("cannot wait for it", errno);
      if (got <= 0) continue;
      const bool ended = wanted[2].revents != 0;
      if (wanted[0].revents != 0) take(out_, output_.text, kMaxOutput + 1);
      if (output_.text.size() > kMaxOutput) {
        return Error(Errc::kInvalidSecret, "prints more than 64 KiB");
      }
      if (wanted[1].revents != 0) take_error();
      if (ended && wanted[0].revents == 0 && wanted[1].revents == 0) break;
    }
    return {};
  }

  std::string take_output() {
    std::string_view text = output_.text;
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return std::string(text);
  }
  // Nothing when it repeats what was printed.
  std::string error_line() const {
    const std::string_view printed = std::string_view(output_.text).substr(0, kShortest);
    if (printed.size() == kShortest && errors_.find(printed) != std::string::npos) return {};
    return last_line(errors_);
  }

 private:
  void take(UniqueFd& from, std::string& to, std::size_t most) {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got > 0) {
      to.append(buffer.data(), std::min(static_cast<std::size_t>(got), most - to.size()));
    } else if (got == 0 || errno != EINTR) {
      from.reset();
    }
    ::explicit_bzero(buffer.data(), buffer.size());
  }
  void take_error() {
    std::string piece;
    take(err_, piece, kKeptErrors);
    errors_ += piece;
    if (errors_.size() > kKeptErrors) errors_.erase(0, errors_.size() - kKeptErrors);
  }

  UniqueFd out_;
  UniqueFd err_;
  Clock::time_point deadline_;
  Output output_;
  std::string errors_;
};

}  // namespace

std::vector<std::string> shell_words(const std::string& text) { return {"/bin/sh", "-c", text}; }

Result<std::string> run_source_command(const SourceCommand& command,
                                       std::chrono::milliseconds patience) {
  const std::string program = found_program(command);
  if (program.empty()) {
    return failed("there is no program " + quoted(command.words.front(), 80) + " in PATH");
  }
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out) return std::move(out).error();
  if (!err) return std::move(err).error();
  auto child = ChildProcess::fork(
      [&]() -> int { return become(command, program, out->write.get(), err->write.get()); });
  if (!child) return std::move(child).error();
  out->write.reset();
  err->write.reset();
  const pid_t group = child->pid();
  Reading reading(std::move(out->read), std::move(err->read), Clock::now() + patience);
  auto read = reading.until_the_end(*child);
  // What it left running has no business on; the group cannot be a stranger's while its leader is
  // not reaped.
  if (!read) ::kill(-group, SIGKILL);
  if (!read) return std::move(read).error();
  pollfd ended{child->pidfd(), POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(patience.count())) <= 0) {
    ::kill(-group, SIGKILL);
    return failed("took longer than its time");
  }
  ::kill(-group, SIGKILL);
  const int status = shell_status(child->wait());
  if (status == 0) return reading.take_output();
  std::string what = "ended with status " + std::to_string(status);
  if (const std::string line = reading.error_line(); !line.empty()) what += ": " + line;
  return failed(std::move(what));
}

}  // namespace redoubtful::proxy
