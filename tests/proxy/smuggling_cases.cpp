#include "tests/proxy/smuggling_cases.hpp"

#include "common/text.hpp"

namespace redoubtful::proxy::test {
namespace {

using namespace std::string_literals;

const std::string kHidden = "GET /admin HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string kAlive = "Connection: keep-alive\r\n";

std::string post(const std::string& fields, const std::string& body = {}) {
  return "POST / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n" + body;
}
std::string line(const std::string& first) { return first + "\r\nHost: a.example\r\n\r\n"; }
std::string field(const std::string& text) {
  return "GET / HTTP/1.1\r\nHost: a.example\r\n" + text + "\r\n";
}

SmugglingCase refused(std::string name, std::string raw, unsigned status = 400) {
  return {.name = std::move(name), .raw = std::move(raw), .received = {}, .status = status};
}
SmugglingCase passes(std::string name, std::string raw, std::vector<std::string> received) {
  return {.name = std::move(name), .raw = std::move(raw), .received = std::move(received)};
}
SmugglingCase explicitly(SmugglingCase attack) {
  attack.entry = Http1Entry::kExplicit;
  return attack;
}

void add_framing(std::vector<SmugglingCase>& cases) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string end = "0\r\n\r\n" + kHidden;
  const auto both = [&](const char* name, const std::string& fields) {
    cases.push_back(refused(name, post(fields, end)));
  };
  both("LengthThenCoding", "Content-Length: 6\r\n" + chunked);
  both("CodingThenLength", chunked + "Content-Length: 6\r\n");
  both("CodingAndLengthZero", chunked + "Content-Length: 0\r\n");
  both("TwoLengthsThatDiffer", "Content-Length: 5\r\nContent-Length: 40\r\n");
  both("TwoLengthsThatAgree", "Content-Length: 5\r\nContent-Length: 5\r\n");
  both("LengthInAList", "Content-Length: 5, 5\r\n");
  both("LengthInATightList", "Content-Length: 5,40\r\n");
  both("LengthWithPlus", "Content-Length: +5\r\n");
  both("LengthWithMinus", "Content-Length: -5\r\n");
  both("LengthInHex", "Content-Length: 0x5\r\n");
  both("LengthWithSpaceInside", "Content-Length: 5 0\r\n");
  both("LengthWithFraction", "Content-Length: 5.0\r\n");
  both("LengthWithExponent", "Content-Length: 1e1\r\n");
  both("LengthQuoted", "Content-Length: \"5\"\r\n");
  both("LengthEmpty", "Content-Length:\r\n");
  both("LengthOver64Bits", "Content-Length: 18446744073709551621\r\n");
  both("LengthOver63Bits", "Content-Length: 9223372036854775808\r\n");
  both("LengthInWideDigits", "Content-Length: \xef\xbc\x95\r\n");
  both("LengthWithVerticalTab",
       "Content-Length: \x0b"
       "5\r\n");
  both("CodingTwice", chunked + chunked);
  both("CodingListedTwice", "Transfer-Encoding: chunked, chunked\r\n");
  both("CodingChunkedThenIdentity", "Transfer-Encoding: chunked, identity\r\n");
  both("CodingIdentity", "Transfer-Encoding: identity\r\n");
  both("CodingGzipChunked", "Transfer-Encoding: gzip, chunked\r\n");
  both("CodingXChunked", "Transfer-Encoding: xchunked\r\n");
  both("CodingWithParameter", "Transfer-Encoding: chunked;q=1\r\n");
  both("CodingQuoted", "Transfer-Encoding: \"chunked\"\r\n");
  both("CodingEmpty", "Transfer-Encoding:\r\n");
  both("CodingWithComma", "Transfer-Encoding: ,chunked\r\n");
  both("CodingWithVerticalTab",
       "Transfer-Encoding: \x0b"
       "chunked\r\n");
  both("CodingWithFormFeedBehind", "Transfer-Encoding: chunked\x0c\r\n");
  both("CodingWithNul", "Transfer-Encoding: chunked\0\r\n"s);
  both("CodingWithSpaceBeforeColon", "Transfer-Encoding : chunked\r\n");
  both("CodingWithTabBeforeColon", "Transfer-Encoding\t: chunked\r\n");
  both("CodingFolded", "Transfer-Encoding:\r\n chunked\r\n");
  both("CodingFoldedByTab", "Transfer-Encoding:\r\n\tchunked\r\n");
  both("CodingBehindABareCr", "X: y\rTransfer-Encoding: chunked\r\n");
  both("CodingBehindABareLf", "X: y\nTransfer-Encoding: chunked\r\n");
  both("CodingWithoutColon", "Transfer-Encoding chunked\r\n");
  both("CodingOnALineWithASpaceInFront", " Transfer-Encoding: chunked\r\n");
  cases.push_back(
      refused("CodingInHttp10", "POST / HTTP/1.0\r\nHost: a.example\r\n" + chunked + "\r\n" + end));
  cases.push_back(passes(
      "CodingInOtherCaseWithTabs", post("tRANSFER-eNCODING:\t chunKED \t\r\n", "1\r\nx\r\n" + end),
      {post(kAlive + chunked, "1\r\nx\r\n0\r\n\r\n"), field(kAlive).replace(4, 1, "/admin")}));
  cases.push_back(passes("CodingByAnotherNameIsNone",
                         "GET / HTTP/1.1\r\nHost: a.example\r\nTransfer_Encoding: chunked\r\n\r\n",
                         {field("Transfer_Encoding: chunked\r\n" + kAlive)}));
  cases.push_back(passes("ConnectionCannotTakeTheLengthAway",
                         post("Connection: Content-Length\r\nContent-Length: 3\r\n", "abc"),
                         {post(kAlive + "Content-Length: 3\r\n", "abc")}));
  cases.push_back(passes(
      "LengthWithZerosInFront", post("Content-Length: 003\r\n", "abc" + kHidden),
      {post(kAlive + "Content-Length: 3\r\n", "abc"), field(kAlive).replace(4, 1, "/admin")}));
  cases.push_back(passes(
      "GetWithABodyEndsWhereItSays", field("Content-Length: 2\r\n") + "ab" + kHidden,
      {field(kAlive + "Content-Length: 2\r\n") + "ab", field(kAlive).replace(4, 1, "/admin")}));
}

void add_lines(std::vector<SmugglingCase>& cases) {
  const auto bad = [&](const char* name, const std::string& raw, unsigned status = 400) {
    cases.push_back(refused(name, raw, status));
  };
  bad("BareLfEverywhere", "GET / HTTP/1.1\nHost: a.example\n\n");
  bad("BareLfAtTheEnd", "GET / HTTP/1.1\r\nHost: a.example\r\n\n");
  bad("BareCrInTheLine", "GET / HTTP/1.1\rHost: b.example\r\nHost: a.example\r\n\r\n");
  bad("TwoSpacesInTheLine", line("GET  / HTTP/1.1"));
  bad("TabInTheLine", line("GET\t/ HTTP/1.1"));
  bad("SpaceInTheTarget", line("GET /a b HTTP/1.1"));
  bad("TwoVersions", line("GET / HTTP/1.1 HTTP/1.1"));
  bad("SpaceBehindTheVersion", line("GET / HTTP/1.1 "));
  bad("SpaceBeforeTheMethod", line(" GET / HTTP/1.1"));
  bad("NoVersion", line("GET /"));
  bad("NulInTheTarget", line("GET /\0 HTTP/1.1"s));
  bad("HighByteInTheTarget", line("GET /\xff HTTP/1.1"));
  bad("FragmentInTheTarget", line("GET /#x HTTP/1.1"));
  bad("TargetThatIsNoPath", line("GET admin HTTP/1.1"));
  bad("EmptyTarget", line("GET  HTTP/1.1"));
  bad("LowerCaseMethod", line("get / HTTP/1.1"));
  bad("MethodThatIsNoToken", line("GE(T / HTTP/1.1"));
  bad("LowerCaseVersion", line("GET / http/1.1"));
  bad("Version11WithZero", line("GET / HTTP/1.10"));
  bad("Version20", line("GET / HTTP/2.0"), 505);
  bad("Version12", line("GET / HTTP/1.2"), 505);
  bad("Version09", line("GET / HTTP/0.9"), 505);
  bad("Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  bad("Trace", line("TRACE / HTTP/1.1"), 405);
  bad("ConnectInside", line("CONNECT b.example:443 HTTP/1.1"), 405);
  bad("StarForGet", line("GET * HTTP/1.1"));
  bad("EmptyFieldName", field(": x\r\n"));
  bad("FieldNameWithSpace", field("X Y: z\r\n"));
  bad("FieldNameWithHighByte", field("X\xe9: z\r\n"));
  bad("FieldNameWithNul", field("X\0: z\r\n"s));
  bad("FieldWithoutColon", field("nonsense\r\n"));
  bad("NulInAValue", field("X: a\0b\r\n"s));
  bad("DelInAValue", field("X: a\x7f\r\n"));
  bad("EscapeInAValue", field("X: a\x1b[2J\r\n"));
  bad("FoldedField", field("X: a\r\n b\r\n"));
  bad(
      "TooManyFields",
      [] {
        std::string many;
        for (int i = 0; i < 300; ++i) many += "x: y\r\n";
        return field(many);
      }(),
      431);
  bad("HeadTooLong", field("X: " + std::string(66'000, 'x') + "\r\n"), 431);
  bad("OtherExpectation", post("Content-Length: 1\r\nExpect: 200-maybe\r\n", "x"), 417);
  cases.push_back(passes("OneEmptyLineInFrontIsNothing", "\r\n" + field(""), {field(kAlive)}));
  cases.push_back(passes("ValuesBeyondAsciiPass", field("X: \xc3\xa9\r\n"),
                         {field("X: \xc3\xa9\r\n" + kAlive)}));
  cases.push_back({.name = "TheSecondOfTwoIsRefused",
                   .raw = field("") + "GARBAGE\r\n\r\n",
                   .received = {field(kAlive)},
                   .status = 400});
}

void add_authority(std::vector<SmugglingCase>& cases) {
  const auto host = [&](const char* name, const std::string& fields, unsigned status = 400) {
    cases.push_back(refused(name, "GET / HTTP/1.1\r\n" + fields + "\r\n", status));
  };
  host("NoHost", "");
  host("EmptyHost", "Host:\r\n");
  host("TwoHosts", "Host: a.example\r\nHost: b.example\r\n");
  host("TwoHostsThatAgree", "Host: a.example\r\nHost: a.example\r\n");
  host("HostList", "Host: a.example, b.example\r\n");
  host("HostWithUser", "Host: x@a.example\r\n");
  host("HostWithPath", "Host: a.example/x\r\n");
  host("HostWithSpace", "Host: a.example b.example\r\n");
  host("HostWithPercent", "Host: a%2eexample\r\n");
  host("HostWithBackslash", "Host: a.example\\b\r\n");
  host("HostWithNul", "Host: a.example\0.b\r\n"s);
  host("HostWithPortName", "Host: a.example:http\r\n");
  host("HostWithPortZero", "Host: a.example:0\r\n");
  host("HostWithEmptyPort", "Host: a.example:\r\n");
  host("HostWithTwoPorts", "Host: a.example:80:81\r\n");
  host("HostBeyondAscii", "Host: \xc3\xa9.example\r\n");
  host("HostInDecimal", "Host: 2130706433\r\n");
  host("HostInOctal", "Host: 0177.0.0.1\r\n");
  host("HostOpenBracket", "Host: [::1\r\n");
  host("HostFolded", "Host: a.example\r\n .b.example\r\n");
  host("HostWithSpaceBeforeColon", "Host : a.example\r\n");
  const auto absolute = [&](const char* name, const std::string& target, unsigned status) {
    cases.push_back(refused(name, line("GET " + target + " HTTP/1.1"), status));
    cases.push_back(explicitly(
        refused(std::string(name) + "Explicit", line("GET " + target + " HTTP/1.1"), status)));
  };
  absolute("AbsoluteOfAnotherHost", "http://b.example/", 421);
  absolute("AbsoluteOfAnotherPort", "http://a.example:81/", 421);
  absolute("AbsoluteWithUser", "http://a.example@b.example/", 400);
  absolute("AbsoluteWithUserOfAnother", "http://b.example%2f@a.example/", 400);
  absolute("AbsoluteWithOtherScheme", "ftp://a.example/", 400);
  absolute("AbsoluteWithoutHost", "http:///x", 400);
  absolute("AbsoluteWithBackslash", "http://a.example\\@b.example/", 400);
  cases.push_back(passes("AbsoluteOfTheSameHost", line("GET http://A.example:80?q HTTP/1.1"),
                         {field(kAlive).replace(4, 1, "/?q")}));
  cases.push_back(
      explicitly(passes("ExplicitOptionsOfAServer", line("OPTIONS http://a.example HTTP/1.1"),
                        {"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n" + kAlive + "\r\n"})));
  cases.push_back(explicitly(refused("ExplicitWithAPath", field(""))));
  cases.push_back(explicitly(refused("ExplicitHttps", line("GET https://a.example/ HTTP/1.1"))));
  cases.push_back(explicitly(
      refused("ConnectWithoutPortIsForPolicyButPathIsNot", line("CONNECT a.example/x HTTP/1.1"))));
  cases.push_back(explicitly(refused("ConnectWithABody",
                                     "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n"
                                     "Content-Length: 5\r\n\r\nhello")));
}

void add_chunks(std::vector<SmugglingCase>& cases) {
  const auto bad = [&](const char* name, const std::string& body, const char* passed = "") {
    cases.push_back(refused(name, post("Transfer-Encoding: chunked\r\n", body + kHidden)));
    cases.back().where = Where::kBody;
    cases.back().passed = passed;
  };
  bad("ChunkSizeInDecimalPoint", "1.0\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeWithPrefix", "0x1\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeWithPlus", "+1\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeWithMinus", "-1\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeWithSpaceInFront", " 1\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeWithSpaceBehind", "1 \r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeEmpty", "\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeThatOverflows", "ffffffffffffffff1\r\nx\r\n0\r\n\r\n");
  bad("ChunkSizeOfManyZeros", std::string(17, '0') + "\r\n\r\n");
  bad("ChunkSizeEndsInBareLf", "1\nx\r\n0\r\n\r\n");
  bad("ChunkSizeEndsInBareCr", "1\rx\r\n0\r\n\r\n");
  bad("ChunkExtensionWithBareLf", "1;a\nb\r\nx\r\n0\r\n\r\n");
  bad("ChunkLongerThanItSays", "1\r\nxyz\r\n0\r\n\r\n", "1\r\nx\r\n");
  bad("ChunkDataEndsInBareLf", "1\r\nx\n0\r\n\r\n", "1\r\nx\r\n");
  bad("TrailerWithBareLf", "0\r\nX: y\n\r\n");
  bad("TrailerFolded", "0\r\nX: y\r\n z\r\n\r\n");
  bad("TrailerWithoutColon", "0\r\nnonsense\r\n\r\n");
  bad("TrailerWithNul", "0\r\nX: \0\r\n\r\n"s);
  bad("ChunkExtensionTooLong", "1;" + std::string(5000, 'a') + "\r\nx\r\n0\r\n\r\n");
  cases.push_back(
      passes("TrailersThatWouldReframeOrAuthoriseAreDropped",
             post("Transfer-Encoding: chunked\r\n",
                  "1;a=\"b\"\r\nx\r\n00\r\nContent-Length: 9\r\nHost: b.example\r\n"
                  "Authorization: x\r\nTransfer-Encoding: chunked\r\nX-Sum: 1\r\n\r\n"),
             {post(kAlive + "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n")}));
}

}  // namespace

void PrintTo(const SmugglingCase& attack, std::ostream* out) { *out << quoted(attack.raw); }

std::vector<SmugglingCase> smuggling_cases() {
  std::vector<SmugglingCase> cases;
  add_framing(cases);
  add_lines(cases);
  add_authority(cases);
  add_chunks(cases);
  return cases;
}

}  // namespace redoubtful::proxy::test
