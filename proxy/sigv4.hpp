#pragma once

// Signs a request anew that the agent signed with a surrogate: AWS Signature Version 4. [trusted
// core]
//
//     box:     Credential=AKIA<surrogate>/20130524/us-east-1/s3/aws4_request, Signature=<surrogate>
//     origin:  Credential=AKIA<real>/20130524/us-east-1/s3/aws4_request,      Signature=<real>
//
// Date, scope and SignedHeaders are the client's. Key id, session token and signature are replaced,
// the token before anything is hashed.
//
// First the client's own signature is verified with the surrogate's secret. It costs a few
// microseconds and gives three things. Nothing is signed that was not signed in the box by whoever
// has the surrogate's secret, in every byte: a key id alone, which is no secret, is worth nothing.
// Signers do not all encode paths and queries alike, and the client's signature says which form it
// used; the same form is signed, so the origin finds what it would have found without us, and we
// need not know what every server does. And a fault is told here and in words, where AWS would
// answer 403. What is verified is the request as it came; what is signed is the request as it is
// sent; both must mean the same, or it is refused: where the proxy makes a path canonical (dot
// segments, which are part of a key for S3), that is said.
//
// What it does not promise: that the call is allowed (aws_services.hpp), that the body is the one
// whose hash was declared (AWS looks), and that an answer does not repeat the new signature: errors
// of S3 do, so Resigned::signature is for the scrubber. Surrogates of a login file or of EKS and
// RDS tokens, which are presigned URLs that go somewhere else, are not seen here.
//
//     auto read = read_sigv4(received);                    // nothing: not signed
//     if (read->key_id is a surrogate's) { … aws_call_allowed(…) …
//       auto resigned = resign(*read, received, sent, surrogate, keys, now, body hash); }

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/secret.hpp"
#include "proxy/message.hpp"
#include "proxy/sigv4_request.hpp"

namespace redoubtful::proxy {

// Real ones, as they are now: temporary keys are others every hour.
struct AwsKeys {
  std::string key_id;
  Secret secret;
  std::optional<Secret> session_token;
};

// What the box has instead. Worthless, but not to be shown either.
struct AwsSurrogate {
  std::string key_id;
  std::string secret;
  std::string session_token;  // empty: none. May be there where the real keys have none, and not
};                            // be there where they have one: it is then taken out, or put in

struct Resigned {
  std::string signature;             // the new one, for the scrubber
  std::unique_ptr<BodyFilter> body;  // signs the chunks of the body anew; null: it passes as it is
};

// How far the client's clock may be off; AWS's own limit.
inline constexpr std::chrono::minutes kSigV4ClockSkew{15};

// A request of kUndeclared payload and with a body needs the body's hash: it must be read, whole,
// before the head can be sent. (SDKs leave the hash out for most services but S3.)
bool needs_body_hash(const SigV4Request& signature, const RequestHead& head) noexcept;

// `received`: as it came, the authority as the client wrote it. `sent`: as it is about to be sent;
// changed in place, and untouched on failure. `signature`: of read_sigv4(received), with the
// surrogate's key id. `body_sha256`: 64 hex digits where needs_body_hash(); else not looked at.
// Errors: kPeerProtocol: not signed by the surrogate, at a wrong time, with a foreign session
// token, or `sent` is not what was signed. No value of a field is in the text.
Result<Resigned> resign(const SigV4Request& signature, const RequestHead& received,
                        RequestHead& sent, const AwsSurrogate& surrogate, const AwsKeys& keys,
                        std::chrono::sys_seconds now, std::string_view body_sha256 = {});

}  // namespace redoubtful::proxy
