// The published examples of S3: in a header, presigned, in signed chunks, with a trailer.
//
// Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/sigv4_support.hpp"

namespace redoubtful::proxy {
namespace {

const std::string kS3KeyId = "AKIAIOSFODNN7EXAMPLE";
const std::string kS3Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SigV4Scope kS3Scope{"20130524", "us-east-1", "s3"};
const std::string kS3Time = "20130524T000000Z";
const SigV4Form kS3Form{SigV4Path::kOnce, SigV4Query::kEncoded};

TEST(SigV4Vectors, TheExamplesOfS3) {
  const Suite suite{"examplebucket.s3.amazonaws.com", kS3KeyId, kS3Secret, kS3Scope, kS3Time};
  const Field date{"x-amz-date", kS3Time};
  const std::string empty(kEmptySha256);
  const Field no_body{"x-amz-content-sha256", empty};
  const std::vector<std::string> usual = {"host", "x-amz-content-sha256", "x-amz-date"};
  const std::string text_hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
  const std::vector<Vector> table = {
      {"GET Object",
       "GET",
       "/test.txt",
       {{"Range", "bytes=0-9"}, no_body, date},
       {"host", "range", "x-amz-content-sha256", "x-amz-date"},
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
       kS3Form,
       empty},
      {"PUT Object",
       "PUT",
       "/test$file.text",
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
        date,
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
        {"x-amz-content-sha256", text_hash}},
       {"date", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-storage-class"},
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
       kS3Form,
       text_hash},
      {"GET Bucket Lifecycle",
       "GET",
       "/?lifecycle",
       {date, no_body},
       usual,
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
       kS3Form,
       empty},
      {"Get Bucket",
       "GET",
       "/?max-keys=2&prefix=J",
       {date, no_body},
       usual,
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
       kS3Form,
       empty},
  };
  for (const Vector& vector : table) check(suite, vector);
}

TEST(SigV4Vectors, ThePresignedExampleOfS3) {
  RequestHead head;
  head.method = "GET";
  head.authority = "examplebucket.s3.amazonaws.com";
  head.target = "/test.txt";
  RequestHead expected = head;
  ClientSigner signer{kS3KeyId, kS3Secret,          kS3Scope, kS3Time,
                      {"host"}, "UNSIGNED-PAYLOAD", kS3Form};
  signer.presign(expected, "86400");
  EXPECT_THAT(
      expected.target,
      testing::EndsWith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d"
                        "157751f604d404"));
  const AwsSurrogate surrogate = surrogate_keys();
  signer.key_id = surrogate.key_id;
  signer.secret = surrogate.secret;
  signer.presign(head, "86400");
  RequestHead sent = head;
  const auto read = read_signed(head);
  const auto resigned =
      resign(read, head, sent, surrogate, real_keys(kS3KeyId, kS3Secret), read.time);
  ASSERT_TRUE(resigned) << resigned.error().what();
  EXPECT_EQ(sent.target, expected.target);
}

// The body of the two streaming examples: 65 KiB of 'a'.
struct Streamed {
  std::string name;
  Vector vector;
  std::vector<std::string> signatures;  // of the chunks of 65536, 1024 and 0 bytes
  std::string trailer;                  // signature; empty: none
};

std::string streamed_body(const std::vector<std::string>& signatures, const std::string& trailer) {
  std::string body = "10000;chunk-signature=" + signatures[0] + "\r\n" + std::string(65536, 'a') +
                     "\r\n400;chunk-signature=" + signatures[1] + "\r\n" + std::string(1024, 'a') +
                     "\r\n0;chunk-signature=" + signatures[2] + "\r\n";
  if (!trailer.empty()) {
    body += "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" + trailer + "\r\n";
  }
  return body + "\r\n";
}

// The same with another key: what a client in the box sends.
std::string signed_body(const SigningKey& key, std::string previous, const std::string& trailer) {
  const auto next = [&](std::string_view kind, const std::string& rest) {
    previous = key.sign(std::string(kind) + "\n" + kS3Time + "\n" + kS3Scope.text() + "\n" +
                        previous + "\n" + rest);
    return previous;
  };
  std::vector<std::string> signatures;
  for (const std::size_t size : {65536, 1024, 0}) {
    signatures.push_back(next("AWS4-HMAC-SHA256-PAYLOAD", std::string(kEmptySha256) + "\n" +
                                                              sha256_hex(std::string(size, 'a'))));
  }
  if (trailer.empty()) return streamed_body(signatures, {});
  return streamed_body(
      signatures, next("AWS4-HMAC-SHA256-TRAILER", sha256_hex("x-amz-checksum-crc32c:sOO8/Q==\n")));
}

TEST(SigV4Vectors, TheStreamingExamplesOfS3) {
  const Suite suite{"s3.amazonaws.com", kS3KeyId, kS3Secret, kS3Scope, kS3Time};
  const Field date{"x-amz-date", kS3Time};
  const Field storage{"x-amz-storage-class", "REDUCED_REDUNDANCY"};
  const Field coding{"Content-Encoding", "aws-chunked"};
  const Field decoded{"x-amz-decoded-content-length", "66560"};
  const std::string chunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const std::vector<Streamed> table = {
      {"without a trailer",
       {"",
        "PUT",
        "/examplebucket/chunkObject.txt",
        {date,
         storage,
         {"x-amz-content-sha256", chunks},
         coding,
         decoded,
         {"Content-Length", "66824"}},
        {"content-encoding", "content-length", "host", "x-amz-content-sha256", "x-amz-date",
         "x-amz-decoded-content-length", "x-amz-storage-class"},
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        kS3Form,
        chunks},
       {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
       ""},
      {"with a trailer",
       {"",
        "PUT",
        "/examplebucket/chunkObject.txt",
        {date,
         storage,
         {"x-amz-content-sha256", chunks + "-TRAILER"},
         coding,
         decoded,
         {"x-amz-trailer", "x-amz-checksum-crc32c"},
         {"Content-Length", "66946"}},
        {"content-encoding", "host", "x-amz-content-sha256", "x-amz-date",
         "x-amz-decoded-content-length", "x-amz-storage-class", "x-amz-trailer"},
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        kS3Form,
        chunks + "-TRAILER"},
       {"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
       "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"},
  };
  for (const Streamed& example : table) {
    SCOPED_TRACE(example.name);
    check(suite, example.vector);
    const AwsSurrogate surrogate = surrogate_keys();
    RequestHead received = head_of(suite, example.vector);
    received.has_body = true;
    ClientSigner{surrogate.key_id, surrogate.secret,     kS3Scope,
                 kS3Time,          example.vector.names, example.vector.payload_hash,
                 kS3Form}
        .sign(received);
    RequestHead sent = received;
    const auto read = read_signed(received);
    auto resigned =
        resign(read, received, sent, surrogate, real_keys(kS3KeyId, kS3Secret), read.time);
    ASSERT_TRUE(resigned) << resigned.error().what();
    ASSERT_NE(resigned->body, nullptr);
    const std::string body =
        signed_body(SigningKey(surrogate.secret, kS3Scope), read.signature, example.trailer);
    std::string out;
    resigned->body->feed(body, out);
    resigned->body->finish(out);
    EXPECT_EQ(resigned->body->fault(), "");
    EXPECT_TRUE(out == streamed_body(example.signatures, example.trailer));
    EXPECT_EQ(std::to_string(out.size()), *find_field(sent.fields, "content-length"));
  }
}

}  // namespace
}  // namespace redoubtful::proxy
