#pragma once

// Reads how a request is signed with AWS Signature Version 4: in its Authorization field, or in its
// query ("presigned"). [trusted core]
//
// Strict: every part exactly once, in the one spelling that AWS documents; a request that is signed
// in both places, or twice, has no meaning. What a signature is worth is sigv4.hpp. Source: as for
// sigv4_canonical.hpp.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "proxy/message.hpp"
#include "proxy/sigv4_key.hpp"

namespace redoubtful::proxy {

enum class SigV4Place { kHeader, kQuery };

// What stands for the body in what is signed.
enum class SigV4Payload {
  kHash,               // its hash, which the client declares
  kUndeclared,         // its hash, which nobody has written down: the body must be read first
  kUnsigned,           // UNSIGNED-PAYLOAD
  kUnsignedTrailer,    // STREAMING-UNSIGNED-PAYLOAD-TRAILER: aws-chunked, no signatures in it
  kChunks,             // STREAMING-AWS4-HMAC-SHA256-PAYLOAD: each chunk is signed
  kChunksWithTrailer,  // the same, and the trailer
};

struct SigV4Request {
  SigV4Place place = SigV4Place::kHeader;
  std::string key_id;
  SigV4Scope scope;
  std::string timestamp;  // "20130524T000000Z", of the scope's day
  std::chrono::sys_seconds time;
  std::chrono::seconds expires{0};          // kQuery only
  std::vector<std::string> signed_headers;  // lower case, sorted, each once; "host" is one
  std::string signature;                    // 64 lower-case hex digits
  SigV4Payload payload = SigV4Payload::kUndeclared;
  std::string payload_hash;  // as declared; empty for kUndeclared
};

// Nothing when the request is not signed with this.
// Errors: kPeerProtocol, saying what is wrong with it, also for SigV4A (ECDSA), event streams and
// Signature Version 2, which cannot be signed anew here. No value of a field is in the text.
Result<std::optional<SigV4Request>> read_sigv4(const RequestHead& head);

// Lower case, at least "host", sorted, each once: "host;x-amz-date". Empty when it is not.
std::vector<std::string> parse_signed_headers(std::string_view text);
// "20130524T000000Z", or "Fri, 24 May 2013 00:00:00 GMT" as in Date.
std::optional<std::chrono::sys_seconds> parse_sigv4_time(std::string_view text);

}  // namespace redoubtful::proxy
