#include "proxy/http1_buffer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cstring>

namespace redoubtful::proxy {

void ReadBuffer::grow(std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (!empty()) std::memcpy(larger.get(), data_.get() + begin_, end_ - begin_);
  data_ = std::move(larger);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

void ReadBuffer::make_room() {
  if (capacity_ == 0) {
    grow(kFirstBytes);
  } else if (fast_ && capacity_ < kMostBytes) {
    grow(kMostBytes);
  } else if (end_ == capacity_ && begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  } else if (end_ == capacity_ && capacity_ < kMostBytes) {
    grow(kMostBytes);
  }
}

Awaitable<boost::system::error_code> ReadBuffer::fill() {
  if (end_of_stream_) co_return end_of_stream_;
  make_room();
  const std::size_t room = capacity_ - end_;
  if (room == 0) co_return boost::asio::error::no_buffer_space;
  const IoResult got = co_await stream_->read_some(boost::asio::buffer(data_.get() + end_, room));
  fast_ = got.bytes == room;
  end_ += got.bytes;
  end_of_stream_ = got.error;
  // What came with an error is used first.
  if (got.bytes > 0) co_return boost::system::error_code();
  co_return got.error;
}

}  // namespace redoubtful::proxy
