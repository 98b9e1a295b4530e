#pragma once

// Signs the chunks of a body anew: "aws-chunked", with a signature for each. [trusted core]
//
//     10000;chunk-signature=<64 hex digits> CRLF
//     <65536 bytes> CRLF
//     0;chunk-signature=<64 hex digits> CRLF
//     x-amz-checksum-crc32c:sOO8/Q== CRLF                 with a trailer only
//     x-amz-trailer-signature:<64 hex digits> CRLF        with a trailer only
//     CRLF
//
// Each signature covers the one before it, the first that of the head. So there are two chains: the
// client's, verified link by link with the surrogate's key, and the origin's, made with the real
// one; a byte that the client did not sign stops both. A signature stands in front of what it
// covers, so one chunk at a time is kept, bounded by limits::kAwsChunkBytes, and none longer than
// it has come. Signatures are all as long: every length stays, Content-Length included.
//
// Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
// Chunks" and "Signature calculations for trailing headers", Amazon S3 API Reference.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/message.hpp"
#include "proxy/sigv4_key.hpp"
#include "proxy/sigv4_request.hpp"

namespace redoubtful::proxy {

class ChunkResigner final : public BodyFilter {
 public:
  // A key, and the last signature that was made with it; at first the head's.
  struct Side {
    SigningKey key;
    std::string signature;
  };
  // `payload`: kChunks or kChunksWithTrailer.
  ChunkResigner(std::string timestamp, const SigV4Scope& scope, SigV4Payload payload, Side client,
                Side origin);

  void feed(std::string_view in, std::string& out) override;
  void finish(std::string& out) override;
  std::string_view fault() const noexcept override { return fault_; }
  bool keeps_length() const noexcept override { return true; }

 private:
  enum class State { kHeader, kData, kDataEnd, kEnd, kTrailer, kDone };

  // Each takes from the front of `in`.
  std::size_t take_line(std::string_view in, std::size_t limit, std::string_view too_long);
  void header_came(std::string& out);
  void data_came(std::string& out);
  void trailer_line_came(std::string& out);
  void trailers_came(std::string_view signature, std::string& out);
  // Verifies the client's signature of what this text says, and gives the origin's; empty: a fault.
  std::string next_signature(std::string_view kind, std::string_view middle, std::string_view hash,
                             std::string_view claimed);
  std::string text_to_sign(std::string_view kind, const Side& side, std::string_view middle,
                           std::string_view hash) const;

  std::string timestamp_;
  std::string scope_;
  SigV4Payload payload_;
  Side client_;
  Side origin_;

  State state_ = State::kHeader;
  std::string line_;  // so far, with its line end once it is whole
  bool line_whole_ = false;
  std::string size_digits_;
  std::string claimed_;
  std::uint64_t left_ = 0;  // of the chunk's data
  std::string data_;
  std::string trailer_wire_;                // its lines, as they came
  std::vector<std::string> trailer_lines_;  // "name:value\n", canonical
  std::string_view fault_;
};

}  // namespace redoubtful::proxy
