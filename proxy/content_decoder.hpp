#pragma once

// Unpacks a body that came in gzip or deflate, piece by piece, in constant memory: a body that
// unpacks to a thousand times its size ("zip bomb") only takes long.
//
// "deflate" is zlib's format (RFC 9110, section 8.4.1.2) or, as some servers send it, the bare
// stream; which, its first two bytes tell. A gzip file may have several members; what follows the
// last one and is none is dropped, as gzip(1) does.

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace redoubtful::proxy {

class ContentDecoder {
 public:
  enum class Coding { kGzip, kDeflate };

  explicit ContentDecoder(Coding coding);

  // What to unpack next. Only when nothing is pending().
  void give(std::string_view packed);
  // Appends at most limits::kRelayBytes of what was unpacked.
  void take(std::string& out);
  // take() has more to give.
  bool pending() const noexcept {
    return fault_.empty() && !starved_ && (more_ || taken_ < packed_.size());
  }
  // There is no more to come.
  void finish();
  // Not empty: why the body cannot be unpacked.
  std::string_view fault() const noexcept { return fault_; }

 private:
  struct End {
    void operator()(z_stream* stream) const noexcept {
      ::inflateEnd(stream);
      delete stream;
    }
  };

  bool begin();
  void inflate_into(std::string& out);

  Coding coding_;
  std::unique_ptr<z_stream, End> stream_;
  std::string packed_;
  std::size_t taken_ = 0;  // of packed_
  bool starved_ = false;   // too few bytes to begin with
  bool more_ = false;      // zlib holds output that found no room
  bool member_ended_ = false;
  bool over_ = false;  // what comes now is not of the body
  std::string_view fault_;
};

// The coding of a Content-Encoding token; nothing for one that cannot be unpacked here.
std::optional<ContentDecoder::Coding> coding_named(std::string_view token) noexcept;

}  // namespace redoubtful::proxy
