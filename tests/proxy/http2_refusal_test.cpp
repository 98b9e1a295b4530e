// HTTP/2: what is not passed on, and how the client is told.

#include <gtest/gtest.h>

#include "proxy/http2_fields.hpp"
#include "proxy/limits.hpp"
#include "tests/proxy/http2_support.hpp"

namespace redoubtful::proxy {
namespace {

using http2_test::Peer;
using http2_test::request_fields;
using http2_test::World;

std::string value(const Peer::Seen& seen, std::string_view name) {
  const auto* found = seen.field(name);
  return found == nullptr ? "(none)" : *found;
}

TEST(Http2Refusal, AnotherAuthorityOnTheSameConnectionIsRefusedAndTheOthersGoOn) {
  World world;
  const auto good = world.get();
  const auto other =
      world.client.request(request_fields("GET", "evil.example", "/"), EndStream::kYes);
  const auto also_good = world.get();
  world.settle();
  EXPECT_EQ(world.origin.order.size(), 2u);
  EXPECT_EQ(value(world.client.seen[other], ":status"), "421");
  EXPECT_EQ(value(world.client.seen[other], "content-length"), "13");
  EXPECT_EQ(world.client.seen[other].body, "another host\n");
  EXPECT_TRUE(world.client.seen[other].ended);
  EXPECT_FALSE(world.client.seen[other].reset);
  for (const auto there : world.origin.order) {
    world.origin.respond(there, {{":status", "200"}}, EndStream::kYes);
  }
  world.settle();
  EXPECT_TRUE(world.client.seen[good].ended);
  EXPECT_TRUE(world.client.seen[also_good].ended);
}

TEST(Http2Refusal, GrpcIsAnsweredWithTrailersOnly) {
  World world;
  const auto stream = world.client.request(
      request_fields("POST", "evil.example", "/pkg.Service/Method",
                     {{"content-type", "application/grpc+proto"}, {"te", "trailers"}}),
      EndStream::kNo);
  world.settle();
  const auto& answer = world.client.seen[stream];
  ASSERT_EQ(answer.heads.size(), 1u);
  EXPECT_EQ(value(answer, ":status"), "200");
  EXPECT_EQ(value(answer, "content-type"), "application/grpc");
  EXPECT_EQ(value(answer, "grpc-status"), "7");
  EXPECT_EQ(value(answer, "grpc-message"), "another host");
  EXPECT_EQ(value(answer, "proxy-status"), "redoubtful");
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(answer.body, "");
}

// curl 7.88 shows no answer to an upload whose stream is reset behind it.
TEST(Http2Refusal, AnUploadIsNotResetBeforeItsClientSeesTheAnswerButNotReadForEver) {
  World world;
  const auto stream =
      world.client.request(request_fields("POST", "evil.example", "/"), EndStream::kNo);
  world.client.send(stream, std::string(1024 * 1024, 'x'));
  world.settle();
  const auto& answer = world.client.seen[stream];
  EXPECT_EQ(value(answer, ":status"), "421");
  EXPECT_EQ(answer.body, "another host\n");
  EXPECT_TRUE(answer.ended);
  EXPECT_FALSE(answer.reset);
  world.client.send(stream, std::string(limits::kRefusedUpload, 'x'));
  world.settle();
  EXPECT_EQ(answer.reset, NGHTTP2_NO_ERROR);
  EXPECT_EQ(world.bridge.waiting_bytes(), 0u);
  // The connection's window has it all back: another one can send as much.
  const auto next = world.post();
  world.client.send(next, std::string(1024 * 1024, 'y'));
  world.client.end(next);
  world.settle();
  EXPECT_EQ(world.origin.seen[world.at_origin(0)].body.size(), 1024u * 1024u);
}

TEST(Http2Refusal, WithoutAnOriginTheGateAnswers) {
  World::Options options;
  options.with_origin = false;
  World world(options);
  const auto refused =
      world.client.request(request_fields("GET", "evil.example", "/"), EndStream::kYes);
  const auto head =
      world.client.request(request_fields("HEAD", "evil.example", "/"), EndStream::kYes);
  const auto admitted = world.get();  // a Gate must not do this
  world.settle();
  EXPECT_EQ(value(world.client.seen[refused], ":status"), "421");
  EXPECT_EQ(value(world.client.seen[head], "content-length"), "13");
  EXPECT_EQ(world.client.seen[head].body, "");
  EXPECT_TRUE(world.client.seen[head].ended);
  EXPECT_EQ(value(world.client.seen[admitted], ":status"), "502");
  EXPECT_EQ(world.gate.records[0]->finished, 1);
}

TEST(Http2Refusal, AnAnswerThatMustNotPassIsReplaced) {
  World world;
  world.gate.respond = [](ResponseHead&) {
    Refusal refusal;
    refusal.status = 502;
    refusal.body = "not this";
    return refusal;
  };
  const auto stream = world.get();
  world.settle();
  world.origin.respond(world.at_origin(0), {{":status", "200"}, {"x-bad", "1"}}, EndStream::kNo);
  world.origin.send(world.at_origin(0), "secret");
  world.settle();
  EXPECT_EQ(value(world.client.seen[stream], ":status"), "502");
  EXPECT_EQ(value(world.client.seen[stream], "x-bad"), "(none)");
  EXPECT_EQ(world.client.seen[stream].body, "not this");
  EXPECT_EQ(world.origin.seen[world.at_origin(0)].reset, NGHTTP2_CANCEL);
  EXPECT_EQ(world.gate.records[0]->finished, 1);
}

TEST(Http2Refusal, AGateThatThrowsEndsTheConnectionAndNothingGetsOut) {
  World world;
  world.gate.throws = true;
  world.get();
  world.settle();
  EXPECT_TRUE(world.done);
  EXPECT_EQ(world.thrown, "the gate is broken");
  EXPECT_TRUE(world.client_stream.closed());
  EXPECT_TRUE(world.origin_stream.closed());
  EXPECT_TRUE(world.origin.order.empty());
}

struct Attempt {
  const char* what;
  Fields head;
  EndStream end = EndStream::kYes;
};

Fields with(Fields more) { return request_fields("POST", "api.example", "/", std::move(more)); }

Fields line(std::string method, std::string scheme, std::string authority, std::string path) {
  return {{":method", std::move(method)},
          {":scheme", std::move(scheme)},
          {":authority", std::move(authority)},
          {":path", std::move(path)}};
}

TEST(Http2Refusal, WhatTwoServersCouldReadInTwoWaysReachesNeitherGateNorOrigin) {
  const std::string nul("a\0b", 3);
  const std::vector<Attempt> attempts = {
      {"CR LF in a value", with({{"x", "a\r\nhost: evil.example"}})},
      {"LF in a value", with({{"x", "a\nb"}})},
      {"NUL in a value", with({{"x", nul}})},
      {"DEL in a value", with({{"x", "a\x7f"}})},
      {"a blank before a value", with({{"x", " a"}})},
      {"a tab behind a value", with({{"x", "a\t"}})},
      {"CR LF in a name", with({{"x\r\nhost: evil.example\r\ny", "a"}})},
      {"a blank in a name", with({{"x y", "a"}})},
      {"a colon in a name", with({{"x:y", "a"}})},
      {"an upper-case name", with({{"X-Upper", "a"}})},
      {"an empty name", with({{"", "a"}})},
      {"transfer-encoding", with({{"transfer-encoding", "chunked"}}), EndStream::kNo},
      {"connection", with({{"connection", "close"}})},
      {"connection that names a field", with({{"connection", "authorization"}})},
      {"keep-alive", with({{"keep-alive", "timeout=5"}})},
      {"proxy-connection", with({{"proxy-connection", "close"}})},
      {"upgrade", with({{"upgrade", "websocket"}})},
      {"http2-settings", with({{"http2-settings", "AAMAAABkAAQ"}})},
      {"te other than trailers", with({{"te", "gzip, trailers"}})},
      {"host that differs", with({{"host", "evil.example"}})},
      {"host twice", with({{"host", "api.example"}, {"host", "api.example"}})},
      {"content-length that is no number", with({{"content-length", "+4"}}), EndStream::kNo},
      {"content-length in hex", with({{"content-length", "0x4"}}), EndStream::kNo},
      {"content-length as a list", with({{"content-length", "4, 4"}}), EndStream::kNo},
      {"content-length beyond 64 bits", with({{"content-length", "18446744073709551620"}}),
       EndStream::kNo},
      {"content-length twice", with({{"content-length", "4"}, {"content-length", "4"}}),
       EndStream::kNo},
      {"content-length and no body", with({{"content-length", "4"}})},
      {"two :path", with({{":path", "/admin"}})},
      {"two :authority",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "api.example"},
        {":authority", "evil.example"},
        {":path", "/"}}},
      {"two :method",
       {{":method", "GET"},
        {":method", "POST"},
        {":scheme", "https"},
        {":authority", "api.example"},
        {":path", "/"}}},
      {"a pseudo-header field behind others",
       {{":method", "GET"},
        {":scheme", "https"},
        {":path", "/"},
        {"accept", "*/*"},
        {":authority", "api.example"}}},
      {"an unknown pseudo-header field",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "api.example"},
        {":path", "/"},
        {":version", "HTTP/1.1"}}},
      {":status in a request",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "api.example"},
        {":path", "/"},
        {":status", "200"}}},
      {"no :authority, a host instead",
       {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "api.example"}}},
      {"an empty :authority", line("GET", "https", "", "/")},
      {"no :path", {{":method", "GET"}, {":scheme", "https"}, {":authority", "api.example"}}},
      {"no :method", {{":scheme", "https"}, {":authority", "api.example"}, {":path", "/"}}},
      {"no :scheme", {{":method", "GET"}, {":authority", "api.example"}, {":path", "/"}}},
      {":scheme http", line("GET", "http", "api.example", "/")},
      {":scheme that smuggles a host", line("GET", "https://evil.example/x?", "api.example", "/")},
      {"a blank in :path", line("GET", "https", "api.example", "/a HTTP/1.1")},
      {"CR LF in :path", line("GET", "https", "api.example", "/ HTTP/1.1\r\nhost: evil\r\n")},
      {"a tab in :path", line("GET", "https", "api.example", "/\ta")},
      {"raw UTF-8 in :path", line("GET", "https", "api.example", "/\xc3\xa4")},
      {"an empty :path", line("GET", "https", "api.example", "")},
      {"an absolute :path", line("GET", "https", "api.example", "https://evil.example/")},
      {":path without a slash", line("GET", "https", "api.example", "admin")},
      {"* with another method than OPTIONS", line("GET", "https", "api.example", "*")},
      {"CR LF in :method", line("GET / HTTP/1.1\r\nx: y", "https", "api.example", "/")},
      {"a blank in :method", line("GE T", "https", "api.example", "/")},
      {"an empty :method", line("", "https", "api.example", "/")},
      {"a blank in :authority", line("GET", "https", "api.example evil", "/")},
      {"CR LF in :authority", line("GET", "https", "api.example\r\nx: y", "/")},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "api.example:443"}}, EndStream::kNo},
      {"CONNECT with a path", line("CONNECT", "https", "api.example", "/"), EndStream::kNo},
      {"extended CONNECT",
       {{":method", "CONNECT"},
        {":protocol", "websocket"},
        {":scheme", "https"},
        {":authority", "api.example"},
        {":path", "/"}},
       EndStream::kNo},
      {"TRACE", line("TRACE", "https", "api.example", "/")},
  };
  for (const auto& attempt : attempts) {
    SCOPED_TRACE(attempt.what);
    World world;
    const auto stream = world.client.request(attempt.head, attempt.end);
    ASSERT_GT(stream, 0);
    world.settle();
    EXPECT_TRUE(world.origin.order.empty());
    EXPECT_TRUE(world.gate.records.empty());
    EXPECT_TRUE(world.gate.refused.empty());
    EXPECT_EQ(world.gate.complaints.size(), 1u) << "it is in the log";
    const auto& answer = world.client.seen[stream];
    const std::string_view what = attempt.what;
    const bool no_method = what.starts_with("CONNECT") || what == "TRACE";
    EXPECT_TRUE(answer.reset == NGHTTP2_PROTOCOL_ERROR ||
                value(answer, ":status") == (no_method ? "405" : "400"));
    // The connection lives, and what is proper passes.
    const auto good = world.get();
    world.settle();
    ASSERT_EQ(world.origin.order.size(), 1u);
    world.origin.respond(world.at_origin(0), {{":status", "204"}}, EndStream::kYes);
    world.settle();
    EXPECT_TRUE(world.client.seen[good].ended);
  }
}

TEST(Http2Refusal, WhatIsProperPassesThoughItLooksOdd) {
  const std::vector<Attempt> attempts = {
      {"host that agrees", with({{"host", "api.example"}})},
      {"OPTIONS *", line("OPTIONS", "https", "api.example", "*")},
      {"an own method", line("PROPFIND", "https", "api.example", "/dav")},
      {"a query", line("GET", "https", "api.example", "/?a=b&c=%20:@/?")},
      {"an empty value", with({{"x", ""}})},
      {"a tab inside a value", with({{"x", "a\tb"}})},
      {"UTF-8 in a value", with({{"x", "\xc3\xa4"}})},
      {"the same name twice", with({{"cookie", "a=b"}, {"cookie", "c=d"}})},
      {"te: trailers", with({{"te", "trailers"}})},
      {"content-length zero", with({{"content-length", "0"}})},
      {"expect", with({{"expect", "100-continue"}}), EndStream::kNo},
      {"a name with marks", with({{"x!#$%&'*+-.^_`|~9", "a"}})},
  };
  for (const auto& attempt : attempts) {
    SCOPED_TRACE(attempt.what);
    World world;
    world.client.request(attempt.head, attempt.end);
    world.settle();
    ASSERT_EQ(world.origin.order.size(), 1u);
    EXPECT_EQ(value(world.origin.seen[world.at_origin(0)], "host"), "(none)");
    EXPECT_TRUE(world.gate.complaints.empty());
  }
}

TEST(Http2Refusal, ABodyOfAnotherLengthThanPromisedNeverEndsAtTheOrigin) {
  for (const auto& [promised, sent] : {std::pair("4", "longer than four"), {"40", "shorter"}}) {
    SCOPED_TRACE(promised);
    World world;
    const auto stream = world.post({{"content-length", promised}});
    world.settle();
    world.client.send(stream, sent);
    world.client.end(stream);
    world.settle();
    ASSERT_EQ(world.origin.order.size(), 1u);
    const auto& request = world.origin.seen[world.at_origin(0)];
    EXPECT_FALSE(request.ended);
    EXPECT_TRUE(request.reset.has_value());
    EXPECT_EQ(world.client.seen[stream].reset, NGHTTP2_PROTOCOL_ERROR);
    EXPECT_EQ(world.gate.records[0]->finished, 1);
    EXPECT_NE(world.gate.records[0]->failure, "");
  }
}

TEST(Http2Refusal, TrailersThatSpeakOfFramingOrRoutingNeverReachTheOrigin) {
  for (const char* name : {"content-length", "transfer-encoding", "host", "connection", "te",
                           "authorization", "cookie", ":path", "X-Upper"}) {
    SCOPED_TRACE(name);
    World world;
    const auto stream = world.post();
    world.settle();
    world.client.send(stream, "body");
    world.client.trailers(stream, {{name, "1"}});
    world.settle();
    const auto& request = world.origin.seen[world.at_origin(0)];
    EXPECT_FALSE(request.ended);
    EXPECT_TRUE(request.reset.has_value());
    EXPECT_EQ(request.heads.size(), 1u);
    EXPECT_EQ(world.client.seen[stream].reset, NGHTTP2_PROTOCOL_ERROR);
  }
}

TEST(Http2Refusal, AHeadThatIsTooLargeIsAnsweredAndTheConnectionGoesOn) {
  const std::vector<Attempt> attempts = {
      {"bytes", with({{"x", std::string(60 * 1024, 'x')}, {"y", std::string(8 * 1024, 'y')}})},
      {"fields", with(Fields(limits::kFields, Field{"x", "y"}))},
  };
  for (const auto& attempt : attempts) {
    SCOPED_TRACE(attempt.what);
    World world;
    const auto stream = world.client.request(attempt.head, EndStream::kYes);
    world.settle();
    EXPECT_TRUE(world.origin.order.empty());
    EXPECT_EQ(value(world.client.seen[stream], ":status"), "431");
    world.get();
    world.settle();
    EXPECT_EQ(world.origin.order.size(), 1u);
  }
}

TEST(Http2Refusal, AnAnswerThatIsNotHttpIsTheOriginsFailure) {
  const std::vector<std::pair<const char*, Fields>> answers = {
      {"no :status", {{"x", "y"}}},
      {"two :status", {{":status", "200"}, {":status", "204"}}},
      {":status that is no number", {{":status", "2xx"}}},
      {"101", {{":status", "101"}}},
      {"connection", {{":status", "200"}, {"connection", "close"}}},
      {"transfer-encoding", {{":status", "200"}, {"transfer-encoding", "chunked"}}},
      {"CR LF in a value", {{":status", "200"}, {"x", "a\r\nset-cookie: b"}}},
      {"an upper-case name", {{":status", "200"}, {"X-Upper", "a"}}},
      {"a request's field", {{":status", "200"}, {":path", "/"}}},
      {"two lengths", {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}}},
      {"too large",
       {{":status", "200"}, {"x", std::string(63 * 1024, 'x')}, {"y", std::string(4096, 'y')}}},
  };
  for (const auto& [what, head] : answers) {
    SCOPED_TRACE(what);
    World world;
    const auto stream = world.get();
    world.settle();
    world.origin.respond(world.at_origin(0), head, EndStream::kNo);
    world.settle();
    EXPECT_EQ(value(world.client.seen[stream], ":status"), "502");
    EXPECT_TRUE(world.client.seen[stream].ended);
    EXPECT_EQ(world.gate.failures.size(), 1u);
    EXPECT_TRUE(world.origin.seen[world.at_origin(0)].reset.has_value());
    EXPECT_EQ(world.gate.records[0]->finished, 1);
    EXPECT_NE(world.gate.records[0]->failure, "");
  }
}

}  // namespace
}  // namespace redoubtful::proxy
