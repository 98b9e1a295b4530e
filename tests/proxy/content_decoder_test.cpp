// Packed bodies: unpacked whatever way they come, never in more memory than a piece takes, and
// broken ones told from whole ones.

#include "proxy/content_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/limits.hpp"
#include "tests/proxy/packed.hpp"

namespace redoubtful::proxy {
namespace {

using Coding = ContentDecoder::Coding;
using test::packed;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Of what was given in pieces of `step` bytes; "fault: …" for what is broken.
std::string unpacked(Coding coding, std::string_view bytes, std::size_t step) {
  ContentDecoder decoder(coding);
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    decoder.give(bytes.substr(0, step));
    do {
      const std::size_t before = out.size();
      decoder.take(out);
      EXPECT_LE(out.size() - before, limits::kRelayBytes);
    } while (decoder.pending());
  }
  decoder.finish();
  return decoder.fault().empty() ? out : "fault: " + std::string(decoder.fault());
}

std::string text_of(std::size_t size) {
  std::string out;
  while (out.size() < size) out += "line " + std::to_string(out.size() * 7919) + "\n";
  return out;
}

TEST(ContentDecoder, UnpacksEachFormatHoweverItIsCut) {
  for (const std::size_t size : {0U, 1U, 100U, 300000U}) {
    const std::string text = text_of(size);
    for (const std::size_t step : {std::size_t{1}, std::size_t{13}, std::size_t{1} << 20U}) {
      EXPECT_EQ(unpacked(Coding::kGzip, packed(text, test::kGzip), step), text);
      EXPECT_EQ(unpacked(Coding::kDeflate, packed(text, test::kZlib), step), text);
      EXPECT_EQ(unpacked(Coding::kDeflate, packed(text, test::kBare), step), text);
    }
  }
}

TEST(ContentDecoder, SeveralMembersAreOneBodyAndWhatFollowsThemIsDropped) {
  const std::string two = packed("one ", test::kGzip) + packed("two", test::kGzip);
  for (const std::size_t step : {1U, 1000U}) {
    EXPECT_EQ(unpacked(Coding::kGzip, two, step), "one two");
    EXPECT_EQ(unpacked(Coding::kGzip, two + std::string(600, '\0'), step), "one two");
    EXPECT_EQ(unpacked(Coding::kGzip, two + "a secret in the clear", step), "one two");
  }
}

TEST(ContentDecoder, NothingAtAllIsAnEmptyBody) {
  EXPECT_EQ(unpacked(Coding::kGzip, "", 1), "");
  EXPECT_EQ(unpacked(Coding::kDeflate, "", 1), "");
}

TEST(ContentDecoder, WhatIsBrokenIsAFault) {
  const std::string whole = packed(text_of(5000), test::kGzip);
  std::string wrong_sum = whole;
  wrong_sum[whole.size() - 6] = static_cast<char>(wrong_sum[whole.size() - 6] ^ 1);
  std::string wrong_data = whole;
  wrong_data[whole.size() / 2] = static_cast<char>(wrong_data[whole.size() / 2] ^ 0x55);
  const std::vector<std::pair<const char*, std::string>> broken = {
      {"cut", whole.substr(0, whole.size() - 1)},
      {"cut in the head", whole.substr(0, 5)},
      {"a wrong checksum", wrong_sum},
      {"wrong data", wrong_data},
      {"plain text", "this is not packed"},
      {"zlib", packed("x", test::kZlib)}};
  for (const auto& [name, bytes] : broken) {
    for (const std::size_t step : {1U, 100000U}) {
      EXPECT_THAT(unpacked(Coding::kGzip, bytes, step), HasSubstr("fault: ")) << name;
    }
  }
  EXPECT_THAT(unpacked(Coding::kDeflate, "x", 1), HasSubstr("fault: ")) << "one byte";
}

TEST(ContentDecoder, ABodyThatUnpacksToAThousandTimesItsSizeComesPieceByPiece) {
  ContentDecoder decoder(Coding::kGzip);
  decoder.give(packed(std::string(64U << 20U, 'a'), test::kGzip));
  std::size_t size = 0;
  std::string out;
  do {
    out.clear();
    decoder.take(out);
    ASSERT_LE(out.size(), limits::kRelayBytes);
    size += out.size();
  } while (decoder.pending());
  decoder.finish();
  EXPECT_THAT(decoder.fault(), IsEmpty());
  EXPECT_EQ(size, 64U << 20U);
}

TEST(ContentDecoder, KnowsItsCodings) {
  EXPECT_EQ(coding_named("gzip"), Coding::kGzip);
  EXPECT_EQ(coding_named("X-GZIP"), Coding::kGzip);
  EXPECT_EQ(coding_named("Deflate"), Coding::kDeflate);
  for (const char* other : {"br", "zstd", "compress", "dcb", "aws-chunked", "", "gzipx"}) {
    EXPECT_EQ(coding_named(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
