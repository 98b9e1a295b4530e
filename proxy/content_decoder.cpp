#include "proxy/content_decoder.hpp"

#include <new>

#include "proxy/limits.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {
namespace {

constexpr int kWindowBits = 15;    // the largest, 32 KiB
constexpr int kGzipOnly = 16;      // zlib.h: added to them
constexpr char kGzipMagic = 0x1F;  // the first byte of a member

unsigned byte_of(char c) { return static_cast<unsigned char>(c); }

// RFC 1950, section 2.2: deflate with any window, and the check bits.
bool is_zlib(std::string_view head) {
  return (byte_of(head[0]) & 0xFU) == Z_DEFLATED && (byte_of(head[0]) >> 4U) <= 7 &&
         (byte_of(head[0]) * 256 + byte_of(head[1])) % 31 == 0;
}

}  // namespace

std::optional<ContentDecoder::Coding> coding_named(std::string_view token) noexcept {
  if (equals_ignoring_case(token, "gzip") || equals_ignoring_case(token, "x-gzip")) {
    return ContentDecoder::Coding::kGzip;
  }
  if (equals_ignoring_case(token, "deflate")) return ContentDecoder::Coding::kDeflate;
  return std::nullopt;
}

ContentDecoder::ContentDecoder(Coding coding) : coding_(coding) {}

void ContentDecoder::give(std::string_view packed) {
  packed_.erase(0, taken_);
  taken_ = 0;
  if (!over_) packed_.append(packed);
  starved_ = false;
}

// False: not enough is there to tell.
bool ContentDecoder::begin() {
  int bits = kWindowBits + kGzipOnly;
  if (coding_ == Coding::kDeflate) {
    if (packed_.size() < 2) return false;
    bits = is_zlib(packed_) ? kWindowBits : -kWindowBits;
  }
  auto fresh = std::make_unique<z_stream>();
  if (::inflateInit2(fresh.get(), bits) != Z_OK) throw std::bad_alloc();
  stream_.reset(fresh.release());
  return true;
}

void ContentDecoder::take(std::string& out) {
  if (!fault_.empty()) return;
  if (member_ended_ && taken_ < packed_.size()) {
    if (coding_ == Coding::kGzip && packed_[taken_] == kGzipMagic) {
      ::inflateReset(stream_.get());
      member_ended_ = false;
    } else {
      over_ = true;
    }
  }
  if (over_) {
    packed_.clear();
    taken_ = 0;
    return;
  }
  if (taken_ == packed_.size() && !more_) return;
  starved_ = !stream_ && !begin();
  if (!starved_) inflate_into(out);
}

void ContentDecoder::inflate_into(std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + limits::kRelayBytes);
  stream_->next_in = reinterpret_cast<Bytef*>(packed_.data() + taken_);
  stream_->avail_in = static_cast<uInt>(packed_.size() - taken_);
  stream_->next_out = reinterpret_cast<Bytef*>(out.data() + before);
  stream_->avail_out = static_cast<uInt>(limits::kRelayBytes);
  const int result = ::inflate(stream_.get(), Z_NO_FLUSH);
  taken_ = packed_.size() - stream_->avail_in;
  out.resize(out.size() - stream_->avail_out);
  more_ = result == Z_OK && stream_->avail_out == 0;
  if (result == Z_STREAM_END) {
    member_ended_ = true;
  } else if (result != Z_OK && result != Z_BUF_ERROR) {
    fault_ = "the answer's body cannot be unpacked: its compressed data are broken";
  }
}

void ContentDecoder::finish() {
  const bool begun = stream_ != nullptr || !packed_.empty();
  if (fault_.empty() && begun && !member_ended_) {
    fault_ = "the answer's body cannot be unpacked: its compressed data end too early";
  }
}

}  // namespace redoubtful::proxy
