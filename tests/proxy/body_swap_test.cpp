#include "proxy/body_swap.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/fuzz/body_swap_target.hpp"

namespace redoubtful::proxy {
namespace {

const std::string kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";
const std::string kReal = "ghp_RealRealRealRealRealRealRealReal0000";

using Make = std::unique_ptr<BodyFilter> (*)(std::vector<BodySwap>);
std::unique_ptr<BodyFilter> multipart(std::vector<BodySwap> swaps) {
  return multipart_swap("XX", std::move(swaps));
}

std::string put(std::string text) {
  for (std::size_t at; (at = text.find("$")) != std::string::npos;) text.replace(at, 1, kFake);
  return text;
}
std::string put_real(std::string text, const std::string& real) {
  for (std::size_t at; (at = text.find("@")) != std::string::npos;) text.replace(at, 1, real);
  return put(std::move(text));
}

// Whole, byte by byte, and in two pieces at every place: always the same.
std::string passed(Make make, const std::string& field, const std::string& body,
                   const std::string& real = kReal) {
  const Secret secret = std::move(*Secret::take(std::string(real)));
  const auto in_pieces = [&](const std::vector<std::string_view>& pieces) {
    const auto filter = make({{field, &kFake, &secret}});
    std::string out;
    for (const auto piece : pieces) filter->feed(piece, out);
    filter->finish(out);
    return out;
  };
  const std::string_view text = body;
  const std::string whole = in_pieces({text});
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  EXPECT_EQ(in_pieces(bytes), whole) << body;
  for (std::size_t i = 0; i < text.size() && text.size() < 5000; ++i) {
    EXPECT_EQ(in_pieces({text.substr(0, i), text.substr(i)}), whole) << body << " at " << i;
  }
  return whole;
}

struct Row {
  std::string field;
  std::string body;      // '$': the surrogate
  std::string expected;  // '@': the real value
};

void check(Make make, const std::vector<Row>& rows, const std::string& real = kReal,
           const std::string& spelled = kReal) {
  for (const auto& row : rows) {
    EXPECT_EQ(passed(make, row.field, put(row.body), real), put_real(row.expected, spelled))
        << row.field;
  }
}

TEST(JsonSwap, PutsTheValueIntoTheMemberThatIsNamed) {
  check(json_swap,
        {
            {"token", R"({"token":"$"})", R"({"token":"@"})"},
            {"token", R"( { "a" : [1,{"b":null}], "token" : "Bearer $!" , "c":true} )",
             R"( { "a" : [1,{"b":null}], "token" : "Bearer @!" , "c":true} )"},
            {"token", R"({"x":"\\\"","token":"\"$\\"})", R"({"x":"\\\"","token":"\"@\\"})"},
            {"/auth/token", R"({"auth":{"token":"$"}})", R"({"auth":{"token":"@"}})"},
            {"/list/1/token", R"({"list":[{"token":"x"},{"token":"$"}]})",
             R"({"list":[{"token":"x"},{"token":"@"}]})"},
            {"/0", R"(["$","$"])", R"(["@","$"])"},
            {"/a~1b/c~0d", R"({"a/b":{"c~d":"$"}})", R"({"a/b":{"c~d":"@"}})"},
            {"token", R"({"token":"$","token":"$"})", R"({"token":"@","token":"@"})"},
        });
}

TEST(JsonSwap, AndNowhereElse) {
  for (const char* body : {
           R"({"tokens":"$"})",
           R"({"a":{"token":"$"}})",
           R"(["token","$"])",
           R"("$")",
           R"({"$":"x"})",
           R"({"note":"token","x":"$"})",
           R"({"a":"\"token\":","b":"$"})",
           R"({"token":["$"]})",
           R"({"token":{"token":"$"}})",
           // not JSON, which others may read in another way
           R"({token:"$"})",
           R"({'token':"$"})",
           R"({"a":1 "token":"$"})",
           R"({"a":1,,"token":"$"})",
           R"(x{"token":"$"})",
           R"({}{"token":"$"})",
           R"({"token":"$)",
           R"([}{"token":"$"})",
           "{\"a\":\"\n\",\"token\":\"$\"}",
           R"({"a":1}],"token":"$"})",
       }) {
    EXPECT_EQ(passed(json_swap, "token", put(body)), put(body)) << body;
  }
  EXPECT_EQ(passed(json_swap, "token", put(R"({"token":"$"}x)")),
            put_real(R"({"token":"@"}x)", kReal));
}

TEST(FormSwap, PutsTheValueIntoTheFieldThatIsNamed) {
  check(form_swap,
        {
            {"token", "token=$", "token=@"},
            {"token", "a=1&token=$&b=2", "a=1&token=@&b=2"},
            {"token", "token=$&token=$", "token=@&token=@"},
            {"token", "t%6Fken=x$", "t%6Fken=x@"},
            {"to ken", "to+ken=$", "to+ken=@"},
            {"token", "tokens=$&a=token=$&$=token&token", "tokens=$&a=token=$&$=token&token"},
            {"token", "&&=&token=&", "&&=&token=&"},
        });
  check(form_swap, {{"token", "token=$&b=2", "token=@&b=2"}}, "a&b=c d", "a%26b%3Dc%20d");
}

TEST(JsonSwap, AValueCannotEndItsText) {
  check(json_swap, {{"token", R"({"token":"$"})", R"({"token":"@"})"}}, "a\"b\\c\td",
        "a\\\"b\\\\c\\u0009d");
}

std::string part(const std::string& head, const std::string& value) {
  return "--XX\r\n" + head + "\r\n\r\n" + value + "\r\n";
}

TEST(MultipartSwap, PutsTheValueIntoThePartThatIsNamed) {
  const std::string disposition = "Content-Disposition: form-data; name=\"token\"";
  const std::string end = "--XX--\r\n";
  check(
      multipart,
      {
          {"token", part(disposition, "$") + end, part(disposition, "@") + end},
          {"token", part("X: y\r\ncontent-disposition: form-data; name=token", "a $\r\n b") + end,
           part("X: y\r\ncontent-disposition: form-data; name=token", "a @\r\n b") + end},
          {"token",
           part("Content-Disposition: form-data; name=\"a\"", "$") + part(disposition, "$") + end,
           part("Content-Disposition: form-data; name=\"a\"", "$") + part(disposition, "@") + end},
          {"token", "preamble $\r\n" + part(disposition, "$") + end + "epilogue $",
           "preamble $\r\n" + part(disposition, "@") + end + "epilogue $"},
      });
  for (const std::string& body : {
           part("Content-Disposition: form-data; name=\"token\"; filename=\"f\"", "$") + end,
           part("Content-Disposition: attachment; name=\"token\"", "$") + end,
           part(disposition + "\r\nContent-Disposition: form-data; name=\"b\"", "$") + end,
           part("Content-Disposition: form-data; name=\"b\"",
                "\r\n--XY\r\n" + disposition + "\r\n\r\n$") +
               end,
           "--XXY\r\n" + disposition + "\r\n\r\n$\r\n" + end,
           std::string("$"),
           std::string("--XX"),
           std::string("\r\n--XX--"),
           std::string(),
           part(disposition, "$").substr(0, 60),
           disposition + "\r\n\r\n$",
       }) {
    EXPECT_EQ(passed(multipart, "token", put(body)), put(body)) << body;
  }
}

TEST(BodySwap, WhatIsTooLongToHoldPassesAsItIs) {
  const std::string much(kMaxValueBytes + 10, 'x');
  for (const std::string& value : {much + kFake, kFake + much}) {
    EXPECT_EQ(passed(json_swap, "token", "{\"token\":\"" + value + "\"}"),
              "{\"token\":\"" + value + "\"}");
    EXPECT_EQ(passed(form_swap, "token", "token=" + value), "token=" + value);
  }
}

TEST(BodySwap, NothingButTheFieldIsHeldBack) {
  const Secret secret = std::move(*Secret::take(std::string(kReal)));
  const auto filter = json_swap({{"token", &kFake, &secret}});
  std::string out;
  filter->feed(R"({"a":"some text, )", out);
  EXPECT_EQ(out, R"({"a":"some text, )");
  filter->feed(R"(more","token":"x)", out);
  EXPECT_EQ(out, R"({"a":"some text, more","token":")");
}

TEST(BodySwap, SaysWhetherALengthHolds) {
  const Secret same = std::move(*Secret::take(std::string(kReal)));
  const Secret longer = std::move(*Secret::take(kReal + "x"));
  std::string escaped = kReal;
  escaped.back() = '"';
  const Secret odd = std::move(*Secret::take(std::move(escaped)));
  for (const Make make : {Make(json_swap), Make(form_swap), Make(multipart)}) {
    EXPECT_TRUE(make({{"token", &kFake, &same}})->keeps_length());
    EXPECT_FALSE(make({{"token", &kFake, &longer}})->keeps_length());
    EXPECT_FALSE(make({{"token", &kFake, &same}, {"b", &kFake, &odd}})->keeps_length());
  }
}

TEST(BodySwap, IsChosenByTheTypeOfTheBody) {
  const Secret secret = std::move(*Secret::take(std::string(kReal)));
  const auto chosen = [&](Fields fields) {
    return body_swap(fields, {{"token", &kFake, &secret}}) != nullptr;
  };
  for (const char* type :
       {"application/json", "Application/JSON;charset=utf-8", "application/x+json",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=XX",
        "multipart/form-data; charset=x; Boundary=\"a b\""}) {
    EXPECT_TRUE(chosen({{"Content-Type", type}})) << type;
    EXPECT_FALSE(chosen({{"Content-Type", type}, {"Content-Encoding", "gzip"}})) << type;
  }
  for (const char* type : {"text/plain", "multipart/form-data", "multipart/form-data; boundary=",
                           "multipart/mixed; boundary=x", "application/jsonp", ""}) {
    EXPECT_FALSE(chosen({{"Content-Type", type}})) << type;
  }
  EXPECT_FALSE(chosen({}));
}

TEST(FuzzCorpus, BodySwap) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(REDOUBTFUL_SOURCE_DIR) +
                                                               "/tests/fuzz/corpus/body_swap")) {
    std::ostringstream bytes;
    bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    SCOPED_TRACE(entry.path().filename().string());
    fuzz::body_swap(bytes.str());
    ++files;
  }
  EXPECT_GE(files, 5u) << "the corpus is there";
}

}  // namespace
}  // namespace redoubtful::proxy
