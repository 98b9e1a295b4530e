#pragma once

// What the fuzz targets of HTTP/1 demand of every input: not only that nothing crashes. Shared by
// the libFuzzer programs and by the test that replays their corpus.

#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/chunked.hpp"
#include "proxy/http1.hpp"
#include "proxy/http1_format.hpp"
#include "proxy/http1_head.hpp"

namespace redoubtful::fuzz {

inline void must(bool holds) {
  if (!holds) std::abort();
}

inline void must_be_clean(const proxy::Fields& fields) {
  for (const auto& field : fields) {
    must(proxy::is_token(field.name));
    must(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    must(field.value == proxy::trimmed_field_value(field.value));
  }
}

inline bool same_fields(const proxy::Fields& a, const proxy::Fields& b) {
  std::size_t at = 0;
  for (const auto& field : a) {
    if (proxy::equals_ignoring_case(field.name, "content-length")) continue;
    while (at < b.size() && proxy::equals_ignoring_case(b[at].name, "content-length")) ++at;
    if (at == b.size() || b[at].name != field.name || b[at].value != field.value) return false;
    ++at;
  }
  return true;
}

// What is accepted and written anew means the same when it is read again.
inline void http1_head(std::string_view input) {
  using namespace proxy;
  HeadScanner scanner;
  const auto end = scanner.scan(input);
  HeadScanner slow;
  std::variant<std::size_t, std::monostate, HeadFault> found = std::monostate{};
  for (std::size_t i = 1; i <= input.size() && found.index() == 1; ++i) {
    found = slow.scan(input.substr(0, i));
  }
  must(input.empty() || found.index() == end.index());
  const auto* bytes = std::get_if<std::size_t>(&end);
  const std::string_view head = bytes == nullptr ? input : input.substr(0, *bytes);
  for (const Http1Entry entry : {Http1Entry::kDirect, Http1Entry::kExplicit}) {
    const auto parsed = parse_request_head(head, entry);
    const auto* request = std::get_if<ParsedRequest>(&parsed);
    if (request == nullptr) continue;
    must(bytes != nullptr);
    must(is_token(request->head.method) && request->head.method != "CONNECT");
    must(request->head.target == "*" || request->head.target.front() == '/');
    must(request->head.target.find_first_of(std::string_view(" \r\n\t\0", 5)) == std::string::npos);
    must(parse_authority(request->head.authority).has_value());
    must_be_clean(request->head.fields);
    std::string again;
    format_request(request->head, request->framing, again);
    const auto twice = parse_request_head(again, Http1Entry::kDirect);
    // Ours are a little longer than what came, and may so be over a limit.
    if (std::holds_alternative<HeadFault>(twice)) {
      must(std::get<HeadFault>(twice).status == 431);
      continue;
    }
    const auto& second = std::get<ParsedRequest>(twice);
    must(second.head.method == request->head.method);
    must(second.head.target == request->head.target);
    must(second.head.authority == request->head.authority);
    must(second.framing.kind == request->framing.kind);
    must(second.framing.length == request->framing.length);
    must(second.head.upgrade_websocket == request->head.upgrade_websocket);
    must(same_fields(request->head.fields, second.head.fields));
  }
  for (const std::string_view method : {"GET", "HEAD"}) {
    const auto parsed = parse_response_head(head, method);
    const auto* response = std::get_if<ParsedResponse>(&parsed);
    if (response == nullptr) continue;
    must_be_clean(response->head.fields);
    must(response->head.reason.find_first_of("\r\n") == std::string::npos);
    must(response->head.status >= 100 && response->head.status <= 999);
  }
}

// The first byte says in what pieces the rest arrives; the outcome may not depend on it.
inline void chunked(std::string_view input) {
  using namespace proxy;
  if (input.empty()) return;
  const std::size_t step = 1 + static_cast<unsigned char>(input.front()) % 17;
  input.remove_prefix(1);
  const auto decode = [&](std::size_t pieces) {
    struct {
      std::string data;
      std::string_view fault;
      std::size_t used = 0;
      Fields trailers;
      bool done = false;
    } result;
    ChunkedDecoder decoder;
    for (std::size_t at = 0; at < input.size() && !decoder.done() && !decoder.fault();
         at += pieces) {
      std::string_view piece = input.substr(at, pieces);
      while (!piece.empty() && !decoder.done() && !decoder.fault()) {
        const auto taken = decoder.take(piece);
        must(taken.taken > 0 || decoder.fault());
        result.data += taken.data;
        piece.remove_prefix(taken.taken);
        result.used += taken.taken;
      }
    }
    result.done = decoder.done();
    if (decoder.fault()) result.fault = decoder.fault()->reason;
    if (result.done) result.trailers = decoder.trailers();
    return result;
  };
  const auto whole = decode(input.size() + 1);
  const auto pieces = decode(step);
  must(whole.done == pieces.done && whole.fault == pieces.fault && whole.data == pieces.data);
  if (!whole.done) return;
  must(whole.used == pieces.used && whole.data.size() <= input.size());
  must_be_clean(whole.trailers);
  // What we write is read back as the same.
  std::string again;
  if (!whole.data.empty()) {
    again.append(ChunkHeader(whole.data.size()).text()).append(whole.data).append("\r\n");
  }
  again += last_chunk(whole.trailers);
  ChunkedDecoder decoder;
  std::string data;
  std::string_view rest = again;
  while (!rest.empty() && !decoder.fault()) {
    const auto taken = decoder.take(rest);
    data += taken.data;
    rest.remove_prefix(taken.taken);
    if (decoder.done()) break;
  }
  must(decoder.done() && rest.empty() && data == whole.data);
}

}  // namespace redoubtful::fuzz
