#include "common/secret_look.hpp"

#include <algorithm>
#include <array>
#include <bitset>

namespace redoubtful {
namespace {

// Sources: the vendors' documentation and secret scanners' public patterns.
constexpr std::array kPrefixes = std::to_array<std::string_view>(
    {"sk-ant-api03-", "sk-ant-oat01-", "sk-ant-ort01-", "sk-ant-admin01-",
     "sk-ant-sid01-", "sk-ant-",       "sk-proj-",      "sk-svcacct-",
     "sk-admin-",     "sk-or-v1-",     "sk-",           "github_pat_",
     "ghp_",          "gho_",          "ghu_",          "ghs_",
     "ghr_",          "glpat-",        "gldt-",         "glrt-",
     "glcbt-",        "npm_",          "pypi-",         "hf_",
     "dckr_pat_",     "xoxb-",         "xoxp-",         "xoxa-",
     "xoxr-",         "xoxs-",         "xoxe-",         "xapp-",
     "AIza",          "ya29.",         "GOCSPX-",       "gsk_",
     "xai-",          "pplx-",         "nvapi-",        "r8_",
     "dop_v1_",       "hvs.",          "hvb.",          "rt_",
     "sk_live_",      "sk_test_",      "rk_live_",      "rk_test_",
     "whsec_",        "SG.",           "shpat_",        "lin_api_",
     "figd_",         "ATATT3",        "tskey-",        "dp.pt."});

constexpr std::size_t kAwsKeyIdBytes = 20;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

bool contains_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// "true", "5", "${NPM_TOKEN}": says nothing.
bool is_harmless(std::string_view value) {
  if (value.empty() || value == "true" || value == "false" || value == "null") return true;
  return value.starts_with("${") && value.ends_with('}');
}

// Long, of letters and digits, and without order.
bool looks_random(std::string_view value) {
  constexpr std::size_t kMinBytes = 20;
  constexpr std::size_t kMinDistinct = 10;
  if (value.size() < kMinBytes) return false;
  std::bitset<256> seen;
  bool digit = false;
  bool letter = false;
  for (const char c : value) {
    if (c == ' ' || c == '/' || c == '\\') return false;  // a sentence, a path, an URL
    seen.set(static_cast<unsigned char>(c));
    digit = digit || (c >= '0' && c <= '9');
    letter = letter || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  return digit && letter && seen.count() >= kMinDistinct;
}

bool has_form(std::string_view text, std::string_view form) {
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    const bool hexadecimal = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (form[i] == '0' ? !digit : form[i] == 'x' ? !hexadecimal : form[i] != c) return false;
  }
  return true;
}

// Under a name that says so, an UUID says who somebody is, and opens nothing.
bool is_identifier(const std::string& name, std::string_view value) {
  constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return (name.ends_with("id") || name == "sub") && value.size() == kUuid.size() &&
         has_form(value, kUuid);
}

// RFC 3339, with or without a fraction.
bool is_time(std::string_view value) {
  return value.size() <= 35 && has_form(value, "0000-00-00T00:00:00") &&
         value.substr(19).find_first_not_of("0123456789.:+-Z") == std::string_view::npos;
}

}  // namespace

std::span<const std::string_view> known_secret_prefixes() noexcept { return kPrefixes; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool is_aws_key_id(std::string_view text) {
  return text.size() == kAwsKeyIdBytes && (text.starts_with("AKIA") || text.starts_with("ASIA")) &&
         text.find_first_not_of(kBase32) == std::string_view::npos;
}

bool has_known_prefix(std::string_view text) {
  return is_aws_key_id(text) ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
           return text.size() >= prefix.size() + 8 && text.starts_with(prefix);
         });
}

bool looks_secret(std::string_view key, std::string_view value) {
  if (is_harmless(value)) return false;
  const std::string name = lower_case(key);
  if (contains_any(name, {"token", "secret", "passw", "passphrase", "pwd", "_auth", "credential",
                          "apikey", "api_key", "api-key", "access_key", "accesskey", "private",
                          "cookie", "bearer", "session"}) ||
      name == "auth" || name == "key" || name == "pass" || name.ends_with("_key")) {
    return true;
  }
  if (is_time(value) || is_identifier(name, value)) return false;
  const std::size_t scheme = value.find("://");
  const bool has_user =
      scheme != std::string_view::npos && value.find('@', scheme) < value.find('/', scheme + 3);
  return has_user || has_known_prefix(value) || looks_random(value);
}

}  // namespace redoubtful
