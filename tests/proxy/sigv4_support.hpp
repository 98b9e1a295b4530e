#pragma once

// What the tests of AWS signatures share: a client that signs, and the two pairs of keys.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proxy/sigv4.hpp"
#include "proxy/sigv4_canonical.hpp"

namespace redoubtful::proxy {

inline AwsSurrogate surrogate_keys(std::string token = {}) {
  return {"AKIASURROGATE0000000", "surrogate/secret+that/is+worthless+00000", std::move(token)};
}

inline AwsKeys real_keys(std::string key_id, std::string secret, std::string token = {}) {
  AwsKeys keys{std::move(key_id), Secret::take(std::move(secret)).value(), std::nullopt};
  if (!token.empty()) keys.session_token = Secret::take(std::move(token)).value();
  return keys;
}

inline std::string joined_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out.append(out.empty() ? "" : ";").append(name);
  return out;
}

// How a client signs; the parts that it says in the request.
struct ClientSigner {
  std::string key_id;
  std::string secret;
  SigV4Scope scope;
  std::string timestamp;
  std::vector<std::string> names;  // SignedHeaders
  std::string payload_hash{kEmptySha256};
  SigV4Form form;

  std::string signature(const RequestHead& head) const {
    const SigningKey key(secret, scope);
    return key.sign(
        string_to_sign(timestamp, scope, canonical_request(head, names, payload_hash, form)));
  }
  // Adds Authorization.
  void sign(RequestHead& head) const {
    head.fields.push_back({"Authorization", "AWS4-HMAC-SHA256 Credential=" + key_id + "/" +
                                                scope.text() +
                                                ", SignedHeaders=" + joined_names(names) +
                                                ", Signature=" + signature(head)});
  }
  // Adds the query parameters.
  void presign(RequestHead& head, const std::string& expires, const std::string& token = {}) const {
    std::string& target = head.target;
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
              uri_encoded(key_id + "/" + scope.text()) + "&X-Amz-Date=" + timestamp +
              "&X-Amz-Expires=" + expires +
              "&X-Amz-SignedHeaders=" + uri_encoded(joined_names(names));
    if (!token.empty()) target += "&X-Amz-Security-Token=" + uri_encoded(token);
    target += "&X-Amz-Signature=" + signature(head);
  }
};

inline SigV4Request read_signed(const RequestHead& head) {
  return read_sigv4(head).value().value();
}

// "Signature=…" of Authorization, or X-Amz-Signature.
inline std::string signature_of(const RequestHead& head) { return read_signed(head).signature; }

// A published example, and whose keys it is signed with.
struct Vector {
  std::string name;
  std::string method;
  std::string target;
  Fields fields;
  std::vector<std::string> names;
  std::string signature;
  SigV4Form form{};
  std::string payload_hash{kEmptySha256};
};

struct Suite {
  std::string authority;
  std::string key_id;
  std::string secret;
  SigV4Scope scope;
  std::string timestamp;
};

inline RequestHead head_of(const Suite& suite, const Vector& vector) {
  RequestHead head;
  head.method = vector.method;
  head.authority = suite.authority;
  head.target = vector.target;
  head.fields = vector.fields;
  return head;
}

// Signed as published, and signed anew from a surrogate: the same signature.
inline void check(const Suite& suite, const Vector& vector) {
  SCOPED_TRACE(vector.name);
  const RequestHead plain = head_of(suite, vector);
  ClientSigner signer{suite.key_id, suite.secret,        suite.scope, suite.timestamp,
                      vector.names, vector.payload_hash, vector.form};
  EXPECT_EQ(signer.signature(plain), vector.signature);

  std::string token;
  if (const auto* field = find_field(plain.fields, "x-amz-security-token")) token = *field;
  const AwsSurrogate surrogate = surrogate_keys(token.empty() ? "" : "a surrogate's token");
  RequestHead received = plain;
  for (Field& field : received.fields) {
    if (equals_ignoring_case(field.name, "x-amz-security-token")) {
      field.value = surrogate.session_token;
    }
  }
  signer.key_id = surrogate.key_id;
  signer.secret = surrogate.secret;
  signer.sign(received);
  RequestHead sent = received;
  const SigV4Request read = read_signed(received);
  const auto resigned =
      resign(read, received, sent, surrogate, real_keys(suite.key_id, suite.secret, token),
             read.time, vector.payload_hash);
  ASSERT_TRUE(resigned) << resigned.error().what();
  EXPECT_EQ(resigned->signature, vector.signature);
  EXPECT_EQ(*find_field(sent.fields, "authorization"),
            "AWS4-HMAC-SHA256 Credential=" + suite.key_id + "/" + suite.scope.text() +
                ", SignedHeaders=" + joined_names(vector.names) +
                ", Signature=" + vector.signature);
}

}  // namespace redoubtful::proxy
