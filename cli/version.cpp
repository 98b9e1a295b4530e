#include "cli/version.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/programs.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {
namespace {

constexpr int kAnswerMilliseconds = 2000;

std::string read_answer(int fd) {
  std::string answer;
  std::array<char, 256> buffer{};
  pollfd waiting{fd, POLLIN, 0};
  while (answer.size() < 4096 && ::poll(&waiting, 1, kAnswerMilliseconds) > 0) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

// The first line that `path --version` prints; empty when it prints none.
std::string first_line_of(const std::string& path) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0) return {};
  ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = path;
  std::string option = "--version";
  std::array<char*, 3> argv{program.data(), option.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t child = -1;
  const int failed =
      ::posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {};
  writing.reset();
  const std::string answer = read_answer(reading.get());
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return answer.substr(0, answer.find('\n'));
}

std::string program_line(const std::string& name) {
  const auto path = find_system_program(name);
  if (!path) return path.error().what() + "\n";
  const std::string answer = first_line_of(*path);
  if (answer.empty()) return name + ": " + *path + " does not answer\n";
  const std::string safe = quoted(answer);
  return safe.substr(1, safe.size() - 2) + " (" + *path + ")\n";
}

}  // namespace

std::string version_text() {
  return "redoubtful " REDOUBTFUL_VERSION "\n" + program_line("bwrap") + program_line("pasta");
}

}  // namespace redoubtful::cli
