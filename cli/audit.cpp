#include "cli/audit.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/audit_store.hpp"
#include "cli/audit_text.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMaxLineBytes = 64 * 1024;  // ours are far shorter
// How long until the end of a session that was killed is noticed, and, where the kernel gives us no
// watch, until its next line is.
constexpr int kPatience = 500;

// Hands out whole lines, and whatever is left at the end.
class Printer {
 public:
  explicit Printer(Format format) : format_(format), colour_(colour_wanted()) {}

  void print(std::string_view bytes) {
    if (format_ == Format::kJson) {
      std::fwrite(bytes.data(), 1, bytes.size(), stdout);
      return;
    }
    for (const char c : bytes) {
      if (c == '\n' || partial_.size() >= kMaxLineBytes) flush_line();
      if (c != '\n') partial_ += c;
    }
  }

  // The rest is the beginning of a line that nobody will finish.
  void finish() {
    if (!partial_.empty()) flush_line();
  }

 private:
  void flush_line() {
    const std::string row = audit_row(partial_, colour_) + "\n";
    std::fwrite(row.data(), 1, row.size(), stdout);
    partial_.clear();
  }

  Format format_;
  Colour colour_;
  std::string partial_;
};

// Everything that is there by now.
Result<void> print_new(int fd, Printer& printer) {
  char buffer[kReadBytes];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::system_call("cannot read the audit log", errno);
    if (got == 0) break;
    printer.print(std::string_view(buffer, static_cast<std::size_t>(got)));
  }
  std::fflush(stdout);
  return {};
}

UniqueFd watch(int fd) {
  UniqueFd queue(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string file = "/proc/self/fd/" + std::to_string(fd);
  if (queue && ::inotify_add_watch(queue.get(), file.c_str(), IN_MODIFY) < 0) return {};
  return queue;
}

void wait_for_more(int queue) {
  pollfd wanted{queue, POLLIN, 0};
  if (::poll(&wanted, 1, kPatience) <= 0) return;
  char events[4096];
  while (::read(queue, events, sizeof events) > 0) {
  }
}

Result<void> follow(int fd, Printer& printer) {
  const UniqueFd queue = watch(fd);
  for (;;) {
    // In this order: what was written before the end is read after it.
    const bool ended = !is_being_written(fd);
    if (auto read = print_new(fd, printer); !read) return read;
    if (ended || std::ferror(stdout) != 0) return {};
    wait_for_more(queue ? queue.get() : -1);
  }
}

std::string header(const StoredAuditLog& log) {
  const bool running = is_being_written(log.fd.get());
  return fmt::format(
      "session {}{}, {} here\n{}\n", shown(log.session), running ? ", which is running" : "",
      log.of == 1 ? "the only one" : fmt::format("one of {}", log.of), audit_heading());
}

}  // namespace

Result<int> audit(const Places& places, const AuditRequest& request) {
  auto log = find_audit_log(places.state, request.session);
  if (!log) return std::move(log).error();
  if (request.format == Format::kText) {
    const std::string text = header(*log);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  Printer printer(request.format);
  auto read = request.follow ? follow(log->fd.get(), printer) : print_new(log->fd.get(), printer);
  if (!read) return std::move(read).error();
  printer.finish();
  return 0;
}

}  // namespace redoubtful::cli
