#include "proxy/message.hpp"

#include <gmock/gmock.h>

namespace redoubtful::proxy {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const Fields& fields) {
  std::vector<std::string> out;
  for (const auto& field : fields) out.push_back(field.name);
  return out;
}

std::vector<std::string> left_of(Fields fields) {
  remove_hop_by_hop(fields);
  return names(fields);
}

TEST(HopByHop, WhatIsBetweenTwoNeighboursIsDropped) {
  EXPECT_THAT(left_of({{"Connection", "keep-alive"},
                       {"Keep-Alive", "timeout=5"},
                       {"Proxy-Connection", "keep-alive"},
                       {"Proxy-Authenticate", "Basic"},
                       {"Proxy-Authorization", "Basic eA=="},
                       {"Transfer-Encoding", "chunked"},
                       {"Upgrade", "h2c"},
                       {"HTTP2-Settings", "AAMAAABk"},
                       {"TE", "gzip"},
                       {"Trailer", "X-Sum"},
                       {"Accept", "*/*"},
                       {"Content-Length", "3"}}),
              ElementsAre("Trailer", "Accept", "Content-Length"));
}

TEST(HopByHop, WhatConnectionNamesIsDroppedInAnySpelling) {
  EXPECT_THAT(left_of({{"CONNECTION", "close, X-One ,x-two,\t x-THREE"},
                       {"connection", ",,x-four,"},
                       {"X-One", "1"},
                       {"x-one", "again"},
                       {"X-TWO", "2"},
                       {"x-three", "3"},
                       {"X-Four", "4"},
                       {"X-Five", "5"},
                       {"X-On", "6"}}),
              ElementsAre("X-Five", "X-On"));
}

// CVE-2022-31813 and its kind: a hop-by-hop header that takes away what the next server decides by.
TEST(HopByHop, ConnectionDoesNotTakeAwayWhatAMessagesMeaningHangsOn) {
  EXPECT_THAT(
      left_of({{"Connection",
                "Host, Content-Length, Authorization, cookie, Content-Type, "
                "Expect"},
               {"Host", "a.example"},
               {"Content-Length", "3"},
               {"Authorization", "x"},
               {"Cookie", "x"},
               {"Content-Type", "text/plain"},
               {"Expect", "100-continue"}}),
      ElementsAre("Host", "Content-Length", "Authorization", "Cookie", "Content-Type", "Expect"));
}

TEST(HopByHop, TrailersAreStillAskedFor) {
  for (const char* value : {"trailers", "Trailers", "gzip, trailers", " trailers ,deflate;q=0.5"}) {
    Fields fields = {{"TE", value}, {"Connection", "TE"}, {"A", "b"}};
    remove_hop_by_hop(fields);
    ASSERT_THAT(names(fields), ElementsAre("A", "te")) << value;
    EXPECT_EQ(fields[1].value, "trailers") << value;
  }
  for (const char* value : {"", "gzip", "trailersx", "x-trailers", "trailers;q=0"}) {
    EXPECT_THAT(left_of({{"TE", value}}), ElementsAre()) << value;
  }
}

TEST(Fields, AreFoundAndRemovedWithoutCase) {
  Fields fields = {{"X-A", "1"}, {"x-a", "2"}, {"X-B", "3"}};
  EXPECT_EQ(*find_field(fields, "x-A"), "1");
  EXPECT_EQ(find_field(fields, "x-"), nullptr);
  EXPECT_EQ(find_field(fields, "x-c"), nullptr);
  remove_fields(fields, "X-a");
  EXPECT_THAT(names(fields), ElementsAre("X-B"));
}

// Only ASCII letters have a case here: in a Turkish or Unicode folding "K" (U+212A) would be a k.
TEST(Fields, OnlyAsciiLettersHaveACase) {
  EXPECT_TRUE(equals_ignoring_case("AZaz09-", "azAZ09-"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("\xe2\x84\xaa", "k"));
  EXPECT_FALSE(equals_ignoring_case("\xc0", "\xe0"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
}

}  // namespace
}  // namespace redoubtful::proxy
