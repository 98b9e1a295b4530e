// How a refusal is said: in the client's shape, with a header that every parser takes, and without
// a byte of the agent's that would do something where it is shown.

#include "proxy/denial.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <optional>

#include "common/text.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

Denial sample(DenyReason reason = DenyReason::kExplicitDeny) {
  return {.reason = reason,
          .target = "GET https://a.example/x",
          .rule = "*.example",
          .place = "p.yaml:7",
          .detail = "one more fact",
          .remedy = {}};
}

RequestHead head_for(std::string authority, Fields fields = {}) {
  RequestHead head;
  head.method = "GET";
  head.authority = std::move(authority);
  head.target = "/x";
  head.fields = std::move(fields);
  return head;
}

std::string field(const Refusal& refusal, std::string_view name) {
  const auto* value = find_field(refusal.fields, name);
  return value != nullptr ? *value : "(none)";
}

// RFC 8941: an Item that is a token, with parameters that are tokens or strings. Nothing where it
// is not that.
std::optional<std::map<std::string, std::string>> parse_item(std::string_view text) {
  const auto take = [&](auto fits) {
    std::size_t end = 0;
    while (end < text.size() && fits(text[end])) ++end;
    std::string out(text.substr(0, end));
    text.remove_prefix(end);
    return out;
  };
  const auto is_key = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  const auto is_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
  };
  std::map<std::string, std::string> out;
  out[""] = take(is_token);
  if (out[""].empty()) return std::nullopt;
  while (!text.empty()) {
    if (text.front() != ';') return std::nullopt;
    text.remove_prefix(1);
    take([](char c) { return c == ' '; });
    const std::string key = take(is_key);
    if (key.empty() || out.contains(key) || !text.starts_with('=')) return std::nullopt;
    text.remove_prefix(1);
    if (!text.starts_with('"')) {
      out[key] = take(is_token);
      if (out[key].empty()) return std::nullopt;
      continue;
    }
    text.remove_prefix(1);
    std::string value;
    while (true) {
      if (text.empty() || text.front() < 0x20 || text.front() > 0x7E) return std::nullopt;
      const char c = text.front();
      text.remove_prefix(1);
      if (c == '"') break;
      if (c == '\\') {
        if (text.empty() || (text.front() != '"' && text.front() != '\\')) return std::nullopt;
        value += text.front();
        text.remove_prefix(1);
      } else {
        value += c;
      }
    }
    out[key] = value;
  }
  return out;
}

TEST(Denial, SaysTargetReasonRulePlaceDetailAndRemedyInOneLine) {
  EXPECT_EQ(denial_text(sample()),
            "GET https://a.example/x: a rule denies it (rule *.example, p.yaml:7); one more fact.");
  Denial denial;
  denial.target = "a.example";
  denial.remedy = "a.example";
  EXPECT_EQ(denial_text(denial),
            "a.example: no rule allows it. Allow it with: redoubtful allow a.example");
  denial.remedy = "[2001:db8::1]:8443";
  EXPECT_EQ(denial_text(denial),
            "a.example: no rule allows it. Allow it with: redoubtful allow '[2001:db8::1]:8443'");
  denial.place = "p.yaml:3";
  denial.remedy.clear();
  EXPECT_EQ(denial_text(denial), "a.example: no rule allows it (p.yaml:3).");
}

TEST(Denial, HasTheStatusOfItsReason) {
  const std::map<DenyReason, unsigned> others{
      {DenyReason::kNameMismatch, 421},     {DenyReason::kBadTarget, 400},
      {DenyReason::kMalformed, 400},        {DenyReason::kCredentialMissing, 401},
      {DenyReason::kNoToken, 407},          {DenyReason::kLimit, 429},
      {DenyReason::kCredentialExpired, 503}};
  for (int i = 0; i <= static_cast<int>(DenyReason::kLimit); ++i) {
    const auto reason = static_cast<DenyReason>(i);
    const auto found = others.find(reason);
    const auto refusal = refusal_of(sample(reason), nullptr);
    EXPECT_EQ(refusal.status, found == others.end() ? 403u : found->second)
        << deny_reason_name(reason);
    EXPECT_EQ(field(refusal, "x-should-retry"), refusal.status == 503 ? "(none)" : "false");
    EXPECT_EQ(field(refusal, "cache-control"), "no-store");
    const auto status = parse_item(field(refusal, "proxy-status"));
    ASSERT_TRUE(status) << field(refusal, "proxy-status");
    EXPECT_EQ(status->at(""), "redoubtful");
    EXPECT_EQ(status->at("error"),
              refusal.status == 400 ? "http_request_error" : "http_request_denied");
    EXPECT_EQ(
        status->at("details") + (refusal.status == 403 ? "" : "\n"),
        refusal.body.substr(0, status->at("details").size() + (refusal.status == 403 ? 0u : 1u)));
  }
}

TEST(Denial, TellsAnAgentNotToTryAgainWhereNothingWillChange) {
  auto denial = sample(DenyReason::kNoMatchingRule);
  denial.remedy = "a.example";
  const auto body = refusal_of(denial, nullptr).body;
  EXPECT_NE(body.find("Allow it with: redoubtful allow a.example (outside of the sandbox, by its "
                      "user). This is a rule of the sandbox"),
            std::string::npos)
      << body;
  EXPECT_EQ(refusal_of(sample(DenyReason::kNameMismatch), nullptr).body.find("of the sandbox"),
            std::string::npos);
}

TEST(Denial, IsTextOrJsonAsTheClientWants) {
  struct Row {
    Fields fields;
    bool json;
  };
  for (const auto& [fields, is_json] : {
           Row{{}, false},
           {{{"accept", "*/*"}}, false},
           {{{"accept", "text/html, application/json;q=0.5"}}, true},
           {{{"Accept", "application/JSON"}}, true},
           {{{"accept", "text/html"}}, false},
           {{{"accept", "application/problem+json"}}, true},
           {{{"content-type", "application/json"}}, true},
           {{{"content-type", "application/json"}, {"accept", "text/plain"}}, false},
           {{{"content-type", "text/plain"}}, false},
       }) {
    const auto head = head_for("a.example", fields);
    const auto refusal = refusal_of(sample(), &head);
    EXPECT_EQ(field(refusal, "content-type"),
              is_json ? "application/json" : "text/plain; charset=utf-8");
    if (!is_json) {
      EXPECT_TRUE(refusal.body.starts_with("redoubtful: GET https://a.example/x: a rule denies"));
      continue;
    }
    const auto error = json::parse(refusal.body).at("error").as_object();
    EXPECT_EQ(error.at("code").as_string(), "explicit_deny");
    EXPECT_EQ(error.at("target").as_string(), "GET https://a.example/x");
    EXPECT_EQ(error.at("rule").as_string(), "*.example");
    EXPECT_EQ(error.at("place").as_string(), "p.yaml:7");
    EXPECT_FALSE(error.contains("remedy"));
    EXPECT_TRUE(error.at("message").as_string().starts_with("redoubtful: "));
  }
}

TEST(Denial, SpeaksTheDialectOfTheModelApis) {
  for (const auto* name : {"api.anthropic.com", "API.Anthropic.com:443"}) {
    const auto head = head_for(name, {{"accept", "text/event-stream"}});
    const auto body = json::parse(refusal_of(sample(), &head).body).as_object();
    EXPECT_EQ(body.at("type").as_string(), "error");
    EXPECT_EQ(body.at("error").at("type").as_string(), "permission_error");
    EXPECT_TRUE(body.at("error").at("message").as_string().starts_with("redoubtful: "));
    const auto limit = refusal_of(sample(DenyReason::kLimit), &head);
    EXPECT_EQ(json::parse(limit.body).at("error").at("type").as_string(), "rate_limit_error");
  }
  for (const auto* name : {"api.openai.com", "chatgpt.com"}) {
    const auto head = head_for(name);
    const auto error = json::parse(refusal_of(sample(), &head).body).at("error").as_object();
    EXPECT_EQ(error.at("type").as_string(), "permission_error");
    EXPECT_EQ(error.at("code").as_string(), "explicit_deny");
    EXPECT_TRUE(error.at("param").is_null());
    EXPECT_TRUE(error.at("message").is_string());
    const auto bad = refusal_of(sample(DenyReason::kBadTarget), &head);
    EXPECT_EQ(json::parse(bad.body).at("error").at("type").as_string(), "invalid_request_error");
  }
  for (const auto* name : {"generativelanguage.googleapis.com", "cloudcode-pa.googleapis.com"}) {
    const auto head = head_for(name);
    const auto error = json::parse(refusal_of(sample(), &head).body).at("error").as_object();
    EXPECT_EQ(error.at("code").as_int64(), 403);
    EXPECT_EQ(error.at("status").as_string(), "PERMISSION_DENIED");
  }
  // A name that only looks like one of them gets no shape of its own.
  for (const auto* name : {"api.anthropic.com.evil.test", "xapi.anthropic.com"}) {
    const auto head = head_for(name);
    EXPECT_EQ(field(refusal_of(sample(), &head), "content-type"), "text/plain; charset=utf-8");
  }
}

TEST(Denial, GivesGrpcItsOneLine) {
  for (const auto* type : {"application/grpc", "application/grpc+proto", "Application/GRPC"}) {
    const auto head = head_for("a.example", {{"content-type", type}});
    auto denial = sample();
    denial.target = "POST https://a.example/100%25 …";
    const auto refusal = refusal_of(denial, &head);
    EXPECT_TRUE(refusal.grpc_message.starts_with(
        "redoubtful: POST https://a.example/100%2525 %E2%80%A6: a rule denies it"))
        << refusal.grpc_message;
  }
  const auto head = head_for("a.example", {{"content-type", "application/json"}});
  EXPECT_EQ(refusal_of(sample(), &head).grpc_message, "");
  EXPECT_EQ(refusal_of(sample(), nullptr).grpc_message, "");
}

TEST(Denial, AFailureOfTheOriginMayBeTriedAgain) {
  const auto head = head_for("api.openai.com");
  for (const auto& [status, error] : {std::pair(502u, "connection_refused"),
                                      {504u, "connection_timeout"},
                                      {502u, "tls_certificate_error"}}) {
    const auto refusal = failure_of(status, error, "a.example did not answer \"x\"", &head);
    EXPECT_EQ(refusal.status, status);
    EXPECT_EQ(field(refusal, "x-should-retry"), "(none)");
    const auto item = parse_item(field(refusal, "proxy-status"));
    ASSERT_TRUE(item);
    EXPECT_EQ(item->at("error"), error);
    EXPECT_EQ(item->at("details"), "redoubtful: a.example did not answer \"x\"");
    EXPECT_EQ(json::parse(refusal.body).at("error").at("type").as_string(), "server_error");
  }
}

// Names as an attacker would write them reach a refusal only through quoted(); even so, the header
// must stay one that parsers take, whatever is in it.
TEST(Denial, ProxyStatusStaysAStructuredFieldWithHostileNames) {
  std::string every_byte;
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  for (const std::string& name :
       {std::string("a\"b"), std::string("a\\"), std::string("a\r\nSet-Cookie: x=y"),
        std::string("a\0b", 3), std::string("\x1b[2J"), std::string("\xff\xfe"),
        std::string("caf\xc3\xa9"), std::string("\"; error=dns_error; x=\""), every_byte,
        std::string(100'000, '"')}) {
    for (const auto how : {"quoted", "raw"}) {
      const bool raw = how == std::string_view("raw");
      const std::string shown = raw ? name : quoted(name, 80);
      auto denial = sample(DenyReason::kNameMismatch);
      denial.target = shown;
      denial.detail = shown;
      const auto refusal = refusal_of(denial, nullptr);
      const std::string value = field(refusal, "proxy-status");
      const auto item = parse_item(value);
      ASSERT_TRUE(item) << value;
      EXPECT_EQ(item->size(), 3u);
      EXPECT_EQ(item->at("error"), "http_request_denied");
      for (const auto& one : refusal.fields) {
        EXPECT_EQ(one.value.find_first_of(std::string("\r\n\0", 3)), std::string::npos);
      }
      const auto head = head_for("a.example", {{"accept", "application/json"}});
      const auto answer = refusal_of(denial, &head).body;
      if (!raw) {
        for (const char c : answer) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
      }
    }
  }
}

// What the agent sends is in the answer as it was judged, in the canonical form, or quoted.
TEST(Denial, NothingOfARequestIsReflectedRaw) {
  const Policy policy = test::RuleList().allow("a.example", {"GET"}, {"/x"}).policy();
  const auto on = test::admitted(policy, "a.example");
  const std::string hostile[] = {"/<script>alert(1)</script>", "/\"onload=\"x", "/%1b[2J",
                                 "/a%0d%0aSet-Cookie:x"};
  for (const auto& target : hostile) {
    const auto denial = std::get<Denial>(policy.permit(on, "GET", target));
    const auto body = refusal_of(denial, nullptr).body;
    EXPECT_EQ(body.find_first_of(std::string("<>\x1b\r\"")), std::string::npos) << body;
  }
  for (const auto* target : {"/\x1b[2J", "/a\r\nb", "/\xff"}) {
    const auto denial = std::get<Denial>(policy.permit(on, "GET", target));
    const auto body = refusal_of(denial, nullptr).body;
    for (const char c : body) EXPECT_TRUE((c >= 0x20 && c < 0x7F) || c == '\n') << body;
  }
  const auto method = std::get<Denial>(policy.permit(on, "G\x1bT", "/x"));
  EXPECT_EQ(refusal_of(method, nullptr).body.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace redoubtful::proxy
