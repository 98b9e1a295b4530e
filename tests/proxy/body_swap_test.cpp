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

using Make = std::unique_ptr<FieldSwap> (*)(std::vector<BodySwap>, bool);
std::unique_ptr<FieldSwap> multipart(std::vector<BodySwap> swaps, bool demanded) {
  return multipart_swap("XX", std::move(swaps), demanded);
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
  const Secret secret = *Secret::take(std::string(real));
  const auto in_pieces = [&](const std::vector<std::string_view>& pieces) {
    const auto filter = make({{field, &kFake, &secret}}, false);
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
           "--XX\r\n" + disposition + "\r\n\r\n" +
               part("Content-Disposition: form-data; name=\"b\"", "$") + end,
           "--XX\r\n" + disposition + "\r\n" + part("X: y", "$") + end,
           part(disposition + "\r\n ; filename=x", "$") + end,
           part(disposition + "\r\nno field", "$") + end,
           part(disposition + "\r\nContent-Disposition : form-data; name=\"b\"", "$") + end,
           part(disposition + "\nX: y", "$") + end,
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

// What is there but is not ours.
TEST(BodySwap, AnothersCredentialIsOverwrittenInItsPlace) {
  const std::string disposition = "Content-Disposition: form-data; name=\"token\"";
  const std::string end = "--XX--\r\n";
  check(json_swap,
        {{"token", R"({"token":"theirs","b":"theirs"})", R"({"token":"      ","b":"theirs"})"},
         {"token", R"({"token":"\"\\x"})", R"({"token":"     "})"},
         {"token", R"({"t\u006fken":"theirs"})", R"({"t\u006fken":"      "})"},
         {"token", R"({"token":""})", R"({"token":""})"},
         {"token", R"({"token":1})", R"({"token":1})"}});
  check(form_swap, {{"token", "token=th%2Be&b=theirs", "token=++++++&b=theirs"}});
  check(multipart,
        {{"token", part(disposition, "theirs") + end, part(disposition, "      ") + end}});
}

TEST(BodySwap, WhatIsTooLongToHoldIsOverwritten) {
  const std::string disposition = "Content-Disposition: form-data; name=\"token\"";
  const std::string much(kMaxValueBytes + 10, 'x');
  for (const std::string& value : {much + kFake, kFake + much}) {
    EXPECT_EQ(passed(json_swap, "token", "{\"token\":\"" + value + "\",\"b\":1}"),
              "{\"token\":\"" + std::string(value.size(), ' ') + "\",\"b\":1}");
    EXPECT_EQ(passed(form_swap, "token", "token=" + value + "&b=1"),
              "token=" + std::string(value.size(), '+') + "&b=1");
    EXPECT_EQ(passed(multipart, "token", part(disposition, value) + "--XX--"),
              part(disposition, std::string(value.size(), ' ')) + "--XX--");
  }
}

// The body that leaves, and whether it is whole; cut at every place.
struct Strict {
  std::string out;
  std::string fault;
};
Strict strictly(Make make, const std::string& text, bool demanded) {
  const Secret secret = *Secret::take(std::string(kReal));
  const std::string body = put(text);
  std::optional<Strict> first;
  for (std::size_t at = 0; at <= body.size(); ++at) {
    const auto filter = make({{"token", &kFake, &secret, "github", true}}, demanded);
    Strict one;
    filter->feed(std::string_view(body).substr(0, at), one.out);
    filter->feed(std::string_view(body).substr(at), one.out);
    filter->finish(one.out);
    one.fault = filter->fault();
    if (!first) first = one;
    EXPECT_EQ(one.fault, first->fault) << body << " at " << at;
    if (one.fault.empty()) {
      EXPECT_EQ(one.out, first->out);
    }
    EXPECT_TRUE(one.fault.empty() || one.out.size() < body.size()) << body << " at " << at;
    EXPECT_EQ(one.out.find("theirs"), std::string::npos) << body << " at " << at;
  }
  return *first;
}

TEST(BodySwap, ABodyWithoutTheExclusiveOneOrWithAnothersIsCutShort) {
  const auto field = [](const std::string& rest) {
    return "Content-Disposition: form-data; " + rest;
  };
  const std::string end = "--XX--\r\n";
  const std::string ours = part(field("name=\"token\""), "$");
  const struct {
    Make make;
    const char* what;
    std::string body;
    bool whole;
  } rows[] = {
      {json_swap, "ours", R"({"a":"b","token":"$"})", true},
      {json_swap, "ours beside others", R"({"Tokens":"x","token":"Bearer $","c":["token"]})", true},
      {json_swap, "none", R"({"a":"b"})", false},
      {json_swap, "theirs", R"({"token":"theirs"})", false},
      {json_swap, "both", R"({"token":"$","token":"theirs"})", false},
      {json_swap, "both, an escape", R"({"token":"$","t\u006fken":"theirs"})", false},
      {json_swap, "both, a capital", R"({"token":"$","Token":"theirs"})", false},
      {json_swap, "no text", R"({"token":"$","token":["theirs"]})", false},
      {json_swap, "two texts", R"({"token":"$"}{"token":"theirs"})", false},
      {json_swap, "unfinished", R"({"token":"$")", false},
      {json_swap, "no JSON", R"({"token":"$",token:"theirs"})", false},
      {form_swap, "ours", "a=b&token=$", true},
      {form_swap, "none", "a=b", false},
      {form_swap, "theirs", "token=theirs", false},
      {form_swap, "both", "token=$&t%6Fken=theirs", false},
      {form_swap, "both, a capital", "token=$&TOKEN=theirs", false},
      {multipart, "ours", part(field("name=\"a\""), "x") + ours + end, true},
      {multipart, "ours and a file", part(field("name=\"a\"; filename=\"b\""), "x") + ours + end,
       true},
      {multipart, "none", part(field("name=\"a\""), "x") + end, false},
      {multipart, "theirs", part(field("name=\"token\""), "theirs") + end, false},
      {multipart, "both", ours + part(field("name=\"token\""), "theirs") + end, false},
      {multipart, "both, a file",
       ours + part(field("name=\"token\"; filename=\"f\""), "theirs") + end, false},
      {multipart, "both, extended", ours + part(field("name*=UTF-8''token"), "theirs") + end,
       false},
      {multipart, "both, encoded", ours + part(field("name=\"=?utf-8?Q?token?=\""), "theirs") + end,
       false},
      {multipart, "both, other blanks",
       ours + part("Content-Disposition:form-data;name=\"token\"", "theirs") + end, false},
      {multipart, "two names",
       ours + part(field("name=\"a\"\r\n" + field("name=\"token\"")), "theirs") + end, false},
      {multipart, "two names, by a bare line feed",
       ours +
           part("X: y\n" + field("name=\"token\"") + "\n\ntheirs\r\n" + field("name=\"a\""), "x") +
           end,
       false},
      {multipart, "a delimiter in the place of the value",
       ours + "--XX\r\n" + field("name=\"a\"") + "\r\n\r\n" +
           part(field("name=\"token\""), "theirs") + end,
       false},
      {multipart, "a delimiter in a head",
       ours + "--XX\r\n" + field("name=\"a\"") + "\r\n" + part(field("name=\"token\""), "theirs") +
           end,
       false},
      {multipart, "a delimiter behind a bare line feed",
       part(field("name=\"token\""), "$\n--XX\n" + field("name=\"token\"") + "\n\ntheirs") + end,
       false},
      {multipart, "unfinished", ours, false},
  };
  for (const auto& row : rows) {
    const Strict sent = strictly(row.make, row.body, true);
    EXPECT_EQ(sent.fault.empty(), row.whole) << row.what << ": " << sent.fault;
    if (row.whole) {
      EXPECT_NE(sent.out.find(kReal), std::string::npos) << row.what;
    }
  }
  // Where the head has it already, only another's is refused.
  EXPECT_EQ(strictly(json_swap, R"({"a":"b"})", false).fault, "");
  EXPECT_NE(strictly(json_swap, R"({"token":"theirs"})", false).fault, "");
}

TEST(BodySwap, NothingButTheFieldIsHeldBack) {
  const Secret secret = *Secret::take(std::string(kReal));
  const auto filter = json_swap({{"token", &kFake, &secret}});
  std::string out;
  filter->feed(R"({"a":"some text, )", out);
  EXPECT_EQ(out, R"({"a":"some text, )");
  filter->feed(R"(more","token":"x)", out);
  EXPECT_EQ(out, R"({"a":"some text, more","token":")");
}

TEST(BodySwap, SaysWhetherALengthHolds) {
  const Secret same = *Secret::take(std::string(kReal));
  const Secret longer = *Secret::take(kReal + "x");
  std::string escaped = kReal;
  escaped.back() = '"';
  const Secret odd = *Secret::take(std::move(escaped));
  for (const Make make : {Make(json_swap), Make(form_swap), Make(multipart)}) {
    EXPECT_TRUE(make({{"token", &kFake, &same}}, false)->keeps_length());
    EXPECT_FALSE(make({{"token", &kFake, &longer}}, false)->keeps_length());
    EXPECT_FALSE(make({{"token", &kFake, &same}, {"b", &kFake, &odd}}, false)->keeps_length());
  }
}

TEST(BodySwap, IsChosenByTheTypeOfTheBody) {
  const Secret secret = *Secret::take(std::string(kReal));
  const auto chosen = [&](Fields fields) {
    return body_swap(fields, {{"token", &kFake, &secret}}) != nullptr;
  };
  for (const char* type :
       {"application/json", "Application/JSON;charset=utf-8", "application/x+json",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=XX",
        "multipart/form-data; charset=x; Boundary=\"a b\""}) {
    EXPECT_TRUE(chosen({{"Content-Type", type}})) << type;
    EXPECT_FALSE(chosen({{"Content-Type", type}, {"Content-Encoding", "gzip"}})) << type;
    EXPECT_FALSE(chosen({{"Content-Type", type}, {"content-type", "text/plain"}})) << type;
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
