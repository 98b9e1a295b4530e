#include "proxy/sigv4_chunks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

using testing::HasSubstr;

const SigV4Scope kScope{"20130524", "us-east-1", "s3"};
const std::string kTime = "20130524T000000Z";
const std::string kSeed(64, '1');
const std::string kOriginSeed(64, '2');

// Writes a body as a client does, with a secret and the signature of a head.
class Writer {
 public:
  Writer(std::string_view secret, std::string seed)
      : key_(secret, kScope), previous_(std::move(seed)) {}

  std::string sign(std::string_view kind, const std::string& rest) {
    previous_ = key_.sign(std::string(kind) + "\n" + kTime + "\n" + kScope.text() + "\n" +
                          previous_ + "\n" + rest);
    return previous_;
  }
  Writer& chunk(const std::string& size, const std::string& data) {
    body += size + ";chunk-signature=" +
            sign("AWS4-HMAC-SHA256-PAYLOAD", std::string(kEmptySha256) + "\n" + sha256_hex(data)) +
            "\r\n";
    if (!data.empty()) body += data + "\r\n";
    return *this;
  }
  // `wire`: as it is sent; `canonical`: as it is signed.
  Writer& trailer(const std::string& wire, const std::string& canonical,
                  const std::string& name = "x-amz-trailer-signature:") {
    body += wire + name + sign("AWS4-HMAC-SHA256-TRAILER", sha256_hex(canonical)) + "\r\n";
    return *this;
  }
  Writer& end() {
    body += "\r\n";
    return *this;
  }
  std::string body;

 private:
  SigningKey key_;
  std::string previous_;
};

ChunkResigner resigner(SigV4Payload payload = SigV4Payload::kChunks) {
  return ChunkResigner(kTime, kScope, payload, {SigningKey("surrogate", kScope), kSeed},
                       {SigningKey("real", kScope), kOriginSeed});
}

struct Passed {
  std::string out;
  std::string fault;
};
Passed pass(std::string_view body, std::size_t step, SigV4Payload payload = SigV4Payload::kChunks) {
  ChunkResigner filter = resigner(payload);
  Passed passed;
  while (!body.empty()) {
    filter.feed(body.substr(0, step), passed.out);
    body.remove_prefix(std::min(step, body.size()));
  }
  filter.finish(passed.out);
  passed.fault = filter.fault();
  return passed;
}

std::string written(std::string_view secret, const std::string& seed, int which) {
  Writer writer(secret, seed);
  switch (which) {
    case 0:
      return writer.chunk("0", "").end().body;
    case 1:
      return writer.chunk("3", "abc").chunk("0", "").end().body;
    case 2:
      return writer.chunk("00000011", "a line\r\n0;chunk-x")
          .chunk("2", "\r\n")
          .chunk("00", "")
          .end()
          .body;
    case 3:
      return writer.chunk("A", "0123456789")
          .chunk("1", std::string(1, '\0'))
          .chunk("0", "")
          .end()
          .body;
    case 4:
      return writer.chunk("1", "x").chunk("0", "").trailer("", "").end().body;
    case 5:
      return writer.chunk("0", "")
          .trailer("x-amz-b: 2 \r\nX-Amz-A:1\r\n", "x-amz-a:1\nx-amz-b:2\n",
                   "X-Amz-Trailer-Signature: ")
          .end()
          .body;
    default:
      return {};
  }
}

TEST(SigV4Chunks, AreSignedAnewTheSameInWhateverPiecesTheyCome) {
  for (int which = 0; which < 6; ++which) {
    const auto payload = which < 4 ? SigV4Payload::kChunks : SigV4Payload::kChunksWithTrailer;
    const std::string body = written("surrogate", kSeed, which);
    const std::string wanted = written("real", kOriginSeed, which);
    ASSERT_EQ(body.size(), wanted.size());
    for (std::size_t step = 1; step <= body.size(); ++step) {
      const Passed passed = pass(body, step, payload);
      EXPECT_EQ(passed.fault, "");
      ASSERT_EQ(passed.out, wanted) << which << " by " << step;
    }
  }
}

TEST(SigV4Chunks, NoChunkIsHeldLongerThanItTakesToCome) {
  ChunkResigner filter = resigner();
  const std::string body = Writer("surrogate", kSeed).chunk("3", "abc").body;
  std::string out;
  filter.feed(std::string_view(body).substr(0, body.size() - 1), out);
  EXPECT_EQ(out, "");
  filter.feed("\n", out);
  EXPECT_EQ(out.size(), body.size());
}

// Each is a good body with one thing wrong, and says what.
TEST(SigV4Chunks, WhatIsNotSignedOrMalformedGoesNoFurther) {
  const std::string good = Writer("surrogate", kSeed).chunk("3", "abc").chunk("0", "").end().body;
  const std::string head = good.substr(0, good.find("\r\n") + 2);
  const auto replaced = [&](std::string_view what, const std::string& with) {
    std::string body = good;
    return body.replace(body.find(what), what.size(), with);
  };
  const std::string big = "400001;" + head.substr(2);
  const std::vector<std::pair<std::string, std::string>> table = {
      {replaced("abc", "abd"), "not signed"},
      {replaced("3;", "2;"), "CRLF"},
      {replaced("3;", "4;"), "CRLF"},
      {replaced("3;", ";"), "size"},
      {replaced("3;", "-3;"), "size"},
      {replaced("3;", "0x3;"), "size"},
      {replaced("3;", " 3;"), "size"},
      {replaced("3;", "000000003;"), "size"},
      {replaced(";chunk-signature", ";Chunk-Signature"), "size"},
      {replaced(";chunk-signature", ";a=b;chunk-signature"), "size"},
      {replaced("=", "=="), "size"},
      {replaced("\r\nabc", "\nabc"), "CR"},
      {replaced("\r\nabc", "\r\n\r\nabc"), "CRLF"},
      {replaced("abc\r\n", "abc"), "CRLF"},
      {replaced("abc\r\n", "abc\n"), "CR"},
      {good.substr(head.size() + 5), "not signed"},
      {head + "abc\r\n" + good, "not signed"},
      {good.substr(0, good.size() - 2), "end before"},
      {good.substr(0, head.size() + 1), "end before"},
      {good.substr(0, 10), "end before"},
      {"", "end before"},
      {good + "x", "more behind"},
      {good + good, "more behind"},
      {good.substr(0, good.size() - 2) + "x-amz-checksum:1\r\n\r\n", "empty line"},
      {Writer("surrogate", kSeed).chunk("0", "").trailer("", "").end().body, "empty line"},
      {Writer("another", kSeed).chunk("3", "abc").chunk("0", "").end().body, "not signed"},
      {Writer("surrogate", kOriginSeed).chunk("0", "").end().body, "not signed"},
      {big, "4 MiB"},
      {std::string(100'000, '0'), "size"},
  };
  for (const auto& [body, words] : table) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, body.size() + 1}) {
      SCOPED_TRACE(body.substr(0, 300) + " by " + std::to_string(step));
      const Passed passed = pass(body, step);
      EXPECT_THAT(passed.fault, HasSubstr(words));
      EXPECT_LE(passed.out.size(), good.size());
    }
  }
}

TEST(SigV4Chunks, ATrailerMustBeSignedToo) {
  const auto base = [] {
    return std::move(Writer("surrogate", kSeed).chunk("1", "x").chunk("0", ""));
  };
  const std::string line = "x-amz-checksum-crc32c:sOO8/Q==\r\n";
  const std::string canonical = "x-amz-checksum-crc32c:sOO8/Q==\n";
  std::string changed = base().trailer(line, canonical).end().body;
  changed.replace(changed.find("sOO8"), 4, "AAAA");
  const std::vector<std::pair<std::string, std::string>> table = {
      {changed, "not signed"},
      {base().body + line + "\r\n", "not signed"},
      {base().end().body, "not signed"},
      {base().body + line, "end before"},
      {base().body + "no colon\r\n", "malformed"},
      {base().body + ":empty\r\n", "malformed"},
      {base().body + "x y:1\r\n", "malformed"},
      {base().body + "x-amz-trailer-signature:abc\r\n", "malformed"},
      {base().trailer(line, canonical).body + line, "empty line"},
      {base().trailer(line, canonical).end().body + "\r\n", "more behind"},
      {base().trailer(line, "x-amz-checksum-crc32c:sOO8/Q==").end().body, "not signed"},
      {base().body + "x:" + std::string(limits::kAwsTrailerBytes, 'y') + "\r\n", "too long"},
  };
  for (const auto& [body, words] : table) {
    SCOPED_TRACE(body.substr(0, 400));
    const Passed passed = pass(body, 5, SigV4Payload::kChunksWithTrailer);
    EXPECT_THAT(passed.fault, HasSubstr(words));
  }
}

TEST(SigV4Chunks, AfterAFaultNothingMoreComesOut) {
  ChunkResigner filter = resigner();
  std::string out;
  filter.feed("zz\r\n", out);
  EXPECT_NE(filter.fault(), "");
  const std::string why(filter.fault());
  filter.feed(written("surrogate", kSeed, 1), out);
  filter.finish(out);
  EXPECT_EQ(out, "");
  EXPECT_EQ(filter.fault(), why);
}

}  // namespace
}  // namespace redoubtful::proxy
