#include "proxy/token_surrogate.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <span>

#include "proxy/base64.hpp"
#include "proxy/random.hpp"
#include "proxy/web_token.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> kClaims{"iss", "sub",   "aud",      "azp",
                                                  "iat", "scope", "client_id"};
// A claim of OpenAI's own, without which Codex takes a login for none; these of its members say
// who.
constexpr std::string_view kOpenAiClaim = "https://api.openai.com/auth";
constexpr std::array<std::string_view, 4> kOpenAiMembers{"chatgpt_account_id", "chatgpt_plan_type",
                                                         "chatgpt_user_id", "user_id"};
constexpr std::int64_t kFarAway = 4'102'444'800;  // 2100; as many digits as any now
// Of a signature that is random alone; less could be guessed, or be other text.
constexpr std::size_t kMinSignature = 22;  // 128 bits

std::string random_digits(std::size_t size) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += kDigits[random_below(kDigits.size())];
  return out;
}

std::size_t bytes_of(std::size_t digits) { return digits / 4 * 3 + digits % 4 * 3 / 4; }

// Those members of an object that are texts.
json::object texts_of(const json::object& object, std::span<const std::string_view> names) {
  json::object out;
  for (const auto one : names) {
    const json::string_view name(one.data(), one.size());
    const json::value* value = object.if_contains(name);
    if (value != nullptr && value->is_string()) out[name] = *value;
  }
  return out;
}

// The object as base64url of exactly `digits` digits; nothing when there is no room for it.
std::optional<std::string> encoded(const json::object& object, std::size_t digits) {
  std::string text = json::serialize(object);
  const std::size_t size = bytes_of(digits);
  if (text.size() > size) return std::nullopt;
  text.insert(text.size() - 1, size - text.size(), ' ');
  return to_base64(text, Base64::kUrl);
}

std::optional<std::string> header_like(const json::object& real, std::size_t digits) {
  json::object out;
  out["alg"] = real.at("alg");
  if (const json::value* type = real.if_contains("typ")) out["typ"] = *type;
  return encoded(out, digits);
}

std::optional<std::string> payload_like(const json::object& real, std::size_t digits) {
  const std::size_t size = bytes_of(digits);
  json::object out;
  if (real.contains("exp")) out["exp"] = kFarAway;
  const json::value* account = real.if_contains(kOpenAiClaim);
  if (account != nullptr && account->is_object()) {
    out[kOpenAiClaim] = texts_of(account->get_object(), kOpenAiMembers);
    if (json::serialize(out).size() > size) out.erase(kOpenAiClaim);
  }
  for (const auto claim : kClaims) {
    const json::string_view name(claim.data(), claim.size());
    const json::value* value = real.if_contains(name);
    if (value == nullptr) continue;
    out[name] = *value;
    if (json::serialize(out).size() > size) out.erase(name);
  }
  constexpr std::size_t kAround = 9;  // ,"jti":""
  const std::size_t used = json::serialize(out).size() + kAround;
  if (used < size) out["jti"] = random_digits(std::min<std::size_t>(size - used, 43));
  return encoded(out, digits);
}

}  // namespace

std::optional<std::string> token_surrogate(std::string_view real) {
  const std::size_t first = real.find('.');
  const std::size_t second = real.find('.', first + 1);
  if (second == std::string_view::npos || real.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view signature = real.substr(second + 1);
  if (signature.size() < kMinSignature || !from_base64(signature, Base64::kUrl)) {
    return std::nullopt;
  }
  const auto header = web_token_part(real.substr(0, first));
  const auto payload = web_token_part(real.substr(first + 1, second - first - 1));
  if (!header || !payload || !header->get_object().contains("alg")) return std::nullopt;
  const auto head = header_like(header->get_object(), first);
  const auto body = payload_like(payload->get_object(), second - first - 1);
  if (!head || !body) return std::nullopt;
  // As many digits as the real one, and none whose last bits would have to be nought.
  std::string tail = random_digits(signature.size());
  if (signature.size() % 4 != 0) tail.back() = 'A';
  return *head + "." + *body + "." + tail;
}

}  // namespace redoubtful::proxy
