#include "proxy/chunked.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

struct Decoded {
  std::string data;
  std::string rest;
  bool done = false;
  std::string fault;
};

Decoded decode(std::string_view bytes, std::size_t step) {
  ChunkedDecoder decoder;
  Decoded decoded;
  while (!bytes.empty() && !decoder.done() && !decoder.fault()) {
    const auto taken = decoder.take(bytes.substr(0, step));
    decoded.data += taken.data;
    bytes.remove_prefix(taken.taken);
  }
  decoded.rest = bytes;
  decoded.done = decoder.done();
  if (decoder.fault()) decoded.fault = decoder.fault()->reason;
  return decoded;
}

TEST(Chunked, IsDecodedTheSameInWhateverPiecesItComes) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"0\r\n\r\n", ""},
      {"3\r\nabc\r\n0\r\n\r\n", "abc"},
      {"A\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n", "0123456789\n"},
      {"000000000000000a;x=y;z\r\n0123456789\r\n000\r\nX: y\r\n\r\n", "0123456789"},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
  };
  for (const auto& [bytes, data] : table) {
    for (std::size_t step = 1; step <= bytes.size() + 4; ++step) {
      SCOPED_TRACE(bytes + " by " + std::to_string(step));
      const Decoded decoded = decode(bytes + "NEXT", step);
      EXPECT_TRUE(decoded.done);
      EXPECT_EQ(decoded.data, data);
      EXPECT_EQ(decoded.rest, "NEXT");
    }
  }
}

TEST(Chunked, WhatIsMalformedIsNeverDone) {
  for (const std::string_view bytes :
       {"g\r\n", "-1\r\n", "\r\n", "1\n", "1\rx", "1 \r\n", " 1\r\n", "1\r\nab", "1\r\na\n",
        "8000000000000000\r\n", "ffffffffffffffff\r\n", "00000000000000001\r\n",
        "0\r\nX : y\r\n\r\n", "0\r\nX: y\n", "0\r\n X: y\r\n\r\n"}) {
    for (std::size_t step : {std::size_t{1}, bytes.size()}) {
      SCOPED_TRACE(std::string(bytes));
      const Decoded decoded = decode(bytes, step);
      EXPECT_FALSE(decoded.done);
      EXPECT_NE(decoded.fault, "");
    }
  }
}

TEST(Chunked, TrailersAreBoundedAndCheckedLikeFields) {
  std::string many = "0\r\n";
  for (int i = 0; i < 257; ++i) many += "x: y\r\n";
  EXPECT_NE(decode(many + "\r\n", 1000).fault, "");
  EXPECT_NE(decode("0\r\nx: " + std::string(70'000, 'y') + "\r\n\r\n", 1000).fault, "");
  ChunkedDecoder decoder;
  decoder.take("0\r\nX-Sum: 1\r\nHOST: evil\r\nContent-Length: 3\r\nCookie: a\r\nX-Two: 2\r\n\r\n");
  ASSERT_TRUE(decoder.done());
  ASSERT_EQ(decoder.trailers().size(), 2u);
  EXPECT_EQ(decoder.trailers()[0].name, "X-Sum");
  EXPECT_EQ(decoder.trailers()[1].name, "X-Two");
}

TEST(Chunked, HeadersAreHexAndTheEndCarriesTrailers) {
  EXPECT_EQ(ChunkHeader(1).text(), "1\r\n");
  EXPECT_EQ(ChunkHeader(65536).text(), "10000\r\n");
  EXPECT_EQ(ChunkHeader(UINT64_MAX).text(), "ffffffffffffffff\r\n");
  EXPECT_EQ(last_chunk({}), "0\r\n\r\n");
  EXPECT_EQ(last_chunk({{"a", "b"}}), "0\r\na: b\r\n\r\n");
}

}  // namespace
}  // namespace redoubtful::proxy
