#include "proxy/sigv4_chunks.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kExtension = ";chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr std::size_t kSizeDigits = 8;
constexpr std::size_t kSignatureDigits = 64;
constexpr std::size_t kHeaderBytes =
    kSizeDigits + kExtension.size() + kSignatureDigits + kLineEnd.size();

// Faults.
constexpr std::string_view kNoHeader = "a chunk of its body has no well-formed size and signature";
constexpr std::string_view kNoDataEnd = "a signed chunk of its body does not end with CRLF";
constexpr std::string_view kNoEnd = "its signed chunks do not end with an empty line";
constexpr std::string_view kTrailerTooLong = "the trailer behind its signed chunks is too long";

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

bool is_signature(std::string_view text) {
  return text.size() == kSignatureDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

ChunkResigner::ChunkResigner(std::string timestamp, const SigV4Scope& scope, SigV4Payload payload,
                             Side client, Side origin)
    : timestamp_(std::move(timestamp)),
      scope_(scope.text()),
      payload_(payload),
      client_(std::move(client)),
      origin_(std::move(origin)) {}

void ChunkResigner::feed(std::string_view in, std::string& out) {
  while (!in.empty() && fault_.empty()) {
    switch (state_) {
      case State::kHeader:
        in.remove_prefix(take_line(in, kHeaderBytes, kNoHeader));
        if (line_whole_) header_came(out);
        break;
      case State::kData: {
        const auto piece =
            in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
        data_.append(piece);
        left_ -= piece.size();
        in.remove_prefix(piece.size());
        if (left_ == 0) state_ = State::kDataEnd;
        break;
      }
      case State::kDataEnd:
        in.remove_prefix(take_line(in, kLineEnd.size(), kNoDataEnd));
        if (!line_whole_) break;
        if (line_ != kLineEnd) {
          fault_ = kNoDataEnd;
        } else {
          data_came(out);
        }
        break;
      case State::kEnd:
        in.remove_prefix(take_line(in, kLineEnd.size(), kNoEnd));
        if (!line_whole_) break;
        if (line_ != kLineEnd) {
          fault_ = kNoEnd;
        } else {
          out.append(kLineEnd);
          state_ = State::kDone;
        }
        break;
      case State::kTrailer:
        in.remove_prefix(take_line(in, limits::kAwsTrailerBytes, kTrailerTooLong));
        if (line_whole_) trailer_line_came(out);
        break;
      case State::kDone:
        fault_ = "there is more behind its signed chunks";
        break;
    }
  }
}

void ChunkResigner::finish(std::string& out) {
  (void)out;
  if (fault_.empty() && state_ != State::kDone) {
    fault_ = "its signed chunks end before the last one";
  }
}

// Until a line end; a line without one within `limit` is a fault.
std::size_t ChunkResigner::take_line(std::string_view in, std::size_t limit,
                                     std::string_view too_long) {
  if (std::exchange(line_whole_, false)) line_.clear();
  const std::size_t end = in.find('\n');
  const std::string_view piece = in.substr(0, end == std::string_view::npos ? end : end + 1);
  if (line_.size() + piece.size() > limit) {
    fault_ = too_long;
    return piece.size();
  }
  line_.append(piece);
  if (end == std::string_view::npos) return piece.size();
  line_whole_ = true;
  if (!line_.ends_with(kLineEnd)) fault_ = "a line between its signed chunks ends without CR";
  return piece.size();
}

void ChunkResigner::header_came(std::string& out) {
  if (!fault_.empty()) return;
  const std::string_view line = std::string_view(line_).substr(0, line_.size() - kLineEnd.size());
  const std::string_view digits = line.substr(0, line.find(';'));
  const std::string_view rest = line.substr(digits.size());
  const bool formed = !digits.empty() && digits.size() <= kSizeDigits &&
                      digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos &&
                      rest.starts_with(kExtension) && is_signature(rest.substr(kExtension.size()));
  if (!formed) {
    fault_ = kNoHeader;
    return;
  }
  std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (left_ > limits::kAwsChunkBytes) {
    fault_ = "a signed chunk of its body is larger than 4 MiB";
    return;
  }
  size_digits_ = digits;
  claimed_ = rest.substr(kExtension.size());
  data_.clear();
  state_ = State::kData;
  if (left_ == 0) data_came(out);
}

void ChunkResigner::data_came(std::string& out) {
  std::string middle(kEmptySha256);
  middle += '\n';
  const std::string signature =
      next_signature("AWS4-HMAC-SHA256-PAYLOAD", middle, sha256_hex(data_), claimed_);
  if (signature.empty()) return;
  out.append(size_digits_).append(kExtension).append(signature).append(kLineEnd);
  if (data_.empty()) {
    state_ = payload_ == SigV4Payload::kChunksWithTrailer ? State::kTrailer : State::kEnd;
    return;
  }
  out.append(data_).append(kLineEnd);
  data_.clear();
  state_ = State::kHeader;
}

void ChunkResigner::trailer_line_came(std::string& out) {
  if (!fault_.empty()) return;
  const std::string_view line = std::string_view(line_).substr(0, line_.size() - kLineEnd.size());
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) {
    fault_ = "the trailer behind its signed chunks is malformed, or not signed";
    return;
  }
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
    fault_ = "the trailer behind its signed chunks is malformed";
    return;
  }
  const std::string_view value = without_blanks(line.substr(colon + 1));
  if (name == kTrailerSignature) {
    trailers_came(value, out);
    return;
  }
  if (trailer_wire_.size() + line_.size() > limits::kAwsTrailerBytes) {
    fault_ = kTrailerTooLong;
    return;
  }
  trailer_wire_.append(line_);
  trailer_lines_.push_back(std::move(name) + ':' + std::string(value) + '\n');
}

void ChunkResigner::trailers_came(std::string_view signature, std::string& out) {
  if (!is_signature(signature)) {
    fault_ = "the signature of its trailer is malformed";
    return;
  }
  std::sort(trailer_lines_.begin(), trailer_lines_.end());
  Sha256 hash;
  for (const std::string& line : trailer_lines_) hash.add(line);
  const std::string made = next_signature("AWS4-HMAC-SHA256-TRAILER", {}, hash.hex(), signature);
  if (made.empty()) return;
  out.append(trailer_wire_);
  // In the client's spelling, so that the length stays.
  out.append(line_, 0, line_.rfind(signature));
  out.append(made).append(line_, line_.rfind(signature) + kSignatureDigits);
  state_ = State::kEnd;
}

std::string ChunkResigner::text_to_sign(std::string_view kind, const Side& side,
                                        std::string_view middle, std::string_view hash) const {
  std::string text(kind);
  text.append("\n").append(timestamp_).append("\n").append(scope_).append("\n");
  return text.append(side.signature).append("\n").append(middle).append(hash);
}

std::string ChunkResigner::next_signature(std::string_view kind, std::string_view middle,
                                          std::string_view hash, std::string_view claimed) {
  const std::string wanted = client_.key.sign(text_to_sign(kind, client_, middle, hash));
  if (wanted.size() != claimed.size() ||
      ::CRYPTO_memcmp(wanted.data(), claimed.data(), wanted.size()) != 0) {
    fault_ = "a chunk or trailer of its body is not signed with the key of its head";
    return {};
  }
  client_.signature = wanted;
  origin_.signature = origin_.key.sign(text_to_sign(kind, origin_, middle, hash));
  return origin_.signature;
}

}  // namespace redoubtful::proxy
