#pragma once

// What the fuzz target of HTTP/2 demands of every input: whatever the client or the origin sends,
// only well-formed requests are judged, everything is reported once, nothing is left over.
//
// The first byte chooses who sends the rest, in which pieces it comes, and what the other end does.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::fuzz {

namespace http2_detail {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void check_judged(const proxy::RequestHead& head) {
  require(head.version == proxy::HttpVersion::k2);
  require(!head.method.empty() && head.method != "CONNECT" && head.method != "TRACE");
  require(!head.authority.empty());
  require(head.target == "*" || head.target.starts_with('/'));
  for (const char c : head.target + head.authority + head.method) require(c > 0x20 && c < 0x7F);
  require(head.fields.size() <= proxy::limits::kFields);
  for (const auto& field : head.fields) {
    require(!field.name.empty() && field.name != "host" && field.name != "connection");
    require(field.name != "transfer-encoding" && field.name.front() != ':');
    for (const char c : field.name) require(c > 0x20 && c < 0x7F && !(c >= 'A' && c <= 'Z'));
    for (const char c : field.value) require(c != '\r' && c != '\n' && c != '\0');
  }
}

// What the origin does with each request that came since: by the lowest bits of `mode`.
inline void answer(proxy::http2_test::World& world, std::size_t& answered, unsigned mode) {
  using proxy::EndStream;
  for (; answered < world.origin.order.size(); ++answered) {
    const auto stream = world.origin.order[answered];
    switch (mode & 7U) {
      case 0:
        world.origin.respond(stream, {{":status", "204"}}, EndStream::kYes);
        break;
      case 1:
        world.origin.respond(stream, {{":status", "200"}}, EndStream::kNo);
        world.origin.send(stream, std::string(100 * 1024, 'x'));
        world.origin.trailers(stream, {{"grpc-status", "0"}});
        break;
      case 2:
        world.origin.reset(stream, NGHTTP2_REFUSED_STREAM);
        break;
      case 3:
        world.origin.goaway(NGHTTP2_NO_ERROR, stream);
        break;
      case 4:
        world.origin.hold(stream);
        break;
      case 5:
        world.origin_stream.hang_up();
        break;
      default:
        world.origin.respond(stream, {{":status", "200"}}, EndStream::kNo);
        world.origin.send(stream, "half");
        break;
    }
  }
}

}  // namespace http2_detail

inline void http2(std::string_view input) {
  using namespace http2_detail;
  using proxy::EndStream;
  if (input.empty() || input.size() > 256 * 1024) return;
  const auto mode = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  const bool from_origin = (mode & 0x80U) != 0;
  constexpr std::size_t kPieces[] = {1U << 20U, 1, 13, 1000};
  const std::size_t piece = kPieces[(mode >> 3U) & 3U];
  proxy::http2_test::World::Options options;
  if ((mode & 0x20U) != 0) options.origin.max_streams = 1;
  proxy::http2_test::World world(options);
  std::size_t answered = 0;
  if (from_origin) {
    world.origin.mute();
    const auto upload = world.post();
    world.client.send(upload, "some of a body");
    world.get({{"te", "trailers"}});
    world.client.request(proxy::http2_test::request_fields("HEAD", "api.example", "/"),
                         EndStream::kYes);
    if ((mode & 1U) != 0) world.client.hold(upload);
  } else {
    world.client.mute();
    world.client.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  }
  world.settle();
  while (!input.empty()) {
    const std::string_view now = input.substr(0, piece);
    input.remove_prefix(now.size());
    (from_origin ? world.origin : world.client).raw(now);
    world.settle();
    if (!from_origin) answer(world, answered, mode);
    require(
        world.bridge.waiting_bytes() <=
        2 * (proxy::limits::kStreams * proxy::limits::kStreamWindow + proxy::limits::kWindowPool));
  }
  world.settle();
  world.client_stream.hang_up();
  world.settle();
  require(world.done && world.thrown.empty());
  require(world.bridge.waiting_bytes() == 0);
  require(world.client_stream.closed() && world.origin_stream.closed());
  for (const auto& record : world.gate.records) {
    require(record->finished == 1);
    require(record->head.authority == "api.example");
    check_judged(record->head);
  }
  for (const auto& head : world.gate.refused) check_judged(head);
}

}  // namespace redoubtful::fuzz
