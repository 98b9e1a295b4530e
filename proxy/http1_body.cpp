#include "proxy/http1_body.hpp"

#include <algorithm>

namespace redoubtful::proxy {
namespace {

// Chunks below this are joined before they are passed on: a write costs more than a copy.
constexpr std::size_t kSmallChunk = 8 * 1024;

}  // namespace

bool BodyReader::done() const noexcept {
  switch (framing_.kind) {
    case Framing::Kind::kNone:
      return true;
    case Framing::Kind::kLength:
      return left_ == 0;
    case Framing::Kind::kChunked:
      return chunks_.done();
    case Framing::Kind::kUntilClose:
      return finished_;
  }
  return true;
}

std::string_view BodyReader::take_chunks(ReadBuffer& buffer) {
  joined_.clear();
  for (;;) {
    const auto step = chunks_.take(buffer.bytes());
    buffer.consume(step.taken);
    const bool last = buffer.empty() || chunks_.done() || chunks_.fault();
    if (joined_.empty() && (last || step.data.size() >= kSmallChunk)) return step.data;
    joined_.append(step.data);
    if (last || joined_.size() >= kSmallChunk) return joined_;
  }
}

std::string_view BodyReader::take(ReadBuffer& buffer) {
  if (framing_.kind == Framing::Kind::kNone || buffer.empty()) return {};
  if (framing_.kind == Framing::Kind::kChunked) return take_chunks(buffer);
  std::string_view piece = buffer.bytes();
  if (framing_.kind == Framing::Kind::kLength) {
    piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece.size())));
    left_ -= piece.size();
  }
  buffer.consume(piece.size());
  return piece;
}

void BodyWriter::put_data(std::string_view data, std::vector<boost::asio::const_buffer>& out) {
  if (data.empty()) return;
  if (framing_ == Framing::Kind::kChunked) {
    header_.emplace(data.size());
    out.push_back(boost::asio::buffer(header_->text()));
  }
  out.push_back(boost::asio::buffer(data));
  if (framing_ == Framing::Kind::kChunked) out.push_back(boost::asio::buffer("\r\n", 2));
}

BodyWriter::Given BodyWriter::filter(std::string_view piece) {
  filtered_.clear();
  if (!piece.empty() || filter_->pending()) filter_->feed(piece, filtered_);
  return filter_->pending() ? Given::kPart : Given::kAll;
}

BodyWriter::Given BodyWriter::put(std::string_view piece,
                                  std::vector<boost::asio::const_buffer>& out) {
  const Given given = filter_ == nullptr ? Given::kAll : filter(piece);
  put_data(filter_ == nullptr ? piece : filtered_, out);
  return given;
}

BodyWriter::Given BodyWriter::finish(std::string_view piece, const Fields& trailers,
                                     std::vector<boost::asio::const_buffer>& out) {
  const Given given = filter_ == nullptr ? Given::kAll : filter(piece);
  if (filter_ != nullptr && given == Given::kAll) filter_->finish(filtered_);
  put_data(filter_ == nullptr ? piece : filtered_, out);
  if (framing_ != Framing::Kind::kChunked || given == Given::kPart) return given;
  tail_ = last_chunk(trailers);
  out.push_back(boost::asio::buffer(tail_));
  return given;
}

}  // namespace redoubtful::proxy
