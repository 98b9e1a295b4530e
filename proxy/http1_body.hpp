#pragma once

// Bodies of HTTP/1 messages in pieces: taken out of one framing, put into another.
//
// Nothing here waits: BodyReader works on what a ReadBuffer holds, and BodyWriter says which bytes
// to send. So the first piece of a body can leave in one write with its head.

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/chunked.hpp"
#include "proxy/http1_buffer.hpp"
#include "proxy/http1_head.hpp"

namespace redoubtful::proxy {

class BodyReader {
 public:
  explicit BodyReader(Framing framing) : framing_(framing), left_(framing.length) {}

  // Takes out of the buffer what it holds of the body, or a part of that. Valid until the buffer's
  // next fill() and the next call. Empty: more must be read, or the body is done() or has a
  // fault().
  std::string_view take(ReadBuffer& buffer);

  // The stream ended. Only one framing allows for that.
  void ended() noexcept {
    if (framing_.kind == Framing::Kind::kUntilClose) finished_ = true;
  }
  bool done() const noexcept;
  const std::optional<HeadFault>& fault() const noexcept { return chunks_.fault(); }
  Fields& trailers() noexcept { return chunks_.trailers(); }

 private:
  std::string_view take_chunks(ReadBuffer& buffer);

  Framing framing_;
  std::uint64_t left_;
  bool finished_ = false;
  ChunkedDecoder chunks_;
  std::string joined_;
};

class BodyWriter {
 public:
  // kNone and kLength and kUntilClose write data as it is. `filter` may be null.
  BodyWriter(Framing::Kind framing, BodyFilter* filter) : framing_(framing), filter_(filter) {}

  // kPart: there is more to come of what was given, in further calls with nothing.
  enum class Given { kAll, kPart };

  // Appends what to send for this piece; the memory is the piece's and this object's, until the
  // next call.
  Given put(std::string_view piece, std::vector<boost::asio::const_buffer>& out);
  // The same for a piece with which the body is complete.
  Given finish(std::string_view piece, const Fields& trailers,
               std::vector<boost::asio::const_buffer>& out);

 private:
  Given filter(std::string_view piece);
  void put_data(std::string_view data, std::vector<boost::asio::const_buffer>& out);

  Framing::Kind framing_;
  BodyFilter* filter_;
  std::string filtered_;
  std::optional<ChunkHeader> header_;
  std::string tail_;
};

}  // namespace redoubtful::proxy
