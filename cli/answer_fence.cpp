#include "cli/answer_fence.hpp"

#include <poll.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace redoubtful::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kQuiet = std::chrono::milliseconds(100);

// The answer to DA1, "ESC [ ? digits and semicolons c", somewhere in `text`.
bool contains_attributes(std::string_view text) {
  for (std::size_t at = text.find("\x1b[?"); at != std::string_view::npos;
       at = text.find("\x1b[?", at + 1)) {
    const std::size_t end = text.find_first_not_of("0123456789;", at + 3);
    if (end != std::string_view::npos && text[end] == 'c') return true;
  }
  return false;
}

// The Linux console before 5.x prints the end of a DECRQM.
bool understands_mode_request() {
  const char* const name = std::getenv("TERM");
  return name != nullptr && std::string_view(name) != "linux";
}

}  // namespace

void absorb_pending_answers(int terminal) {
  std::uint16_t random = 0;
  if (::getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = 4711;
  const std::string mode = std::to_string(20000 + random % 40000);
  // DECRQM of a mode that nobody has, echoed in its answer; then DA1, which every terminal answers.
  const std::string marker = "\x1b[?" + mode + ";";
  std::string question;
  if (understands_mode_request()) question = "\x1b[?" + mode + "$p";
  question += "\x1b[c";
  if (::write(terminal, question.data(), question.size()) !=
      static_cast<ssize_t>(question.size())) {
    return;
  }
  const auto deadline = Clock::now() + kFenceTimeout;
  std::string seen;
  bool answered = false;
  for (;;) {
    auto patience = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (patience.count() <= 0) break;
    // Without the marker an answer may be to the agent's question: wait until it is quiet.
    if (answered) patience = std::min(patience, kQuiet);
    pollfd input{terminal, POLLIN, 0};
    if (::poll(&input, 1, static_cast<int>(patience.count())) <= 0) break;
    char buffer[4096];
    const ssize_t got = ::read(terminal, buffer, sizeof buffer);
    if (got <= 0) break;
    seen.append(buffer, static_cast<std::size_t>(got));
    const std::size_t mark = seen.find(marker);
    if (mark != std::string::npos && contains_attributes(std::string_view(seen).substr(mark))) {
      break;
    }
    answered = contains_attributes(seen);
    if (seen.size() > 65536) seen.erase(0, seen.size() - 4096);
  }
  ::tcflush(terminal, TCIFLUSH);
}

}  // namespace redoubtful::cli
