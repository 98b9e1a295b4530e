#include "cli/stream_relay.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace redoubtful::cli {
namespace {

constexpr std::size_t kChunk = 65536;

template <class Kind>
Kind kind_of(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Kind::kOther;
  if (S_ISREG(info.st_mode)) return Kind::kFile;
  if (S_ISSOCK(info.st_mode)) return Kind::kSocket;
  return Kind::kOther;
}

bool again(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

InputRelay::InputRelay(EventLoop& loop, int source, UniqueFd pipe)
    : loop_(loop), source_(source), kind_(kind_of<Source>(source)), pipe_(std::move(pipe)) {}

void InputRelay::start() {
  if (!pipe_) return;
  pipe_watch_ = loop_.watch(pipe_.get(), POLLOUT, [this](short revents) {
    if ((revents & POLLERR) != 0) {
      close_pipe();
      return;
    }
    if (pending_.empty()) fill();
    flush();
    wait();
  });
  // A file is always readable: the pipe's room alone sets the pace.
  if (kind_ != Source::kFile) {
    source_watch_ = loop_.watch(source_, POLLIN, [this](short) {
      fill();
      flush();
      wait();
    });
  }
  wait();
}

void InputRelay::fill() {
  char buffer[kChunk];
  const ssize_t got = kind_ == Source::kSocket
                          ? ::recv(source_, buffer, sizeof buffer, MSG_DONTWAIT)
                          : ::read(source_, buffer, sizeof buffer);
  if (got > 0) {
    pending_.assign(buffer, static_cast<std::size_t>(got));
  } else if (got == 0 || !again(errno)) {
    at_end_ = true;
  }
}

void InputRelay::flush() {
  while (written_ < pending_.size()) {
    const ssize_t put =
        ::write(pipe_.get(), pending_.data() + written_, pending_.size() - written_);
    if (put < 0) {
      if (!again(errno)) close_pipe();
      return;
    }
    written_ += static_cast<std::size_t>(put);
  }
  pending_.clear();
  written_ = 0;
  if (at_end_) close_pipe();
}

void InputRelay::wait() {
  if (!pipe_) return;
  const bool from_file = kind_ == Source::kFile;
  pipe_watch_.set_events(from_file || !pending_.empty() ? POLLOUT : 0);
  source_watch_.set_events(pending_.empty() ? POLLIN : 0);
}

void InputRelay::close_pipe() {
  if (!pipe_) return;
  source_watch_.reset();
  pipe_watch_.reset();
  if (kind_ == Source::kFile) {
    const std::string path = "/proc/self/fd/" + std::to_string(pipe_.get());
    gauge_.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  pipe_.reset();
}

void InputRelay::stop() {
  close_pipe();
  int unread = 0;
  if (!gauge_ || ::ioctl(gauge_.get(), FIONREAD, &unread) != 0) return;
  const auto back = static_cast<off_t>(pending_.size() - written_) + unread;
  if (back > 0) ::lseek(source_, -back, SEEK_CUR);
  gauge_.reset();
  pending_.clear();
}

OutputRelay::OutputRelay(EventLoop& loop, int sink, UniqueFd pipe,
                         std::function<void(Error)> failed, std::function<void()> finished)
    : loop_(loop),
      sink_(sink),
      kind_(kind_of<Sink>(sink)),
      pipe_(std::move(pipe)),
      failed_(std::move(failed)),
      finished_(std::move(finished)) {
  if (::isatty(sink) == 1) {
    filter_.emplace();
    // Nobody reads this terminal for the agent.
    filter_->set_queries(OutputFilter::Queries::kDrop);
  }
}

void OutputRelay::start() {
  if (!pipe_) return;
  pipe_watch_ = loop_.watch(pipe_.get(), POLLIN, [this](short) {
    fill();
    // A socket or device is asked first whether it has room; a file always has.
    if (kind_ != Sink::kOther || pending_.empty()) flush();
    wait();
  });
  if (kind_ != Sink::kFile) {
    sink_watch_ = loop_.watch(sink_, POLLOUT, [this](short) {
      flush();
      wait();
    });
  }
  wait();
}

void OutputRelay::fill() {
  char buffer[kChunk];
  const ssize_t got = ::read(pipe_.get(), buffer, sizeof buffer);
  if (got < 0 && again(errno)) return;
  if (got <= 0) {
    at_end_ = true;
    if (filter_) filter_->finish(pending_);
    return;
  }
  const std::string_view bytes(buffer, static_cast<std::size_t>(got));
  if (filter_) {
    filter_->filter(bytes, pending_);
  } else {
    pending_.assign(bytes);
  }
}

void OutputRelay::flush() {
  while (written_ < pending_.size()) {
    // A device that said it has room for something may not have it for everything.
    std::size_t size = pending_.size() - written_;
    if (kind_ == Sink::kOther) size = std::min<std::size_t>(size, 512);
    const char* const from = pending_.data() + written_;
    const ssize_t put = kind_ == Sink::kSocket
                            ? ::send(sink_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                            : ::write(sink_, from, size);
    if (put < 0) {
      const int error = errno;
      if (again(error)) return;
      if (error != EPIPE && error != ECONNRESET && failed_) {
        failed_(Error::system_call(
            sink_ == 1 ? "cannot write standard output" : "cannot write standard error", error));
      }
      end();
      return;
    }
    written_ += static_cast<std::size_t>(put);
    if (kind_ == Sink::kOther && written_ < pending_.size()) return;
  }
  pending_.clear();
  written_ = 0;
  if (at_end_) end();
}

void OutputRelay::wait() {
  if (!pipe_) return;
  pipe_watch_.set_events(pending_.empty() ? POLLIN : 0);
  sink_watch_.set_events(pending_.empty() ? 0 : POLLOUT);
}

void OutputRelay::end() {
  abandon();
  if (finished_) std::exchange(finished_, nullptr)();
}

void OutputRelay::abandon() {
  pipe_watch_.reset();
  sink_watch_.reset();
  pending_.clear();
  pipe_.reset();
}

}  // namespace redoubtful::cli
