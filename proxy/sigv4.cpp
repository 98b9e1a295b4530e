#include "proxy/sigv4.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "proxy/sigv4_canonical.hpp"
#include "proxy/sigv4_chunks.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kTokenField = "x-amz-security-token";
constexpr std::string_view kTokenParameter = "X-Amz-Security-Token";

Error refused(std::string_view why) {
  return Error(Errc::kPeerProtocol, "this AWS request is not signed anew: " + std::string(why));
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Error> check_time(const SigV4Request& signature, std::chrono::sys_seconds now) {
  const auto latest = signature.place == SigV4Place::kQuery ? signature.time + signature.expires
                                                            : signature.time + kSigV4ClockSkew;
  if (now > latest) {
    return signature.place == SigV4Place::kQuery
               ? refused("the presigned URL has expired")
               : refused("its date is more than 15 minutes ago; is the clock right?");
  }
  if (signature.time > now + kSigV4ClockSkew) {
    return refused("its date is more than 15 minutes ahead; is the clock right?");
  }
  return std::nullopt;
}

// A token that is not the surrogate's is somebody's own, and a request with it is not ours.
std::optional<Error> check_token(const SigV4Request& signature, const RequestHead& head,
                                 const AwsSurrogate& surrogate) {
  std::size_t tokens = 0;
  bool foreign = false;
  const auto seen = [&](std::string_view token) {
    ++tokens;
    foreign = foreign || surrogate.session_token.empty() || !same(token, surrogate.session_token);
  };
  for (const Field& field : head.fields) {
    if (equals_ignoring_case(field.name, kTokenField)) seen(field.value);
  }
  if (signature.place == SigV4Place::kQuery) {
    if (tokens != 0) return refused("a presigned URL has its session token in the query");
    for (const QueryPart& part : query_parts(target_parts(head.target).query)) {
      if (part.name == kTokenParameter) seen(uri_decoded(part.value));
    }
  }
  if (tokens > 1) return refused("it has two session tokens");
  if (foreign) return refused("its session token does not belong to its key");
  return std::nullopt;
}

std::optional<SigV4Form> form_of(const SigV4Request& signature, const RequestHead& received,
                                 const SigningKey& key, std::string_view payload_hash) {
  for (const SigV4Form& form : sigv4_forms(signature.scope.service)) {
    const std::string canonical =
        canonical_request(received, signature.signed_headers, payload_hash, form);
    const std::string text = string_to_sign(signature.timestamp, signature.scope, canonical);
    if (same(key.sign(text), signature.signature)) return form;
  }
  return std::nullopt;
}

Error not_verified(const SigV4Request& signature, const RequestHead& received) {
  for (const std::string& name : signature.signed_headers) {
    if (has_header(received, name)) continue;
    // Between client and proxy alone (Connection, TE …), or never sent.
    return refused("it signs a header field that is not there, or is not passed on: " + name);
  }
  return refused("its signature is not that of its key")
      .hint("a request that was changed after it was signed, or a client with an old secret");
}

// Segment by segment, whatever is percent-encoded within one.
bool same_segments(std::string_view a, std::string_view b) {
  while (true) {
    const std::size_t end_a = a.find('/');
    const std::size_t end_b = b.find('/');
    if (uri_decoded(a.substr(0, end_a)) != uri_decoded(b.substr(0, end_b))) return false;
    if (end_a == std::string_view::npos || end_b == std::string_view::npos) return end_a == end_b;
    a.remove_prefix(end_a + 1);
    b.remove_prefix(end_b + 1);
  }
}

// The same to a server that reads it in this form.
bool same_path(std::string_view a, std::string_view b, SigV4Path form) {
  if (form != SigV4Path::kTwiceNormalised) return same_segments(a, b);
  return same_segments(normalised_path(a), normalised_path(b));
}

// Is what is sent what was signed? But for the authority, whose agreement is the gate's business,
// and for the codings that answers may have, which are the scrubber's: both are signed as sent.
std::optional<Error> check_sent(const SigV4Request& signature, const RequestHead& received,
                                const RequestHead& sent, SigV4Path form) {
  const TargetParts was = target_parts(received.target);
  const TargetParts is = target_parts(sent.target);
  if (received.method != sent.method || was.query != is.query) {
    return refused("its method or query was changed on the way");
  }
  if (!same_path(was.path, is.path, form)) {
    return refused(
        "its path has dot segments (\"/./\", \"/../\"), which the proxy removes and the signature "
        "covers");
  }
  std::vector<std::string> names = signature.signed_headers;
  std::erase(names, "host");
  std::erase(names, "accept-encoding");
  for (const std::string& name : names) {
    if (has_header(received, name) != has_header(sent, name)) {
      return refused("a header field that it signs is not passed on: " + name);
    }
  }
  if (canonical_headers(received, names) != canonical_headers(sent, names)) {
    return refused("a header field that it signs was changed on the way");
  }
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

// Puts the real token in, or takes the surrogate's out; in SignedHeaders as well.
void replace_token_field(RequestHead& head, std::vector<std::string>& signed_headers,
                         std::optional<std::string_view> token) {
  const auto place = std::lower_bound(signed_headers.begin(), signed_headers.end(), kTokenField);
  const bool listed = place != signed_headers.end() && *place == kTokenField;
  const auto field = std::find_if(head.fields.begin(), head.fields.end(), [](const Field& one) {
    return equals_ignoring_case(one.name, kTokenField);
  });
  if (!token) {
    remove_fields(head.fields, kTokenField);
    if (listed) signed_headers.erase(place);
  } else if (field != head.fields.end()) {
    field->value = *token;  // left unsigned where the client left it so
  } else {
    head.fields.push_back({std::string(kTokenField), std::string(*token)});
    if (!listed) signed_headers.insert(place, std::string(kTokenField));
  }
}

struct QueryValues {
  std::string credential;
  std::optional<std::string_view> token;
  std::string signature;
};

// All other parameters stay as they are, in their order.
std::string replace_in_query(std::string_view target, const QueryValues& values) {
  const auto parameter = [](std::string_view name, std::string_view value) {
    return std::string(name) + '=' + uri_encoded(value);
  };
  std::vector<std::string> out;
  bool token_done = false;
  for (const QueryPart& part : query_parts(target_parts(target).query)) {
    if (part.name == "X-Amz-Credential") {
      out.push_back(parameter(part.name, values.credential));
    } else if (part.name == "X-Amz-Signature") {
      out.push_back(parameter(part.name, values.signature));
    } else if (part.name == kTokenParameter) {
      token_done = true;
      if (values.token) out.push_back(parameter(part.name, *values.token));
    } else {
      out.emplace_back(part.text);
    }
  }
  if (values.token && !token_done) out.push_back(parameter(kTokenParameter, *values.token));
  std::string query;
  for (std::size_t i = 0; i < out.size(); ++i) query.append(i == 0 ? "" : "&").append(out[i]);
  return std::string(target_parts(target).path) + '?' + query;
}

void set_authorization(RequestHead& head, const std::string& credential,
                       const std::vector<std::string>& signed_headers,
                       const std::string& signature) {
  for (Field& field : head.fields) {
    if (!equals_ignoring_case(field.name, "authorization")) continue;
    field.value = "AWS4-HMAC-SHA256 Credential=" + credential +
                  ", SignedHeaders=" + joined(signed_headers) + ", Signature=" + signature;
  }
}

}  // namespace

bool needs_body_hash(const SigV4Request& signature, const RequestHead& head) noexcept {
  return signature.payload == SigV4Payload::kUndeclared && head.has_body;
}

Result<Resigned> resign(const SigV4Request& signature, const RequestHead& received,
                        RequestHead& sent, const AwsSurrogate& surrogate, const AwsKeys& keys,
                        std::chrono::sys_seconds now, std::string_view body_sha256) {
  if (!same(signature.key_id, surrogate.key_id)) return refused("its key is another one");
  if (auto error = check_time(signature, now)) return std::move(*error);
  if (auto error = check_token(signature, received, surrogate)) return std::move(*error);

  std::string_view payload_hash = signature.payload_hash;
  if (signature.payload == SigV4Payload::kUndeclared) {
    payload_hash = received.has_body ? body_sha256 : kEmptySha256;
    if (payload_hash.empty()) return refused("the hash of its body is not known");
  }
  SigningKey surrogate_key(surrogate.secret, signature.scope);
  const auto form = form_of(signature, received, surrogate_key, payload_hash);
  if (!form) return not_verified(signature, received);
  if (auto error = check_sent(signature, received, sent, form->path)) return std::move(*error);

  const std::string credential = keys.key_id + '/' + signature.scope.text();
  std::optional<std::string_view> token;
  if (keys.session_token) token = keys.session_token->expose();
  SigningKey key(keys.secret.expose(), signature.scope);

  RequestHead head = sent;
  std::vector<std::string> signed_headers = signature.signed_headers;
  QueryValues values{credential, token, {}};
  if (signature.place == SigV4Place::kHeader) {
    replace_token_field(head, signed_headers, token);
  } else {
    head.target = replace_in_query(head.target, values);
  }
  const std::string canonical = canonical_request(head, signed_headers, payload_hash, *form);
  Resigned resigned;
  resigned.signature = key.sign(string_to_sign(signature.timestamp, signature.scope, canonical));
  if (signature.place == SigV4Place::kHeader) {
    set_authorization(head, credential, signed_headers, resigned.signature);
  } else {
    values.signature = resigned.signature;
    head.target = replace_in_query(head.target, values);
  }
  if (signature.payload == SigV4Payload::kChunks ||
      signature.payload == SigV4Payload::kChunksWithTrailer) {
    resigned.body = std::make_unique<ChunkResigner>(
        signature.timestamp, signature.scope, signature.payload,
        ChunkResigner::Side{std::move(surrogate_key), signature.signature},
        ChunkResigner::Side{std::move(key), resigned.signature});
  }
  sent = std::move(head);
  return resigned;
}

}  // namespace redoubtful::proxy
