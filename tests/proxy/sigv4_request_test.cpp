#include "proxy/sigv4_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/sigv4_canonical.hpp"

namespace redoubtful::proxy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSignature(64, 'a');
const std::string kCredential = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";

RequestHead plain_head(Fields fields, std::string target = "/") {
  RequestHead head;
  head.method = "GET";
  head.authority = "example.amazonaws.com";
  head.target = std::move(target);
  head.fields = std::move(fields);
  return head;
}

RequestHead head_with(const std::string& authorization, Fields more = {}) {
  more.push_back({"Authorization", authorization});
  more.push_back({"X-Amz-Date", "20150830T123600Z"});
  return plain_head(std::move(more));
}

std::string usual(const std::string& names = "host;x-amz-date") {
  return "AWS4-HMAC-SHA256 Credential=" + kCredential + ", SignedHeaders=" + names +
         ", Signature=" + kSignature;
}

std::string presigned(const std::string& more = {}) {
  return "/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + uri_encoded(kCredential) +
         "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-"
         "Signature=" +
         kSignature + more;
}

TEST(SigV4Request, IsReadFromAHeader) {
  for (const std::string& authorization :
       {usual(),
        "AWS4-HMAC-SHA256 Credential=" + kCredential +
            ",SignedHeaders=host;x-amz-date,Signature=" + kSignature,
        "AWS4-HMAC-SHA256   Signature=" + kSignature + " ,\tCredential=" + kCredential +
            ",SignedHeaders=host;x-amz-date"}) {
    SCOPED_TRACE(authorization);
    const auto read = read_sigv4(head_with(authorization));
    ASSERT_TRUE(read && *read);
    const SigV4Request& request = **read;
    EXPECT_EQ(request.place, SigV4Place::kHeader);
    EXPECT_EQ(request.key_id, "AKIDEXAMPLE");
    EXPECT_EQ(request.scope, (SigV4Scope{"20150830", "us-east-1", "service"}));
    EXPECT_EQ(request.timestamp, "20150830T123600Z");
    EXPECT_EQ(request.time.time_since_epoch().count(), 1440938160);
    EXPECT_THAT(request.signed_headers, ElementsAre("host", "x-amz-date"));
    EXPECT_EQ(request.signature, kSignature);
    EXPECT_EQ(request.payload, SigV4Payload::kUndeclared);
  }
}

TEST(SigV4Request, IsReadFromAQuery) {
  const auto read = read_sigv4(plain_head({}, presigned("&versionId=1")));
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->place, SigV4Place::kQuery);
  EXPECT_EQ((*read)->expires, std::chrono::minutes(15));
  EXPECT_EQ((*read)->scope.text(), "20150830/us-east-1/service/aws4_request");
}

TEST(SigV4Request, ADateFieldWillDo) {
  const auto read = read_sigv4(plain_head(
      {{"Authorization", usual("date;host")}, {"Date", "Sun, 30 Aug 2015 12:36:00 GMT"}}));
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->timestamp, "20150830T123600Z");
}

TEST(SigV4Request, WhatIsNotSignedWithItIsNotRead) {
  for (const auto& head :
       {plain_head({}), plain_head({{"Authorization", "Bearer AWS4"}}),
        plain_head({{"Authorization", "Basic eDp5"}, {"Authorization", "Basic eDp6"}}),
        plain_head({}, "/?X-Amz-Date=1"), plain_head({}, "/?Signature=x&AWSAccessKeyId=y")}) {
    const auto read = read_sigv4(head);
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_FALSE(*read);
  }
}

TEST(SigV4Request, TheBodyIsAsDeclared) {
  const std::string hash(64, '0');
  const std::vector<std::pair<std::string, SigV4Payload>> table = {
      {hash, SigV4Payload::kHash},
      {"UNSIGNED-PAYLOAD", SigV4Payload::kUnsigned},
      {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", SigV4Payload::kUnsignedTrailer},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SigV4Payload::kChunks},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SigV4Payload::kChunksWithTrailer},
  };
  for (const auto& [text, payload] : table) {
    const auto read = read_sigv4(head_with(usual(), {{"X-Amz-Content-SHA256", text}}));
    ASSERT_TRUE(read && *read) << text;
    EXPECT_EQ((*read)->payload, payload);
    EXPECT_EQ((*read)->payload_hash, text);
  }
  // Presigned: S3 leaves the body unsigned, others do not say.
  EXPECT_EQ((*read_sigv4(plain_head({}, presigned())))->payload, SigV4Payload::kUndeclared);
  EXPECT_EQ((*read_sigv4(plain_head({}, presigned("&X-Amz-Content-Sha256=" + hash))))->payload,
            SigV4Payload::kHash);
  std::string s3 = presigned();
  s3.replace(s3.find("%2Fservice%2F"), 13, "%2Fs3%2F");
  EXPECT_EQ((*read_sigv4(plain_head({}, s3)))->payload, SigV4Payload::kUnsigned);
}

// What is wrong, and what the answer must say of it.
TEST(SigV4Request, WhatIsMalformedIsRefused) {
  const auto auth = [](const std::string& credential, const std::string& names,
                       const std::string& signature) {
    return "AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=" + names +
           ", Signature=" + signature;
  };
  const std::string names = "host;x-amz-date";
  const Field also{"Authorization", "Bearer x"};
  const std::vector<std::pair<RequestHead, std::string>> table = {
      {head_with("AWS4-HMAC-SHA256"), "part"},
      {head_with("AWS4-HMAC-SHA256 "), "part"},
      {head_with("AWS4-HMAC-SHA512 Credential=a"), "algorithm"},
      {head_with("aws4-hmac-sha256 Credential=a"), "algorithm"},
      {head_with(usual() + ","), "part"},
      {head_with(usual() + ", Signature=" + kSignature), "twice"},
      {head_with(usual() + ", Extra=1"), "part"},
      {head_with(auth("AKID/20150830/us-east-1/aws4_request", names, kSignature)), "five parts"},
      {head_with(auth("AKID/20150830/us-east-1/s3/aws4", names, kSignature)), "end"},
      {head_with(auth("AKID/20150830/us-east-1/s3/x/aws4_request", names, kSignature)), "end"},
      {head_with(auth("/20150830/us-east-1/s3/aws4_request", names, kSignature)), "credential"},
      {head_with(auth("AK ID/20150830/us-east-1/s3/aws4_request", names, kSignature)),
       "credential"},
      {head_with(auth("AKID/2015083/us-east-1/s3/aws4_request", names, kSignature)), "credential"},
      {head_with(auth("AKID/20150830/us-east-1/s%33/aws4_request", names, kSignature)),
       "credential"},
      {head_with(auth("AKID/20150831/us-east-1/s3/aws4_request", names, kSignature)), "day"},
      {head_with(auth(kCredential, "x-amz-date", kSignature)), "host"},
      {head_with(auth(kCredential, "x-amz-date;host", kSignature)), "sorted"},
      {head_with(auth(kCredential, "Host;x-amz-date", kSignature)), "sorted"},
      {head_with(auth(kCredential, "host;host", kSignature)), "sorted"},
      {head_with(auth(kCredential, "host;", kSignature)), "sorted"},
      {head_with(auth(kCredential, ":authority;host", kSignature)), "sorted"},
      {head_with(auth(kCredential, names, kSignature + "a")), "64"},
      {head_with(auth(kCredential, names, std::string(64, 'A'))), "64"},
      {head_with(usual(), {also}), "only"},
      {head_with(usual(), {{"authorization", usual()}}), "only"},
      {head_with(usual(), {{"x-amz-date", "20150830T123600Z"}}), "date"},
      {plain_head({{"Authorization", usual()}}), "date"},
      {plain_head({{"Authorization", usual()}, {"X-Amz-Date", "20150830T246000Z"}}), "date"},
      {plain_head({{"Authorization", usual()}, {"X-Amz-Date", "20150230T123600Z"}}), "date"},
      {plain_head({{"Authorization", usual()}, {"Date", "Sunday, 30-Aug-15 12:36:00 GMT"}}),
       "date"},
      {head_with(usual(), {{"x-amz-content-sha256", "abc"}}), "body"},
      {head_with(usual(), {{"x-amz-content-sha256", ""}}), "body"},
      {head_with(usual(), {{"x-amz-content-sha256", std::string(64, '0')},
                           {"X-Amz-Content-Sha256", std::string(64, '0')}}),
       "more than one"},
      {plain_head({{"Authorization", usual()}}, presigned()), "twice"},
      {plain_head({also}, presigned()), "twice"},
      {plain_head({}, presigned("&X-Amz-Signature=" + kSignature)), "twice"},
      {plain_head({}, presigned("&x-amz-date=20150830T123600Z")), "spelling"},
      {plain_head({}, presigned("&X-Amz-Security%2DToken=x")), "spelling"},
      {plain_head({}, "/?X-Amz-Signature=" + kSignature), "lacks"},
      {plain_head({}, "/?X-Amz-Credential=" + uri_encoded(kCredential)), "lacks"},
  };
  for (const auto& [head, words] : table) {
    SCOPED_TRACE(head.target + " " + (head.fields.empty() ? "" : head.fields[0].value));
    const auto read = read_sigv4(head);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), Errc::kPeerProtocol);
    EXPECT_THAT(read.error().what(), HasSubstr(words));
  }
  for (const std::string expires : {"0", "-1", "604801", "9999999999999", "1e3", "", "+5"}) {
    std::string target = presigned();
    target.replace(target.find("=900&"), 5, "=" + expires + "&");
    EXPECT_FALSE(read_sigv4(plain_head({}, target))) << expires;
  }
}

TEST(SigV4Request, WhatCannotBeSignedAnewIsSaid) {
  std::string ecdsa = presigned("&X-Amz-Region-Set=*");
  ecdsa.replace(ecdsa.find("HMAC"), 11, "ECDSA-P256-SHA256");
  const std::vector<std::pair<RequestHead, std::string>> table = {
      {head_with("AWS4-ECDSA-P256-SHA256 Credential=AKID/20150830/s3/aws4_request, "
                 "SignedHeaders=host, Signature=30"),
       "SigV4A"},
      {plain_head({}, ecdsa), "SigV4A"},
      {head_with(usual(), {{"x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}}),
       "SigV4A"},
      {head_with(usual(), {{"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"}}),
       "event stream"},
      {head_with("AWS AKID:signature="), "version 2"},
  };
  for (const auto& [head, words] : table) {
    const auto read = read_sigv4(head);
    ASSERT_FALSE(read) << words;
    EXPECT_THAT(read.error().what(), HasSubstr(words));
    EXPECT_NE(read.error().hint(), "");
  }
}

TEST(SigV4Canonical, PathsOfS3AreEncodedOnce) {
  for (const auto& [path, canonical] : std::vector<std::pair<std::string, std::string>>{
           {"/", "/"},
           {"/a//b/../c/", "/a//b/../c/"},
           {"/a%20b%7e%2f(c)", "/a%20b~/%28c%29"},
           {"/%e1%88%b4", "/%E1%88%B4"},
           {"/100%", "/100%25"},
       }) {
    EXPECT_EQ(canonical_path(path, SigV4Path::kOnce), canonical);
    EXPECT_EQ(canonical_path(path, SigV4Path::kAsSent), path);
  }
}

TEST(SigV4Canonical, OtherPathsAreNormalisedAsTheyStandAndEncodedAgain) {
  for (const auto& [path, canonical] : std::vector<std::pair<std::string, std::string>>{
           {"/", "/"},
           {"//", "/"},
           {"/a//b/../c/", "/a/c/"},
           {"/prod/", "/prod/"},
           {"/../..", "/"},
           {"/a/./b", "/a/b"},
           {"/model/arn%3Aaws%2Fx/invoke", "/model/arn%253Aaws%252Fx/invoke"},
           {"/a%2F..%2Fb", "/a%252F..%252Fb"},
           {"/a%20b", "/a%2520b"},
           {"/-._~", "/-._~"},
       }) {
    EXPECT_EQ(canonical_path(path, SigV4Path::kTwiceNormalised), canonical);
  }
}

TEST(SigV4Canonical, QueriesAreSortedAndAPlusIsAPlus) {
  for (const auto& [query, encoded, as_sent] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"", "", ""},
           {"acl", "acl=", "acl="},
           {"b=2&a=1&a=0", "a=0&a=1&b=2", "a=0&a=1&b=2"},
           {"a=1+1", "a=1%2B1", "a=1+1"},
           {"a=b=c", "a=b%3Dc", "a=b=c"},
           {"=x&a", "=x&a=", "=x&a="},
           {"a-=1&a=2", "a=2&a-=1", "a=2&a-=1"},
           {"a=%2f%7E&b=%zz", "a=%2F~&b=%25zz", "a=%2f%7E&b=%zz"},
           {"a&&b", "a=&b=", "=&a=&b="},
           {"a&X-Amz-Signature=1", "a=", "a="},
       }) {
    EXPECT_EQ(canonical_query(query, SigV4Query::kEncoded), encoded) << query;
    EXPECT_EQ(canonical_query(query, SigV4Query::kAsSent), as_sent) << query;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
