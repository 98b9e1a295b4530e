#pragma once

// Copies between one of the user's descriptors and a pipe of the box.
//
// One buffer, filled only when it is empty, so that a slow reader slows the writer down. The user's
// descriptors are shared with the caller: their flags are never changed (O_NONBLOCK would reach the
// shell), their offset and O_APPEND stay in force because we write through them.

#include <functional>
#include <optional>
#include <string>

#include "cli/event_loop.hpp"
#include "cli/output_filter.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// File, socket or device → pipe. Ends, and closes the pipe, at end of file or when nobody reads it.
class InputRelay {
 public:
  // `source` stays the caller's.
  InputRelay(EventLoop& loop, int source, UniqueFd pipe);

  void start();

  // Closes the pipe. What the box did not read of a file is given back (the offset is moved), so
  // that `while read line; do redoubtful run x; done < list` reads every line. To be called when
  // the box has ended.
  void stop();

 private:
  enum class Source { kFile, kSocket, kOther };
  void fill();
  void flush();
  void wait();
  void close_pipe();

  EventLoop& loop_;
  int source_;
  Source kind_;
  UniqueFd pipe_;
  // A read end of the same pipe, kept after ours was closed, to see how much was left in it.
  UniqueFd gauge_;
  std::string pending_;
  std::size_t written_ = 0;  // of pending_
  bool at_end_ = false;
  Watch source_watch_;
  Watch pipe_watch_;
};

// Pipe → file, socket or device. Ends at the end of the pipe; when the user's side cannot be
// written any more, the pipe is closed, so that the writer inside gets SIGPIPE as it would have.
class OutputRelay {
 public:
  // `sink` stays the caller's; a terminal's output is filtered. `failed` gets the reason once, not
  // for a peer that went away; `finished` is the last call.
  OutputRelay(EventLoop& loop, int sink, UniqueFd pipe, std::function<void(Error)> failed,
              std::function<void()> finished);

  void start();

  // Drops what is pending and closes the pipe; no further call.
  void abandon();

  bool finished() const { return !pipe_.valid(); }

 private:
  enum class Sink { kFile, kSocket, kOther };
  void fill();
  void flush();
  void wait();
  void end();

  EventLoop& loop_;
  int sink_;
  Sink kind_;
  UniqueFd pipe_;
  std::optional<OutputFilter> filter_;
  std::function<void(Error)> failed_;
  std::function<void()> finished_;
  std::string pending_;
  std::size_t written_ = 0;  // of pending_
  bool at_end_ = false;
  Watch sink_watch_;
  Watch pipe_watch_;
};

}  // namespace redoubtful::cli
