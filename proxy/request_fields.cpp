#include "proxy/request_fields.hpp"

#include <algorithm>
#include <array>

#include "proxy/base64.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::array kCredentialFields = {
    std::string_view("authorization"),  std::string_view("x-api-key"),
    std::string_view("api-key"),        std::string_view("x-goog-api-key"),
    std::string_view("private-token"),  std::string_view("x-auth-token"),
    std::string_view("x-access-token"), std::string_view("x-vault-token"),
    std::string_view("job-token"),      std::string_view("circle-token"),
    std::string_view("x-github-token"), std::string_view("x-figma-token"),
};

constexpr std::string_view kBasic = "basic ";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool rewrite(std::string& text, char separator, const PartRule& rule) {
  std::string out;
  bool changed = false;
  bool first = true;
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find(separator);
    const std::string_view part = rest.substr(0, end);
    // A cookie's name has a space before it.
    const std::size_t begin = std::min(part.find_first_not_of(' '), part.size());
    const std::size_t equals = part.find('=', begin);
    const bool has_value = equals != std::string_view::npos;
    const Verdict verdict =
        rule({.name = part.substr(begin, has_value ? equals - begin : part.npos),
              .value = has_value ? part.substr(equals + 1) : std::string_view(),
              .has_value = has_value});
    changed = changed || verdict.what != Verdict::Do::kKeep;
    if (verdict.what != Verdict::Do::kDrop) {
      if (!first) out += separator;
      // The first of a list has none.
      const std::size_t from = first ? begin : 0;
      first = false;
      if (verdict.what == Verdict::Do::kKeep) {
        out += part.substr(from);
      } else {
        out += part.substr(from, equals + 1 - from);
        out += verdict.value;
      }
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (changed) text.swap(out);
  return changed;
}

}  // namespace

bool is_credential_field(std::string_view name) {
  return std::any_of(kCredentialFields.begin(), kCredentialFields.end(),
                     [&](std::string_view field) { return equals_ignoring_case(field, name); });
}

std::optional<std::string> basic_value(std::string_view field) {
  if (field.size() < kBasic.size() ||
      !equals_ignoring_case(field.substr(0, kBasic.size()), kBasic)) {
    return std::nullopt;
  }
  field.remove_prefix(kBasic.size());
  while (field.starts_with(' ')) field.remove_prefix(1);
  while (field.ends_with(' ')) field.remove_suffix(1);
  return from_base64(field, Base64::kStandard);
}

std::string basic_field(std::string_view decoded) {
  return "Basic " + to_base64(decoded, Base64::kStandard);
}

bool holds_another(std::string text, const std::vector<std::string_view>& surrogates) {
  constexpr std::size_t kKeyBytes = 16;
  for (const std::string_view surrogate : surrogates) {
    for (std::size_t at; (at = text.find(surrogate)) != std::string::npos;) {
      text.replace(at, surrogate.size(), " ");
    }
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(" ,;:=\"'\t"), rest.size());
    const std::string_view word = rest.substr(0, end);
    const bool mail = word.find('@') != std::string_view::npos;
    if (word.size() >= kKeyBytes && !mail) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

bool rewrite_query(std::string& query, const PartRule& rule) { return rewrite(query, '&', rule); }
bool rewrite_cookies(std::string& field, const PartRule& rule) { return rewrite(field, ';', rule); }

}  // namespace redoubtful::proxy
