// AWS's own published examples, as tables: what a signature must be, made by a signer that is not
// ours. Each is also signed with a surrogate first and then signed anew, which must give the same.
//
// Source: awslabs/aws-c-auth, tests/aws-signing-test-suite/v4 (Apache License 2.0), and the
// examples of "Authenticating Requests", Amazon S3 API Reference.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/sigv4_support.hpp"

namespace redoubtful::proxy {
namespace {

const std::string kUnreserved =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const std::string kStsToken =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfI"
    "eoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0"
    "wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDry"
    "pNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

TEST(SigV4Vectors, TheSigningTestSuite) {
  const Suite suite{"example.amazonaws.com",
                    "AKIDEXAMPLE",
                    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                    {"20150830", "us-east-1", "service"},
                    "20150830T123600Z"};
  const Field date{"X-Amz-Date", "20150830T123600Z"};
  const std::vector<std::string> host_date = {"host", "x-amz-date"};
  const std::vector<std::string> my_header = {"host", "my-header1", "x-amz-date"};
  const SigV4Form twice{SigV4Path::kTwice, SigV4Query::kEncoded};
  const std::vector<Vector> table = {
      {"get-vanilla",
       "GET",
       "/",
       {date},
       host_date,
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative-normalized",
       "GET",
       "/example/..",
       {date},
       host_date,
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative-relative-unnormalized",
       "GET",
       "/example1/example2/../..",
       {date},
       host_date,
       "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
       twice},
      {"get-slash-dot-slash-unnormalized",
       "GET",
       "/./",
       {date},
       host_date,
       "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145",
       twice},
      {"get-slashes-normalized",
       "GET",
       "//example//",
       {date},
       host_date,
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-slashes-unnormalized",
       "GET",
       "//example//",
       {date},
       host_date,
       "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
       twice},
      {"get-space-normalized",
       "GET",
       "/example space/",
       {date},
       host_date,
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-utf8",
       "GET",
       "/\xE1\x88\xB4",
       {date},
       host_date,
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-unreserved",
       "GET",
       "/" + kUnreserved,
       {date},
       host_date,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/?Param1=value1",
       {date},
       host_date,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-encoded",
       "GET",
       "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
       {date},
       host_date,
       "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/?Param2=value2&Param1=value1",
       {date},
       host_date,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-unreserved",
       "GET",
       "/?" + kUnreserved + "=" + kUnreserved,
       {date},
       host_date,
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-vanilla-utf8-query",
       "GET",
       "/?\xE1\x88\xB4=bar",
       {date},
       host_date,
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-header-key-duplicate",
       "GET",
       "/",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}, date},
       my_header,
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       {{"My-Header1", "value4"},
        {"My-Header1", "value1"},
        {"My-Header1", "value3"},
        {"My-Header1", "value2"},
        date},
       my_header,
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}, date},
       {"host", "my-header1", "my-header2", "x-amz-date"},
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      // Its lines as fields of their own: a value over several lines is refused before it gets
      // here.
      {"get-header-value-multiline",
       "GET",
       "/",
       {{"My-Header1", "value1"}, {"My-Header1", "value2"}, {"My-Header1", "value3"}, date},
       my_header,
       "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790"},
      {"get-vanilla-with-session-token",
       "GET",
       "/",
       {date,
        {"X-Amz-Security-Token",
         "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}},
       {"host", "x-amz-date", "x-amz-security-token"},
       "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
      {"post-sts-header-before",
       "POST",
       "/",
       {{"X-Amz-Security-Token", kStsToken}, date},
       {"host", "x-amz-date", "x-amz-security-token"},
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-vanilla",
       "POST",
       "/",
       {date},
       host_date,
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"Content-Length", "13"},
        {"x-amz-content-sha256",
         "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
        date},
       {"content-length", "content-type", "host", "x-amz-content-sha256", "x-amz-date"},
       "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
       {},
       "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
  };
  for (const Vector& vector : table) check(suite, vector);
}

}  // namespace
}  // namespace redoubtful::proxy
