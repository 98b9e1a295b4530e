#pragma once

// What the fuzz targets of AWS signatures demand of every input.
//
// sigv4: the input is the head of a request. What is read is signed as a client would, and must
// then be signed anew; what comes out reads as the same request, and its signature is that of the
// real key. sigv4_chunks: a body gives the same in whatever pieces it comes; one that is signed
// well is signed anew, and with one byte changed it is not, or it says the same.

#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/sigv4.hpp"
#include "proxy/sigv4_canonical.hpp"
#include "proxy/sigv4_chunks.hpp"

namespace redoubtful::fuzz {

inline void demand(bool holds) {
  if (!holds) std::abort();
}

// "METHOD TARGET", the authority, then "name: value", a line each.
inline proxy::RequestHead head_of(std::string_view text) {
  proxy::RequestHead head;
  for (int line = 0; !text.empty(); ++line) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    if (line == 0) {
      head.method = one.substr(0, one.find(' '));
      head.target = one.substr(std::min(head.method.size() + 1, one.size()));
    } else if (line == 1) {
      head.authority = one;
    } else {
      const std::size_t colon = std::min(one.find(": "), one.size());
      head.fields.push_back({std::string(one.substr(0, colon)),
                             std::string(one.substr(std::min(colon + 2, one.size())))});
    }
  }
  return head;
}

inline std::string expected_signature(const proxy::RequestHead& head,
                                      const proxy::SigV4Request& request, std::string_view secret) {
  const std::string_view hash = request.payload == proxy::SigV4Payload::kUndeclared
                                    ? proxy::kEmptySha256
                                    : std::string_view(request.payload_hash);
  const proxy::SigningKey key(secret, request.scope);
  return key.sign(proxy::string_to_sign(
      request.timestamp, request.scope,
      proxy::canonical_request(head, request.signed_headers, hash,
                               proxy::sigv4_forms(request.scope.service).front())));
}

inline void replace_signature(proxy::RequestHead& head, const proxy::SigV4Request& request,
                              const std::string& signature) {
  const auto replace = [&](std::string& text, const std::string& name) {
    const std::size_t at = text.find(name + request.signature);
    if (at != std::string::npos) text.replace(at + name.size(), signature.size(), signature);
  };
  if (request.place == proxy::SigV4Place::kQuery) {
    replace(head.target, "X-Amz-Signature=");
    return;
  }
  for (auto& field : head.fields) {
    if (proxy::equals_ignoring_case(field.name, "authorization"))
      replace(field.value, "Signature=");
  }
}

inline proxy::AwsSurrogate surrogate_of(const proxy::RequestHead& head,
                                        const proxy::SigV4Request& request) {
  proxy::AwsSurrogate surrogate{request.key_id, "the surrogate's secret", {}};
  if (request.place == proxy::SigV4Place::kHeader) {
    if (const auto* token = proxy::find_field(head.fields, "x-amz-security-token")) {
      surrogate.session_token = *token;
    }
    return surrogate;
  }
  for (const auto& part : proxy::query_parts(proxy::target_parts(head.target).query)) {
    if (part.name == "X-Amz-Security-Token") {
      surrogate.session_token = proxy::uri_decoded(part.value);
    }
  }
  return surrogate;
}

inline void sigv4(std::string_view text) {
  proxy::RequestHead head = head_of(text);
  const auto first = proxy::read_sigv4(head);
  if (!first || !*first) return;
  replace_signature(head, **first, expected_signature(head, **first, "the surrogate's secret"));
  const auto read = proxy::read_sigv4(head);
  if (!read || !*read) return;  // the old signature stood elsewhere, too
  const proxy::SigV4Request& request = **read;
  const auto surrogate = surrogate_of(head, request);

  for (const bool with_token : {false, true}) {
    proxy::AwsKeys keys{"AKIAREAL", Secret::take("the real secret").value(), std::nullopt};
    if (with_token) keys.session_token = Secret::take("the real token").value();
    proxy::RequestHead sent = head;
    const auto resigned = proxy::resign(request, head, sent, surrogate, keys, request.time);
    if (!resigned) continue;  // two tokens, or a field that is not there
    const auto again = proxy::read_sigv4(sent);
    demand(again && *again);
    demand((*again)->key_id == "AKIAREAL" && (*again)->scope == request.scope);
    demand((*again)->timestamp == request.timestamp && (*again)->payload == request.payload);
    demand((*again)->signature == resigned->signature);
    demand(expected_signature(sent, **again, "the real secret") == resigned->signature);
    demand((proxy::find_field(sent.fields, "x-amz-security-token") != nullptr) ==
           (with_token && request.place == proxy::SigV4Place::kHeader));
    demand(sent.method == head.method && sent.authority == head.authority);
  }
}

// A body of these chunks, cut out of `data` by its own bytes.
inline std::string chunked_body(std::string_view data, std::string_view secret,
                                std::string previous, proxy::SigV4Payload payload) {
  const proxy::SigV4Scope scope{"20130524", "us-east-1", "s3"};
  const proxy::SigningKey key(secret, scope);
  const auto sign = [&](std::string_view kind, const std::string& rest) {
    previous = key.sign(std::string(kind) + "\n20130524T000000Z\n" + scope.text() + "\n" +
                        previous + "\n" + rest);
    return previous;
  };
  std::string body;
  while (true) {
    const std::size_t size =
        data.empty()
            ? 0
            : std::min<std::size_t>(1 + static_cast<unsigned char>(data[0]) % 20, data.size());
    const std::string_view chunk = data.substr(0, size);
    data.remove_prefix(size);
    body += std::string(size < 16 ? "" : "1") + "0123456789abcdef"[size % 16];
    body += ";chunk-signature=" +
            sign("AWS4-HMAC-SHA256-PAYLOAD",
                 std::string(proxy::kEmptySha256) + "\n" + proxy::sha256_hex(chunk)) +
            "\r\n";
    if (size == 0) break;
    body.append(chunk).append("\r\n");
  }
  if (payload == proxy::SigV4Payload::kChunksWithTrailer) {
    body +=
        "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" +
        sign("AWS4-HMAC-SHA256-TRAILER", proxy::sha256_hex("x-amz-checksum-crc32c:sOO8/Q==\n")) +
        "\r\n";
  }
  return body + "\r\n";
}

struct Resigned {
  std::string out;
  std::string fault;
  bool operator==(const Resigned&) const = default;
};

inline Resigned resign_chunks(std::string_view body, std::size_t step,
                              proxy::SigV4Payload payload) {
  const proxy::SigV4Scope scope{"20130524", "us-east-1", "s3"};
  proxy::ChunkResigner filter("20130524T000000Z", scope, payload,
                              {proxy::SigningKey("surrogate", scope), std::string(64, '1')},
                              {proxy::SigningKey("real", scope), std::string(64, '2')});
  Resigned resigned;
  while (!body.empty()) {
    filter.feed(body.substr(0, step), resigned.out);
    body.remove_prefix(std::min(step, body.size()));
  }
  filter.finish(resigned.out);
  resigned.fault = filter.fault();
  return resigned;
}

// The first byte says which payload, the next three a change: where, and which byte.
inline void sigv4_chunks(std::string_view input) {
  if (input.size() < 4) return;
  const auto payload =
      (input[0] & 1) != 0 ? proxy::SigV4Payload::kChunksWithTrailer : proxy::SigV4Payload::kChunks;
  const std::size_t step = 1 + static_cast<unsigned char>(input[0]) / 2;
  const std::string_view data = input.substr(4);
  demand(resign_chunks(data, data.size() + 1, payload) == resign_chunks(data, step, payload));

  const std::string good = chunked_body(data, "surrogate", std::string(64, '1'), payload);
  const std::string wanted = chunked_body(data, "real", std::string(64, '2'), payload);
  const Resigned whole = resign_chunks(good, step, payload);
  demand(whole.fault.empty() && whole.out == wanted);

  std::string changed = good;
  const std::size_t at = (static_cast<unsigned char>(input[1]) * std::size_t{256} +
                          static_cast<unsigned char>(input[2])) %
                         good.size();
  changed[at] = input[3];
  const Resigned other = resign_chunks(changed, step, payload);
  demand(other == resign_chunks(changed, changed.size(), payload));
  if (other.fault.empty()) {
    demand(other.out.size() == changed.size());
    // Only the case of a size or of a trailer's name may differ.
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      demand((other.out[i] | 0x20) == (wanted[i] | 0x20));
    }
  } else {
    demand(other.out.size() < good.size());
  }
}

}  // namespace redoubtful::fuzz
