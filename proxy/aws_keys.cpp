#include "proxy/aws_keys.hpp"

#include <string.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "proxy/json_reader.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

Error bad(std::string what) { return {Errc::kInvalidSecret, std::move(what)}; }

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int out = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

// Nothing where it is absent or no text.
std::optional<std::string> member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string(text->data(), text->size());
}

// "Z", "UTC", "+01:00": how far ahead of UTC.
std::optional<std::chrono::minutes> offset_of(std::string_view zone) {
  if (zone == "Z" || zone == "UTC") return std::chrono::minutes(0);
  const bool formed = zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':';
  const auto hours = digits(zone, 1, 2);
  const auto minutes = digits(zone, 4, 2);
  if (!formed || !hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto ahead = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return zone[0] == '+' ? ahead : -ahead;
}

}  // namespace

FreshAwsKeys::~FreshAwsKeys() {
  for (std::string* text : {&key_id, &secret, &session_token}) {
    ::explicit_bzero(text->data(), text->size());
  }
}

std::optional<std::chrono::sys_seconds> parse_aws_time(std::string_view text) {
  using namespace std::chrono;
  const auto y = digits(text, 0, 4);
  const auto mo = digits(text, 5, 2);
  const auto d = digits(text, 8, 2);
  const auto h = digits(text, 11, 2);
  const auto mi = digits(text, 14, 2);
  const auto s = digits(text, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s) return std::nullopt;
  const bool formed = text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
                      text[16] == ':' && *h < 24 && *mi < 60 && *s < 61;
  const year_month_day day{year(*y), month(static_cast<unsigned>(*mo)),
                           std::chrono::day(static_cast<unsigned>(*d))};
  if (!formed || !day.ok()) return std::nullopt;
  std::string_view zone = text.substr(19);
  if (zone.starts_with('.')) {
    const std::size_t end = zone.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end == 1) return std::nullopt;
    zone.remove_prefix(end);
  }
  const auto ahead = offset_of(zone);
  if (!ahead) return std::nullopt;
  return sys_days(day) + hours(*h) + minutes(*mi) + seconds(*s) - *ahead;
}

std::string aws_time_text(std::chrono::sys_seconds time) {
  using namespace std::chrono;
  const sys_days date = floor<days>(time);
  const year_month_day day(date);
  const hh_mm_ss clock(time - date);
  char out[40];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out;
}

Result<void> check_aws_keys(const FreshAwsKeys& keys) {
  constexpr std::size_t kMostKeyId = 128;  // AWS: 16 to 128; stores that speak S3 have others
  const bool id = !keys.key_id.empty() && keys.key_id.size() <= kMostKeyId &&
                  std::all_of(keys.key_id.begin(), keys.key_id.end(), [](char c) {
                    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
                  });
  if (!id) return bad("the access key id is empty, or no access key id");
  if (keys.secret.empty() || !is_printable(keys.secret)) {
    return bad("the secret access key is empty, or no secret access key");
  }
  if (!is_printable(keys.session_token)) return bad("the session token is none");
  return {};
}

Result<FreshAwsKeys> parse_aws_keys(std::string_view text) {
  const auto storage = erasing_storage();
  const auto document = parse_json(text, storage);
  if (!document) return bad("it is not JSON");
  const json::object* object = document->if_object();
  if (object == nullptr) return bad("it is no JSON object");
  if (const json::value* version = object->if_contains("Version")) {
    const bool one = version->is_number() && version->to_number<double>() == 1.0;
    if (!one) return bad("its Version is not 1");
  }
  FreshAwsKeys out;
  auto id = member(*object, "AccessKeyId");
  auto secret = member(*object, "SecretAccessKey");
  if (!id) return bad("it has no AccessKeyId");
  if (!secret) return bad("it has no SecretAccessKey");
  out.key_id = std::move(*id);
  out.secret = std::move(*secret);
  if (auto token = member(*object, "SessionToken")) out.session_token = std::move(*token);
  if (const auto expiration = member(*object, "Expiration"); expiration && !expiration->empty()) {
    out.expires = parse_aws_time(*expiration);
    if (!out.expires) return bad("its Expiration is no time");
  }
  if (auto checked = check_aws_keys(out); !checked) return std::move(checked).error();
  return out;
}

std::string aws_keys_text(const FreshAwsKeys& keys) {
  json::object out({{"Version", 1}}, erasing_storage());
  out["AccessKeyId"] = keys.key_id;
  out["SecretAccessKey"] = keys.secret;
  if (!keys.session_token.empty()) out["SessionToken"] = keys.session_token;
  if (keys.expires) out["Expiration"] = aws_time_text(*keys.expires);
  return json::serialize(out);
}

}  // namespace redoubtful::proxy
