#include "proxy/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/sigv4_support.hpp"

namespace redoubtful::proxy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const SigV4Scope kScope{"20150830", "us-east-1", "bedrock"};
const std::string kTime = "20150830T123600Z";
const std::string kBodyHash(64, 'b');

// A client, what it sends, and what becomes of it.
struct Case {
  AwsSurrogate surrogate = surrogate_keys("the surrogate's token");
  std::string real_token = "the real token";
  SigV4Scope scope = kScope;
  SigV4Form form{};
  std::vector<std::string> names = {"host", "x-amz-date", "x-amz-security-token"};
  RequestHead head;
  std::chrono::seconds late{0};
  std::string body_hash;

  Case() {
    head.method = "POST";
    head.authority = "bedrock-runtime.us-east-1.amazonaws.com";
    head.target = "/model/arn%3Aaws%2Fx/invoke?b=2&a=1";
    head.fields = {{"X-Amz-Date", kTime}, {"X-Amz-Security-Token", surrogate.session_token}};
  }

  ClientSigner client() const {
    const auto* hash = find_field(head.fields, "x-amz-content-sha256");
    return {surrogate.key_id,
            surrogate.secret,
            scope,
            kTime,
            names,
            hash != nullptr     ? *hash
            : body_hash.empty() ? std::string(kEmptySha256)
                                : body_hash,
            form};
  }
  void sign() { client().sign(head); }
  void presign() {
    std::erase_if(head.fields, [](const Field&) { return true; });
    names = {"host"};
    client().presign(head, "900", surrogate.session_token);
  }

  // `change`: between what came and what is sent.
  Result<Resigned> run(void (*change)(RequestHead&) = nullptr) {
    sent = head;
    if (change != nullptr) change(sent);
    const SigV4Request read = read_signed(head);
    return resign(read, head, sent, surrogate, real_keys("AKIAREAL", "the real secret", real_token),
                  read.time + late, body_hash);
  }
  // What the real key would have signed, of what is sent.
  std::string expected() const {
    const SigV4Request read = read_signed(sent);
    return ClientSigner{"AKIAREAL",          "the real secret",     read.scope, read.timestamp,
                        read.signed_headers, client().payload_hash, form}
        .signature(sent);
  }
  RequestHead sent;
};

std::string all_of(const RequestHead& head) {
  std::string out = head.target;
  for (const auto& field : head.fields) out.append("\n").append(field.name + ":" + field.value);
  return out;
}

void expect_resigned(Case& one) {
  const auto resigned = one.run();
  ASSERT_TRUE(resigned) << resigned.error().what();
  EXPECT_EQ(resigned->signature, one.expected());
  EXPECT_EQ(signature_of(one.sent), resigned->signature);
  EXPECT_EQ(resigned->body, nullptr);
  for (const auto& left : {one.surrogate.key_id, one.surrogate.secret}) {
    EXPECT_THAT(all_of(one.sent), Not(HasSubstr(left)));
  }
  EXPECT_THAT(all_of(one.sent), Not(HasSubstr("the surrogate's token")));
  EXPECT_THAT(all_of(one.sent), Not(HasSubstr(uri_encoded("the surrogate's token"))));
  EXPECT_THAT(all_of(one.sent), Not(HasSubstr("the real secret")));
}

TEST(SigV4, TheSessionTokenIsReplacedBeforeAnythingIsSigned) {
  Case one;
  one.sign();
  expect_resigned(one);
  EXPECT_EQ(*find_field(one.sent.fields, "x-amz-security-token"), "the real token");
  EXPECT_EQ(one.sent.target, one.head.target);
}

TEST(SigV4, ASessionTokenComesAndGoesWithTheRealKeys) {
  Case gone;
  gone.real_token.clear();
  gone.sign();
  expect_resigned(gone);
  EXPECT_EQ(find_field(gone.sent.fields, "x-amz-security-token"), nullptr);
  EXPECT_THAT(read_signed(gone.sent).signed_headers, ElementsAre("host", "x-amz-date"));

  for (const std::string& last : {std::string("x-amz-date"), std::string("x-amz-target")}) {
    Case put_in;
    put_in.surrogate = surrogate_keys();
    remove_fields(put_in.head.fields, "x-amz-security-token");
    put_in.names = {"host", "x-amz-date"};
    if (last != "x-amz-date") {
      put_in.names.push_back(last);
      put_in.head.fields.push_back({"X-Amz-Target", "A.B"});
    }
    put_in.sign();
    expect_resigned(put_in);
    EXPECT_EQ(*find_field(put_in.sent.fields, "x-amz-security-token"), "the real token");
    EXPECT_EQ(read_signed(put_in.sent).signed_headers.size(), put_in.names.size() + 1);
  }
}

TEST(SigV4, PresignedUrlsKeepTheirOrderAndEverythingElse) {
  Case one;
  one.presign();
  expect_resigned(one);
  EXPECT_THAT(one.sent.target,
              HasSubstr("?b=2&a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
                        "AKIAREAL%2F20150830%2Fus-east-1%2Fbedrock%2F"));
  EXPECT_THAT(one.sent.target, HasSubstr("&X-Amz-Security-Token=the%20real%20token&X-Amz-Sig"));

  Case gone;
  gone.real_token.clear();
  gone.presign();
  expect_resigned(gone);
  EXPECT_THAT(gone.sent.target, Not(HasSubstr("Token")));

  Case put_in;
  put_in.surrogate = surrogate_keys();
  put_in.presign();
  expect_resigned(put_in);
  EXPECT_THAT(put_in.sent.target, HasSubstr("&X-Amz-Security-Token=the%20real%20token"));
}

// The form is found by the client's own signature.
TEST(SigV4, WhateverWayTheClientEncodesIsTheWayThatIsSigned) {
  const auto all_forms = {sigv4_forms("s3"), sigv4_forms("bedrock")};
  for (const auto& forms : all_forms) {
    for (const SigV4Form& form : forms) {
      for (const std::string target :
           {"/", "/a%2Fb//c/?x=1+1&y", "/a(b)/%7Ec?x=%7e", "/a//b/", "/a%20b?q=a%20b"}) {
        Case one;
        one.scope.service = forms.data() == sigv4_forms("s3").data() ? "s3" : "bedrock";
        one.form = form;
        one.head.target = target;
        one.sign();
        expect_resigned(one);
      }
    }
  }
}

TEST(SigV4, ABodyWhoseHashIsNotDeclaredIsHashedFirst) {
  Case one;
  one.head.has_body = true;
  one.body_hash = kBodyHash;
  one.sign();
  EXPECT_TRUE(needs_body_hash(read_signed(one.head), one.head));
  expect_resigned(one);

  Case unknown;
  unknown.head.has_body = true;
  unknown.sign();
  EXPECT_THAT(unknown.run().error().what(), HasSubstr("hash of its body"));

  Case another;
  another.head.has_body = true;
  another.sign();
  another.body_hash = std::string(64, 'c');
  EXPECT_THAT(another.run().error().what(), HasSubstr("not that of its key"));

  Case declared;
  declared.head.has_body = true;
  declared.head.fields.push_back({"x-amz-content-sha256", "UNSIGNED-PAYLOAD"});
  declared.sign();
  EXPECT_FALSE(needs_body_hash(read_signed(declared.head), declared.head));
  expect_resigned(declared);
}

TEST(SigV4, ChunksAreSignedOnlyWhereTheClientSignsThem) {
  for (const auto& [payload, chunks] : std::vector<std::pair<std::string, int>>{
           {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", 0},
           {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 1},
           {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 1}}) {
    Case one;
    one.head.has_body = true;
    one.head.fields.push_back({"x-amz-content-sha256", payload});
    one.sign();
    const auto resigned = one.run();
    ASSERT_TRUE(resigned);
    EXPECT_EQ(resigned->body != nullptr, chunks == 1) << payload;
  }
}

// Attacks and mistakes: each changes one thing about a request that passes.
TEST(SigV4, WhatTheClientDidNotSignIsNotSigned) {
  const std::vector<std::pair<std::string, void (*)(RequestHead&)>> table = {
      {"another method", [](RequestHead& head) { head.method = "PUT"; }},
      {"another path", [](RequestHead& head) { head.target = "/model/y/invoke?b=2&a=1"; }},
      {"another query", [](RequestHead& head) { head.target += "&c=3"; }},
      {"another host", [](RequestHead& head) { head.authority = "sts.amazonaws.com"; }},
      {"another date", [](RequestHead& head) { head.fields[0].value = "20150830T123601Z"; }},
      {"another region",
       [](RequestHead& head) {
         std::string& value = head.fields.back().value;
         value.replace(value.find("us-east-1"), 9, "eu-west-1");
       }},
      {"another service",
       [](RequestHead& head) {
         std::string& value = head.fields.back().value;
         value.replace(value.find("/bedrock/"), 9, "/sts/");
       }},
      {"another signature", [](RequestHead& head) { head.fields.back().value.back() ^= 1; }},
      {"a second value",
       [](RequestHead& head) {
         head.fields.push_back({"x-amz-date", kTime});
       }},
  };
  for (const auto& [name, change] : table) {
    SCOPED_TRACE(name);
    Case one;
    one.sign();
    ASSERT_TRUE(one.run());
    change(one.head);
    const auto read = read_sigv4(one.head);
    if (!read) continue;  // refused even earlier
    const RequestHead before = one.head;
    EXPECT_FALSE(one.run());
    EXPECT_EQ(all_of(one.sent), all_of(before));
  }
}

TEST(SigV4, AKeyIdWithoutItsSecretIsWorthNothing) {
  Case one;
  ClientSigner guess = one.client();
  guess.secret = "a guess";
  guess.sign(one.head);
  EXPECT_THAT(one.run().error().what(), HasSubstr("not that of its key"));

  Case foreign;
  ClientSigner own = foreign.client();
  own.key_id = "AKIASOMEBODYELSE";
  own.sign(foreign.head);
  EXPECT_THAT(foreign.run().error().what(), HasSubstr("another one"));
}

TEST(SigV4, ForeignSessionTokensAreRefused) {
  Case own;
  own.head.fields[1].value = "an attacker's token";
  own.sign();
  EXPECT_THAT(own.run().error().what(), HasSubstr("token does not belong"));

  Case none;
  none.surrogate.session_token.clear();
  none.sign();
  EXPECT_THAT(none.run().error().what(), HasSubstr("token does not belong"));

  Case two;
  two.head.fields.push_back({"x-amz-security-token", two.surrogate.session_token});
  two.sign();
  EXPECT_THAT(two.run().error().what(), HasSubstr("two session tokens"));

  Case both;
  both.presign();
  both.head.fields.push_back({"x-amz-security-token", "x"});
  EXPECT_THAT(both.run().error().what(), HasSubstr("in the query"));
}

TEST(SigV4, WhatWasChangedOnTheWayIsRefused) {
  const std::vector<std::pair<void (*)(RequestHead&), std::string>> table = {
      {[](RequestHead& head) { head.method = "GET"; }, "method"},
      {[](RequestHead& head) { head.target += "&x=1"; }, "query"},
      {[](RequestHead& head) { head.target = "/model/arn%3Aaws/x/invoke?b=2&a=1"; }, "path"},
      {[](RequestHead& head) { head.target = "/model/x/invoke?b=2&a=1"; }, "path"},
      {[](RequestHead& head) { remove_fields(head.fields, "x-amz-date"); }, "x-amz-date"},
      {[](RequestHead& head) { head.fields[0].value = "20150830T123601Z"; }, "changed"},
  };
  for (const auto& [change, words] : table) {
    Case one;
    one.sign();
    EXPECT_THAT(one.run(change).error().what(), HasSubstr(words));
  }
  // What the proxy does to every request is not a change: the port, encodings that mean the same,
  // dot segments where they are not part of the name.
  for (const auto& [raw, canonical] : std::vector<std::pair<std::string, std::string>>{
           {"/a%7eb/%2fc", "/a~b/%2Fc"}, {"/a/../b/", "/b/"}, {"/a//b", "/a//b"}}) {
    Case one;
    one.head.target = raw;
    one.head.authority += ":443";
    one.sign();
    one.sent = one.head;
    one.sent.target = canonical;
    one.sent.authority = "bedrock-runtime.us-east-1.amazonaws.com";
    const SigV4Request read = read_signed(one.head);
    const auto resigned = resign(read, one.head, one.sent, one.surrogate,
                                 real_keys("AKIAREAL", "the real secret", "t"), read.time);
    ASSERT_TRUE(resigned) << raw << ": " << resigned.error().what();
    EXPECT_EQ(resigned->signature, one.expected());
  }
  Case s3;
  s3.scope.service = "s3";
  s3.form = sigv4_forms("s3")[0];
  s3.head.target = "/bucket/a/../b";
  s3.sign();
  EXPECT_THAT(s3.run([](RequestHead& head) { head.target = "/bucket/b"; }).error().what(),
              HasSubstr("dot segments"));
}

TEST(SigV4, AHeaderFieldThatDoesNotPassIsNamed) {
  Case one;
  one.names = {"connection", "host", "x-amz-date", "x-amz-security-token"};
  RequestHead before = one.head;
  before.fields.push_back({"Connection", "keep-alive"});
  one.client().sign(before);
  one.head.fields.push_back(before.fields.back());  // as it is where Connection was taken out
  EXPECT_THAT(one.run().error().what(), HasSubstr("not passed on: connection"));
}

TEST(SigV4, TheDateMustBeNow) {
  using std::chrono::minutes;
  for (const auto& [late, good] :
       std::vector<std::pair<std::chrono::seconds, bool>>{{minutes(-15), true},
                                                          {minutes(-16), false},
                                                          {minutes(15), true},
                                                          {minutes(16), false},
                                                          {minutes(24 * 60), false}}) {
    Case one;
    one.late = late;
    one.sign();
    const auto resigned = one.run();
    EXPECT_EQ(resigned.has_value(), good) << late.count();
    if (resigned) continue;
    EXPECT_THAT(resigned.error().what(), HasSubstr("clock"));
  }
  Case expired;
  expired.presign();
  expired.late = std::chrono::seconds(901);
  EXPECT_THAT(expired.run().error().what(), HasSubstr("expired"));
  expired.late = std::chrono::seconds(900);
  EXPECT_TRUE(expired.run());
}

TEST(SigV4, NoErrorRepeatsAValue) {
  Case one;
  one.head.fields[1].value = "an attacker's token";
  one.sign();
  const auto error = one.run().error();
  for (const auto& value :
       {one.surrogate.key_id, std::string("an attacker"), std::string("real")}) {
    EXPECT_THAT(error.what() + error.hint(), Not(HasSubstr(value)));
  }
}

}  // namespace
}  // namespace redoubtful::proxy
