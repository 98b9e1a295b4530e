#include "proxy/injector.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>

namespace redoubtful::proxy {
namespace {

// Fields that carry a credential and nothing else. A real value in any other field could be parked
// where it is stored and shown, such as metadata of an object.
constexpr std::array kCredentialFields = {
    std::string_view("authorization"),  std::string_view("x-api-key"),
    std::string_view("api-key"),        std::string_view("x-goog-api-key"),
    std::string_view("private-token"),  std::string_view("x-auth-token"),
    std::string_view("x-access-token"), std::string_view("x-vault-token"),
    std::string_view("job-token"),      std::string_view("circle-token"),
    std::string_view("x-github-token"), std::string_view("x-figma-token"),
};

bool is_credential_field(std::string_view name) {
  return std::any_of(kCredentialFields.begin(), kCredentialFields.end(),
                     [&](std::string_view field) { return equals_ignoring_case(field, name); });
}

bool belongs(const LiveCredential& credential, const Host& host) {
  return std::find(credential.hosts.begin(), credential.hosts.end(), host) !=
         credential.hosts.end();
}

// Replaces every occurrence; true if there was one.
bool replace_all(std::string& text, std::string_view surrogate, std::string_view real) {
  std::size_t at = text.find(surrogate);
  if (at == std::string::npos) return false;
  std::string out;
  std::size_t from = 0;
  out.reserve(text.size() + real.size());
  for (; at != std::string::npos; at = text.find(surrogate, from)) {
    out.append(text, from, at - from).append(real);
    from = at + surrogate.size();
  }
  out.append(text, from);
  text.swap(out);
  return true;
}

constexpr std::string_view kBasic = "basic ";

// The decoded part of "Basic …"; nothing when it is not that.
std::optional<std::string> basic_value(std::string_view value) {
  namespace base64 = boost::beast::detail::base64;
  if (value.size() < kBasic.size() ||
      !equals_ignoring_case(value.substr(0, kBasic.size()), kBasic)) {
    return std::nullopt;
  }
  value.remove_prefix(kBasic.size());
  while (value.ends_with(' ')) value.remove_suffix(1);
  std::string out(base64::decoded_size(value.size()), '\0');
  const auto [written, read] = base64::decode(out.data(), value.data(), value.size());
  // What follows may be padding alone, or two readers would see different things.
  const std::string_view rest = value.substr(read);
  if (rest.size() > 2 || rest.find_first_not_of('=') != std::string_view::npos) return std::nullopt;
  out.resize(written);
  return out;
}

std::string basic_field(std::string_view decoded) {
  namespace base64 = boost::beast::detail::base64;
  std::string out(base64::encoded_size(decoded.size()), '\0');
  out.resize(base64::encode(out.data(), decoded.data(), decoded.size()));
  return "Basic " + out;
}

bool swap_in(Field& field, const LiveCredential& credential) {
  if (equals_ignoring_case(field.name, "authorization")) {
    if (auto decoded = basic_value(field.value)) {
      if (!replace_all(*decoded, credential.surrogate, credential.secret.expose())) return false;
      field.value = basic_field(*decoded);
      ::explicit_bzero(decoded->data(), decoded->size());
      return true;
    }
  }
  return replace_all(field.value, credential.surrogate, credential.secret.expose());
}

Denial misplaced(const RequestPermit& permit, const LiveCredential& credential,
                 std::string detail) {
  return {.reason = DenyReason::kCredential,
          .target = permit.host().text(),
          .rule = credential.name,
          .place = {},
          .detail = std::move(detail),
          .remedy = {}};
}

}  // namespace

std::variant<std::vector<std::string>, Denial> Injector::inject(const RequestPermit& permit,
                                                                Handling handling,
                                                                RequestHead& head) const {
  std::vector<std::string> injected;
  if (credentials_.empty()) return injected;
  // First everything is looked at, so that nothing is put in where the request is then refused.
  for (const auto& credential : credentials_) {
    const bool here = handling == Handling::kIntercept && belongs(credential, permit.host());
    const auto elsewhere = [&](std::string detail) {
      return misplaced(permit, credential, std::move(detail));
    };
    if (head.target.find(credential.surrogate) != std::string::npos) {
      return elsewhere("its surrogate stands in the request target");
    }
    for (const auto& field : head.fields) {
      if (here && is_credential_field(field.name)) continue;
      bool found = field.value.find(credential.surrogate) != std::string::npos ||
                   field.name.find(credential.surrogate) != std::string::npos;
      if (!found && equals_ignoring_case(field.name, "authorization")) {
        const auto decoded = basic_value(field.value);
        found = decoded && decoded->find(credential.surrogate) != std::string::npos;
      }
      if (!found) continue;
      return elsewhere(
          here ? "its surrogate stands in a header field that is not one for credentials"
          : handling == Handling::kIntercept
              ? "its surrogate is on its way to a host that it is not for"
              : "its surrogate is on its way over plain HTTP");
    }
  }
  for (const auto& credential : credentials_) {
    if (!belongs(credential, permit.host())) continue;
    bool swapped = false;
    for (auto& field : head.fields) {
      if (is_credential_field(field.name) && swap_in(field, credential)) swapped = true;
    }
    if (swapped) injected.push_back(credential.name);
  }
  return injected;
}

const LiveCredential* Injector::surrogate_in(std::string_view text) const {
  for (const auto& credential : credentials_) {
    if (text.find(credential.surrogate) != std::string_view::npos) return &credential;
  }
  return nullptr;
}

const LiveCredential* Injector::surrogate_in(const RequestHead& head) const {
  if (credentials_.empty()) return nullptr;
  if (const auto* found = surrogate_in(head.target)) return found;
  for (const auto& field : head.fields) {
    if (const auto* found = surrogate_in(field.value)) return found;
    if (!equals_ignoring_case(field.name, "authorization")) continue;
    const auto decoded = basic_value(field.value);
    if (!decoded) continue;
    if (const auto* found = surrogate_in(*decoded)) return found;
  }
  return nullptr;
}

bool Injector::has_credentials(const Host& host) const {
  return std::any_of(credentials_.begin(), credentials_.end(),
                     [&](const auto& credential) { return belongs(credential, host); });
}

}  // namespace redoubtful::proxy
