#include "proxy/sigv4_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "proxy/sigv4_canonical.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::chrono::seconds kLongestExpiry = std::chrono::days(7);  // AWS's own limit
constexpr std::size_t kScopeBytes = 128;                               // each part of a credential

Error bad(std::string_view why) {
  return Error(Errc::kPeerProtocol, "the AWS signature " + std::string(why));
}

Error unsupported(std::string_view what, std::string hint) {
  return Error(Errc::kPeerProtocol, std::string(what) + " cannot be signed anew")
      .hint(std::move(hint));
}

Error sigv4a() {
  return unsupported("a SigV4A (ECDSA) signature",
                     "use an endpoint of one region instead of a multi-region access point");
}

bool is_hex64(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_plain(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= kScopeBytes &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  others.find(c) != std::string_view::npos;
         });
}

// Digits only, exactly as many.
std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto* end = digits.data() + digits.size();
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::chrono::sys_seconds> moment(std::optional<int> year, std::optional<int> month,
                                               std::optional<int> day, std::string_view hour,
                                               std::string_view minute, std::string_view second) {
  const auto h = number(hour);
  const auto m = number(minute);
  const auto s = number(second);
  if (!year || !month || !day || !h || !m || !s || *h > 23 || *m > 59 || *s > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*h) + std::chrono::minutes(*m) +
         std::chrono::seconds(*s);
}

// RFC 9110, section 5.6.7: IMF-fixdate.
std::optional<std::chrono::sys_seconds> parse_date_field(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  return moment(number(text.substr(12, 4)), static_cast<int>(month / 3) + 1,
                number(text.substr(5, 2)), text.substr(17, 2), text.substr(20, 2),
                text.substr(23, 2));
}

std::string timestamp_text(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out;
  const auto append = [&out](unsigned value, std::size_t digits) {
    const std::string text = std::to_string(value);
    out.append(digits - std::min(digits, text.size()), '0').append(text);
  };
  append(static_cast<unsigned>(static_cast<int>(date.year())), 4);
  append(static_cast<unsigned>(date.month()), 2);
  append(static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append(static_cast<unsigned>(clock.hours().count()), 2);
  append(static_cast<unsigned>(clock.minutes().count()), 2);
  append(static_cast<unsigned>(clock.seconds().count()), 2);
  return out + 'Z';
}

// "AKID/20130524/us-east-1/s3/aws4_request"
std::optional<Error> read_credential(std::string_view text, SigV4Request& out) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return bad("has a credential of fewer than five parts");
    parts[i] = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  parts[4] = text;
  if (parts[4] != "aws4_request") return bad("has a credential that does not end as it must");
  const bool plain = is_plain(parts[0], "_.=+:@-") && is_plain(parts[2], "._-*") &&
                     is_plain(parts[3], "._-") && parts[1].size() == 8 && number(parts[1]);
  if (!plain) return bad("has a malformed credential");
  out.key_id = parts[0];
  out.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  return std::nullopt;
}

std::optional<Error> read_signed_headers(std::string_view text, SigV4Request& out) {
  out.signed_headers = parse_signed_headers(text);
  if (out.signed_headers.empty()) {
    return bad("has a list of signed headers that is not sorted, or not one, or lacks host");
  }
  return std::nullopt;
}

std::optional<Error> read_signature(std::string_view text, SigV4Request& out) {
  if (!is_hex64(text)) return bad("is not 64 hex digits");
  out.signature = text;
  return std::nullopt;
}

std::optional<Error> read_time(std::string_view text, SigV4Request& out) {
  const auto time = parse_sigv4_time(text);
  if (!time) return bad("has a malformed date");
  out.time = *time;
  out.timestamp = timestamp_text(*time);
  if (!out.timestamp.starts_with(out.scope.date)) return bad("has a date of another day");
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

struct OneField {
  std::size_t count = 0;
  const std::string* value = nullptr;
};
OneField one_field(const RequestHead& head, std::string_view name) {
  OneField found;
  for (const Field& field : head.fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    ++found.count;
    found.value = &field.value;
  }
  return found;
}

// What follows the algorithm: "Credential=…, SignedHeaders=…, Signature=…" in any order.
std::optional<Error> read_authorization(std::string_view text, SigV4Request& out) {
  std::array<std::optional<std::string_view>, 3> parts;
  constexpr std::array kNames = {std::string_view("Credential="),
                                 std::string_view("SignedHeaders="),
                                 std::string_view("Signature=")};
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = trimmed(text.substr(0, comma));
    std::size_t which = 0;
    while (which < kNames.size() && !part.starts_with(kNames[which])) ++which;
    if (which == kNames.size()) return bad("has a part that nobody knows");
    if (parts[which]) return bad("has a part twice");
    parts[which] = part.substr(kNames[which].size());
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (!parts[0] || !parts[1] || !parts[2]) return bad("lacks one of its three parts");
  if (auto error = read_credential(*parts[0], out)) return error;
  if (auto error = read_signed_headers(*parts[1], out)) return error;
  return read_signature(*parts[2], out);
}

struct QueryAuth {
  std::optional<std::string> algorithm, credential, date, expires, signed_headers, signature, token,
      content_hash, region_set;
  bool any() const { return algorithm || credential || signature; }
};

std::optional<Error> read_query(std::string_view target, QueryAuth& out) {
  const std::array<std::pair<std::string_view, std::optional<std::string>*>, 9> known = {{
      {"X-Amz-Algorithm", &out.algorithm},
      {"X-Amz-Credential", &out.credential},
      {"X-Amz-Date", &out.date},
      {"X-Amz-Expires", &out.expires},
      {"X-Amz-SignedHeaders", &out.signed_headers},
      {"X-Amz-Signature", &out.signature},
      {"X-Amz-Security-Token", &out.token},
      {"X-Amz-Content-Sha256", &out.content_hash},
      {"X-Amz-Region-Set", &out.region_set},
  }};
  for (const QueryPart& part : query_parts(target_parts(target).query)) {
    const std::string name = uri_decoded(part.name);
    for (const auto& [wanted, value] : known) {
      if (!equals_ignoring_case(name, wanted)) continue;
      if (part.name != wanted) return bad("has a query parameter in an unusual spelling");
      if (*value) return bad("has a query parameter twice");
      *value = uri_decoded(part.value);
    }
  }
  return std::nullopt;
}

std::optional<Error> read_presigned(const QueryAuth& query, SigV4Request& out) {
  out.place = SigV4Place::kQuery;
  const bool whole = query.algorithm && query.credential && query.date && query.expires &&
                     query.signed_headers && query.signature;
  if (!whole) return bad("lacks a query parameter");
  if (*query.algorithm == "AWS4-ECDSA-P256-SHA256") return sigv4a();
  if (*query.algorithm != kAlgorithm) return bad("has an algorithm that nobody knows");
  if (auto error = read_credential(*query.credential, out)) return error;
  if (auto error = read_signed_headers(*query.signed_headers, out)) return error;
  if (auto error = read_signature(*query.signature, out)) return error;
  const auto expires = number(*query.expires);
  if (!expires || *expires == 0 || std::chrono::seconds(*expires) > kLongestExpiry) {
    return bad("has an expiry that is not 1 to 604800 seconds");
  }
  out.expires = std::chrono::seconds(*expires);
  return read_time(*query.date, out);
}

std::optional<Error> read_signed_head(const RequestHead& head, std::string_view parts,
                                      SigV4Request& out) {
  if (auto error = read_authorization(parts, out)) return error;
  auto date = one_field(head, "x-amz-date");
  if (date.count == 0) date = one_field(head, "date");
  if (date.count != 1) return bad("has no date, or more than one");
  return read_time(trimmed(*date.value), out);
}

std::optional<Error> read_payload(const RequestHead& head, const QueryAuth& query,
                                  SigV4Request& out) {
  const auto field = one_field(head, "x-amz-content-sha256");
  if (field.count > 1) return bad("has more than one hash of the body");
  std::string_view declared;
  if (field.count == 1) {
    declared = trimmed(*field.value);
  } else if (out.place == SigV4Place::kQuery) {
    if (query.content_hash) {
      declared = *query.content_hash;
    } else if (encodes_once(out.scope.service)) {
      declared = "UNSIGNED-PAYLOAD";
    }
  }
  if (declared.empty() && field.count == 0) return std::nullopt;
  constexpr std::array<std::pair<std::string_view, SigV4Payload>, 4> kKinds = {{
      {"UNSIGNED-PAYLOAD", SigV4Payload::kUnsigned},
      {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", SigV4Payload::kUnsignedTrailer},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SigV4Payload::kChunks},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SigV4Payload::kChunksWithTrailer},
  }};
  out.payload_hash = declared;
  if (is_hex64(declared)) {
    out.payload = SigV4Payload::kHash;
    return std::nullopt;
  }
  for (const auto& [text, kind] : kKinds) {
    if (declared != text) continue;
    out.payload = kind;
    return std::nullopt;
  }
  if (declared.starts_with("STREAMING-AWS4-ECDSA-")) return sigv4a();
  if (declared == "STREAMING-AWS4-HMAC-SHA256-EVENTS") {
    return unsupported("a signed event stream", "use a call that does not stream its request");
  }
  return bad("has a hash of the body that is none");
}

}  // namespace

std::vector<std::string> parse_signed_headers(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t end = text.find(';');
    const std::string_view name = text.substr(0, end);
    const bool token = !name.empty() && name.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$&'*+^`|~") ==
                                            std::string_view::npos;
    if (!token || (!names.empty() && names.back() >= name)) return {};
    names.emplace_back(name);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (!std::binary_search(names.begin(), names.end(), "host")) return {};
  return names;
}

std::optional<std::chrono::sys_seconds> parse_sigv4_time(std::string_view text) {
  if (text.size() == 16 && text[8] == 'T' && text[15] == 'Z') {
    return moment(number(text.substr(0, 4)), number(text.substr(4, 2)), number(text.substr(6, 2)),
                  text.substr(9, 2), text.substr(11, 2), text.substr(13, 2));
  }
  return parse_date_field(text);
}

Result<std::optional<SigV4Request>> read_sigv4(const RequestHead& head) {
  QueryAuth query;
  if (auto error = read_query(head.target, query)) return std::move(*error);
  std::optional<std::string_view> parts;
  std::size_t authorizations = 0;
  for (const Field& field : head.fields) {
    if (!equals_ignoring_case(field.name, "authorization")) continue;
    ++authorizations;
    const std::string_view value = trimmed(field.value);
    if (value.starts_with("AWS4-ECDSA-P256-SHA256")) return sigv4a();
    if (value.starts_with("AWS ")) {
      return unsupported("a signature of version 2", "let the client sign with version 4");
    }
    const std::string_view scheme = value.substr(0, value.find(' '));
    if (scheme == kAlgorithm) {
      parts = value.substr(std::min(scheme.size() + 1, value.size()));
    } else if (scheme.size() >= 4 && equals_ignoring_case(scheme.substr(0, 4), "aws4")) {
      return bad("has an algorithm that nobody knows");
    }
  }
  if (!parts && !query.any()) return std::optional<SigV4Request>();
  if (authorizations > 1) return bad("is not the only Authorization");
  if (query.any() && authorizations > 0) return bad("is there twice: in the query and in a field");
  if (query.region_set) return sigv4a();
  if (parts && query.token) return bad("has a session token in the query");
  SigV4Request out;
  auto error = parts ? read_signed_head(head, *parts, out) : read_presigned(query, out);
  if (!error) error = read_payload(head, query, out);
  if (error) return std::move(*error);
  return std::optional(std::move(out));
}

}  // namespace redoubtful::proxy
