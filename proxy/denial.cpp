#include "proxy/denial.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "proxy/aws_error.hpp"
#include "proxy/aws_signer.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::string_view kNoWayAround =
    "This is a rule of the sandbox, not a fault of the network: trying again, or another way out, "
    "will not work.";

// The APIs whose clients report an error of their own shape at once, and retry any other.
enum class Shape { kText, kJson, kAnthropic, kOpenAi, kGemini, kAws };

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  if (part.size() > text.size()) return false;
  for (std::size_t i = 0; i + part.size() <= text.size(); ++i) {
    if (equals_ignoring_case(text.substr(i, part.size()), part)) return true;
  }
  return false;
}

std::string_view value_of(const RequestHead& head, std::string_view name) {
  const auto* value = find_field(head.fields, name);
  return value != nullptr ? std::string_view(*value) : std::string_view();
}

bool is_grpc(const RequestHead& head) {
  const auto type = value_of(head, "content-type");
  constexpr std::string_view kGrpc = "application/grpc";
  return equals_ignoring_case(type.substr(0, kGrpc.size()), kGrpc);
}

Shape shape_for(const RequestHead* head) {
  if (head == nullptr) return Shape::kText;
  if (looks_aws_signed(*head)) return Shape::kAws;
  const std::string_view authority = head->authority;
  const std::string_view host = authority.substr(0, authority.find(':'));
  struct Api {
    std::string_view host;
    Shape shape;
  };
  constexpr std::array<Api, 5> kApis{{
      {"api.anthropic.com", Shape::kAnthropic},
      {"api.openai.com", Shape::kOpenAi},
      {"chatgpt.com", Shape::kOpenAi},
      {"generativelanguage.googleapis.com", Shape::kGemini},
      {"cloudcode-pa.googleapis.com", Shape::kGemini},
  }};
  for (const auto& api : kApis) {
    if (equals_ignoring_case(api.host, host)) return api.shape;
  }
  const auto accept = value_of(*head, "accept");
  if (contains_ignoring_case(accept, "json")) return Shape::kJson;
  if (contains_ignoring_case(accept, "text/")) return Shape::kText;
  return contains_ignoring_case(value_of(*head, "content-type"), "json") ? Shape::kJson
                                                                         : Shape::kText;
}

std::string_view canonical_status(unsigned status) {
  switch (status) {
    case 400:
    case 421:
      return "INVALID_ARGUMENT";
    case 403:
      return "PERMISSION_DENIED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return "UNAVAILABLE";
  }
}

std::string_view openai_type(unsigned status) {
  switch (status) {
    case 400:
    case 421:
      return "invalid_request_error";
    case 403:
      return "permission_error";
    case 429:
      return "requests";  // as its own rate limits are called
    default:
      return "server_error";
  }
}

std::string_view anthropic_type(unsigned status) {
  switch (status) {
    case 400:
    case 421:
      return "invalid_request_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return "api_error";
  }
}

// A quoted string of RFC 8941: printable ASCII, what is not is left out as '?'.
std::string structured_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= 0x20 && c < 0x7F ? c : '?';
  }
  return out + "\"";
}

// gRPC over HTTP/2, "Percent-Encoded": printable ASCII without '%'.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7F && c != '%') {
      out += c;
      continue;
    }
    const auto value = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[value >> 4U];
    out += kDigits[value & 0xFU];
  }
  return out;
}

struct Answer {
  unsigned status;
  std::string_view error;  // RFC 9209
  std::string_view code;   // ours, stable
  std::string text;        // for people
  json::object more;       // for programs
};

std::string body_of(const Answer& answer, Shape shape) {
  const json::string text(answer.text);
  switch (shape) {
    case Shape::kAnthropic:
      return json::serialize(json::object{
          {"type", "error"},
          {"error", {{"type", json::string(anthropic_type(answer.status))}, {"message", text}}}});
    case Shape::kOpenAi:
      return json::serialize(json::object{{"error",
                                           {{"message", text},
                                            {"type", json::string(openai_type(answer.status))},
                                            {"param", nullptr},
                                            {"code", json::string(answer.code)}}}});
    case Shape::kGemini:
      return json::serialize(
          json::object{{"error",
                        {{"code", answer.status},
                         {"message", text},
                         {"status", json::string(canonical_status(answer.status))}}}});
    case Shape::kJson: {
      json::object error{{"code", json::string(answer.code)}, {"message", text}};
      for (const auto& [key, value] : answer.more) error[key] = value;
      return json::serialize(json::object{{"error", std::move(error)}});
    }
    case Shape::kAws:
    case Shape::kText:
      break;
  }
  return answer.text;
}

Refusal refusal_with(const Answer& answer, const RequestHead* head) {
  const Shape shape = shape_for(head);
  Refusal out;
  out.status = answer.status;
  std::string_view type = shape == Shape::kText ? "text/plain; charset=utf-8" : "application/json";
  if (shape == Shape::kAws) {
    AwsError error = aws_error(answer.status, answer.text, *head);
    type = error.content_type;
    out.body = std::move(error.body);
    out.fields = std::move(error.fields);
  } else {
    out.body = body_of(answer, shape) + "\n";
  }
  const Fields all = {{"content-type", std::string(type)},
                      {"cache-control", "no-store"},
                      {"proxy-status", "redoubtful; error=" + std::string(answer.error) +
                                           "; details=" + structured_string(answer.text)}};
  out.fields.insert(out.fields.begin(), all.begin(), all.end());
  // What the SDKs of OpenAI and Anthropic obey: this is not a fault that passes.
  if (answer.status < 500) out.fields.push_back({"x-should-retry", "false"});
  if (head != nullptr && is_grpc(*head)) out.grpc_message = percent_encoded(answer.text);
  return out;
}

unsigned status_for(DenyReason reason) {
  switch (reason) {
    case DenyReason::kNameMismatch:
      return 421;
    case DenyReason::kBadTarget:
    case DenyReason::kMalformed:
      return 400;
    case DenyReason::kCredentialMissing:
      return 401;
    case DenyReason::kNoToken:
      return 407;
    case DenyReason::kLimit:
      return 429;
    case DenyReason::kCredentialExpired:
      return 503;
    default:
      return 403;
  }
}

std::string_view reason_text(DenyReason reason) {
  switch (reason) {
    case DenyReason::kNoMatchingRule:
      return "no rule allows it";
    case DenyReason::kExplicitDeny:
      return "a rule denies it";
    case DenyReason::kAskedNobody:
      return "it would have to be asked for";
    case DenyReason::kPortNotAllowed:
      return "this port of it is not allowed";
    case DenyReason::kSchemeNotAllowed:
      return "this protocol is not allowed for it";
    case DenyReason::kIpLiteral:
      return "no rule names this address";
    case DenyReason::kInvalidName:
      return "this is not a host that can be reached";
    case DenyReason::kNonPublicAddress:
      return "it leads to an address that is not public";
    case DenyReason::kNameNotIndicated:
      return "the TLS connection does not say in the clear which host it is for";
    case DenyReason::kNameMismatch:
      return "the names in the connection and in the request differ";
    case DenyReason::kMethodOrPath:
      return "this method or path is not allowed";
    case DenyReason::kBadTarget:
      return "the request target has no single meaning";
    case DenyReason::kMalformed:
      return "the request is malformed";
    case DenyReason::kCredential:
      return "a credential was on its way to where it does not belong";
    case DenyReason::kCredentialMissing:
      return "it is reached with the session's credential only";
    case DenyReason::kAwsSignature:
      return "this AWS request is not signed anew";
    case DenyReason::kCredentialExpired:
      return "the credential's keys have expired";
    case DenyReason::kNoToken:
      return "it wants the token of this proxy";
    case DenyReason::kUnvetted:
      return "where it leads cannot be checked";
    case DenyReason::kLimit:
      return "a limit of this session is reached";
  }
  return "it is refused";
}

// RFC 9209, section 2.3: the proxy refused; the request was broken; a limit.
std::string_view proxy_error(unsigned status) {
  if (status == 400) return "http_request_error";
  return "http_request_denied";
}

// The brackets of an IPv6 address mean something to a shell.
std::string allow_command(const std::string& rule) {
  const bool plain = rule.find_first_of("[*") == std::string::npos;
  return "redoubtful allow " + (plain ? rule : "'" + rule + "'");
}

}  // namespace

std::string denial_text(const Denial& denial) {
  std::string out = denial.target + ": " + std::string(reason_text(denial.reason));
  if (!denial.rule.empty() || !denial.place.empty()) {
    out += " (";
    if (!denial.rule.empty()) out += "rule " + denial.rule;
    if (!denial.rule.empty() && !denial.place.empty()) out += ", ";
    out += denial.place + ")";
  }
  if (!denial.detail.empty()) out += "; " + denial.detail;
  out += ".";
  if (!denial.remedy.empty()) {
    out += " Allow it with: " + allow_command(denial.remedy);
  }
  return out;
}

Refusal refusal_of(const Denial& denial, const RequestHead* head) {
  const unsigned status = status_for(denial.reason);
  Answer answer{status, proxy_error(status), deny_reason_name(denial.reason), {}, {}};
  answer.text = "redoubtful: " + denial_text(denial);
  if (status == 403) {
    if (!denial.remedy.empty()) answer.text += " (outside of the sandbox, by its user).";
    answer.text += " " + std::string(kNoWayAround);
  }
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) answer.more[key] = json::string(value);
  };
  add("target", denial.target);
  add("rule", denial.rule);
  add("place", denial.place);
  if (!denial.remedy.empty()) answer.more["remedy"] = allow_command(denial.remedy);
  Refusal out = refusal_with(answer, head);
  // git and others send a password only when they are asked for one.
  if (status == 401) out.fields.push_back({"www-authenticate", "Basic realm=\"redoubtful\""});
  if (status == 503) out.fields.push_back({"retry-after", "2"});
  return out;
}

Refusal failure_of(unsigned status, std::string_view error, std::string_view text,
                   const RequestHead* head) {
  return refusal_with({status, error, "origin_failed", "redoubtful: " + std::string(text), {}},
                      head);
}

}  // namespace redoubtful::proxy
