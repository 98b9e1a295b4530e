#include "cli/stream_relay.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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
      stop();
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
  while (!pending_.empty()) {
    const ssize_t put = ::write(pipe_.get(), pending_.data(), pending_.size());
    if (put < 0) {
      if (!again(errno)) stop();
      return;
    }
    pending_.erase(0, static_cast<std::size_t>(put));
  }
  if (at_end_) stop();
}

void InputRelay::wait() {
  if (!pipe_) return;
  const bool from_file = kind_ == Source::kFile;
  pipe_watch_.set_events(from_file || !pending_.empty() ? POLLOUT : 0);
  source_watch_.set_events(pending_.empty() ? POLLIN : 0);
}

void InputRelay::stop() {
  if (!pipe_) return;
  source_watch_.reset();
  pipe_watch_.reset();
  // At the end of the file the pipe is closed for the box to see it; what is in it counts as read.
  int unread = 0;
  if (kind_ == Source::kFile && !at_end_ && ::ioctl(pipe_.get(), FIONREAD, &unread) == 0) {
    const auto back = static_cast<off_t>(pending_.size()) + unread;
    if (back > 0) ::lseek(source_, -back, SEEK_CUR);
  }
  pending_.clear();
  pipe_.reset();
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
  while (!pending_.empty()) {
    // A device that said it has room for something may not have it for everything.
    const std::size_t size =
        kind_ == Sink::kOther ? std::min<std::size_t>(pending_.size(), 512) : pending_.size();
    const ssize_t put = kind_ == Sink::kSocket
                            ? ::send(sink_, pending_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)
                            : ::write(sink_, pending_.data(), size);
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
    pending_.erase(0, static_cast<std::size_t>(put));
    if (kind_ == Sink::kOther) break;
  }
  if (at_end_ && pending_.empty()) end();
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
