#pragma once

// What was read from a stream and not used yet: heads are found in it, bodies pass through it.
//
// One buffer per side of a connection, used again for every message; it grows from 16 KiB to
// limits::kHeadBytes where a head or a fast body needs it, never further. That bound is the
// back-pressure: nothing is read while it is full.

#include <boost/system/error_code.hpp>
#include <memory>
#include <string_view>

#include "proxy/limits.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

class ReadBuffer {
 public:
  explicit ReadBuffer(Stream* stream) : stream_(stream) {}
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // Another stream's bytes from now on. Precondition: empty().
  void rebind(Stream* stream) noexcept {
    stream_ = stream;
    end_of_stream_ = {};
  }
  Stream& stream() noexcept { return *stream_; }

  // What the last read ended with, if it did.
  boost::system::error_code end_of_stream() const noexcept { return end_of_stream_; }

  bool empty() const noexcept { return begin_ == end_; }
  // Valid until the next fill() or consume().
  std::string_view bytes() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) noexcept {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() noexcept { begin_ = end_ = 0; }

  // Reads at least one byte more, behind what is there; views into bytes() become invalid.
  // Errors: the stream's, and then again each time: Asio waits for ever where a socket is read once
  // more after its end. no_buffer_space when kHeadBytes are there already.
  Awaitable<boost::system::error_code> fill();

 private:
  static constexpr std::size_t kFirstBytes = 16 * 1024;
  static constexpr std::size_t kMostBytes = limits::kHeadBytes;

  void make_room();
  void grow(std::size_t capacity);

  Stream* stream_;
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  boost::system::error_code end_of_stream_;
  bool fast_ = false;  // the last read filled all there was
};

}  // namespace redoubtful::proxy
