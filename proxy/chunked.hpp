#pragma once

// The chunked transfer coding, both ways, a piece at a time. [trusted core]
//
// Strict: sizes of 1 to 16 hex digits that fit, CRLF and nothing else at the end of a line.
// Extensions and trailers are bounded; extensions are dropped. A body is written anew in chunks of
// our own, so that no two programs see different borders. Source: RFC 9112, section 7.1.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http1_syntax.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

class ChunkedDecoder {
 public:
  // Takes bytes from the front of `in`: framing and at most one run of data, which the result
  // views. Takes everything but a second run of data; when done, the rest belongs to the next
  // message.
  struct Step {
    std::size_t taken = 0;
    std::string_view data;
  };
  Step take(std::string_view in);

  bool done() const noexcept { return state_ == State::kDone; }
  // Malformed: nothing more will come of it.
  const std::optional<HeadFault>& fault() const noexcept { return fault_; }
  // Once done. Without those that must not be trailers: framing, routing, authentication, hop by
  // hop. Source: RFC 9110, section 6.5.1.
  Fields& trailers() noexcept { return trailers_; }

 private:
  enum class State { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailers, kDone };
  // A line is not kept but counted; the trailers are.
  static constexpr std::size_t kExtensionBytes = 4096;

  bool size_byte(char c);
  void extension_byte(char c);
  void end_size_line();
  std::size_t take_trailers(std::string_view in);
  void refuse(std::string_view reason) { fault_ = HeadFault{400, reason}; }

  State state_ = State::kSize;
  std::uint64_t left_ = 0;  // of the size so far, then of the data
  unsigned digits_ = 0;
  std::size_t extension_ = 0;
  HeadScanner scanner_;
  std::string trailer_bytes_;
  Fields trailers_;
  std::optional<HeadFault> fault_;
};

// What stands before a chunk's data: "1f4\r\n". Behind it stands "\r\n".
class ChunkHeader {
 public:
  explicit ChunkHeader(std::uint64_t size) noexcept;
  std::string_view text() const noexcept { return {bytes_.data(), length_}; }

 private:
  std::array<char, 18> bytes_{};
  std::size_t length_ = 0;
};

// The last chunk, the trailers and the empty line.
std::string last_chunk(const Fields& trailers);

}  // namespace redoubtful::proxy
