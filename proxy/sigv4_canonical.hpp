#pragma once

// The canonical request of AWS Signature Version 4: the text that is hashed and signed. [trusted
// core]
//
// There is more than one, for signers and servers do not all encode alike, and AWS itself has two
// rules: S3 encodes a path once and keeps it as it is, everybody else normalises it and encodes it
// again. A form says which. Percent-encodings are never read as separators: "%2F" in a path that is
// normalised stays within its segment, and '+' in a query is a plus.
//
// Source: "Create a signed AWS API request", AWS IAM User Guide; "Authenticating Requests", S3 API
// Reference; botocore/auth.py, for what it leaves open.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

enum class SigV4Path {
  kOnce,             // S3: decoded, and encoded once
  kAsSent,           // S3 as SDKs sign it: what is on the wire. Differs for "%2F" and raw "(" only
  kTwiceNormalised,  // others: without dot segments and empty ones, encoded again
  kTwice,            // the same, not normalised
};
enum class SigV4Query {
  kEncoded,  // decoded, encoded, sorted
  kAsSent,   // sorted
};
struct SigV4Form {
  SigV4Path path = SigV4Path::kTwiceNormalised;
  SigV4Query query = SigV4Query::kEncoded;
};

// Paths of this service are encoded once: S3 and its kin.
bool encodes_once(std::string_view service) noexcept;
// The forms that a signer for this service may have used, its own first.
std::span<const SigV4Form> sigv4_forms(std::string_view service) noexcept;

// Every byte but the unreserved ones of RFC 3986 as "%XX".
std::string uri_encoded(std::string_view text);
// A '%' that encodes nothing stays.
std::string uri_decoded(std::string_view text);

// "a=1&b" in its parts, as they stand. `query` is without '?'.
struct QueryPart {
  std::string_view name;
  std::string_view value;
  std::string_view text;  // both, and the '=' if there was one
};
std::vector<QueryPart> query_parts(std::string_view query);

// Path and query (without '?') of a target in origin form.
struct TargetParts {
  std::string_view path;
  std::string_view query;
};
TargetParts target_parts(std::string_view target) noexcept;

// Removes "." and "..", and empty segments, of a path as it stands; a slash at the end is kept.
std::string normalised_path(std::string_view path);
std::string canonical_path(std::string_view path, SigV4Path form);
// Without X-Amz-Signature.
std::string canonical_query(std::string_view query, SigV4Query form);
// Can it be in what is signed? "transfer-encoding" can, where HTTP/1 has a body without a length:
// botocore has signed it.
bool has_header(const RequestHead& head, std::string_view name);
// "name:value\n" for each name, which must be in lower case: values trimmed, runs of blanks made
// one, those of several fields joined by ','. "host" is the head's authority.
std::string canonical_headers(const RequestHead& head, const std::vector<std::string>& names);

std::string canonical_request(const RequestHead& head,
                              const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, SigV4Form form);

}  // namespace redoubtful::proxy
