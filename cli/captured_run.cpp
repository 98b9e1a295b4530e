#include "cli/captured_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/box_namespace.hpp"
#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutput = 65536;

struct Stream {
  UniqueFd read;
  UniqueFd write;
  std::string* text = nullptr;

  // Takes what is there. False at the end of the stream.
  bool take() {
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::read(read.get(), buffer, sizeof buffer)) > 0) {
      const std::size_t room = kMaxOutput - text->size();
      text->append(buffer, std::min(room, static_cast<std::size_t>(got)));
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
  }
};

Result<Stream> make_stream(std::string& text) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::system_call("cannot make a pipe", errno);
  Stream out{.read = UniqueFd(ends[0]), .write = UniqueFd(ends[1]), .text = &text};
  // Only our end: the other one belongs to programs that expect a plain pipe.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    return Error::system_call("cannot prepare a pipe", errno);
  }
  return out;
}

}  // namespace

Result<CapturedRun> run_captured(const std::function<int()>& body, Fork fork) {
  CapturedRun run;
  auto out = make_stream(run.out);
  if (!out) return std::move(out).error();
  auto err = make_stream(run.err);
  if (!err) return std::move(err).error();
  const auto start = Clock::now();
  auto child = fork([&]() -> int {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(out->write.get(), 1) < 0 ||
        ::dup2(err->write.get(), 2) < 0) {
      return 125;
    }
    return body();
  });
  if (!child) return std::move(child).error();
  out->write.reset();
  err->write.reset();
  for (bool ended = false; !ended;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(start + kTrialDeadline -
                                                                            Clock::now());
    if (left.count() <= 0) break;
    std::array<pollfd, 3> wait = {{{.fd = child->pidfd(), .events = POLLIN, .revents = 0},
                                   {.fd = out->read.get(), .events = POLLIN, .revents = 0},
                                   {.fd = err->read.get(), .events = POLLIN, .revents = 0}}};
    if (::poll(wait.data(), wait.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return Error::system_call("cannot wait for a child", errno);
    }
    // The end is seen before the last bytes are taken, so that none is missed.
    ended = (wait[0].revents & POLLIN) != 0;
    for (Stream* stream : {&*out, &*err}) {
      if (stream->read && !stream->take()) stream->read.reset();
    }
  }
  if (const auto status = child->try_wait()) run.status = shell_status(*status);
  run.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  return run;
}

Result<CapturedRun> run_captured(const ProgramRun& program) {
  return run_captured([&program]() -> int {
    if (::chdir(program.directory.c_str()) != 0) return 125;
    exec_program(program.arguments.front(), program.arguments, program.environment);
    return 127;
  });
}

Result<std::string> try_in_child(const std::function<Result<std::string>()>& attempt, Fork fork) {
  auto run = run_captured(
      [&attempt]() -> int {
        const auto result = attempt();
        const std::string text =
            result ? *result : result.error().what() + '\0' + result.error().hint();
        if (!write_all(result ? 1 : 2, text)) return 125;
        return result ? 0 : 1;
      },
      fork);
  if (!run) return std::move(run).error();
  if (run->status == 0) return std::move(run->out);
  if (run->status == 1) {
    const std::size_t end = run->err.find('\0');
    const std::string hint = end == std::string::npos ? "" : run->err.substr(end + 1);
    return Error(Errc::kSystemCall, run->err.substr(0, end)).hint(hint);
  }
  return Error(Errc::kSystemCall,
               run->status < 0 ? std::string("the attempt did not end within its time")
                               : "the attempt ended with status " + std::to_string(run->status));
}

Result<std::string> try_in_namespaces(const std::function<Result<std::string>()>& attempt) {
  // Asked before: until they are mapped, the new user namespace has no ids.
  const uid_t uid = ::getuid();
  const gid_t gid = ::getgid();
  return try_in_child(
      [&]() -> Result<std::string> {
        if (auto settled = settle_in_box_namespaces(uid, gid); !settled) {
          return std::move(settled).error();
        }
        return attempt();
      },
      fork_into_box_namespaces);
}

}  // namespace redoubtful::cli
