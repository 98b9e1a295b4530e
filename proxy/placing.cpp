#include "proxy/placing.hpp"

#include <algorithm>
#include <stdexcept>

#include "proxy/request_fields.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

std::string json(std::string_view real) {
  std::string out;
  for (const char c : real) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

// Source: RFC 6265, section 4.1.1, "cookie-octet".
bool fits_cookie(std::string_view real) {
  return std::all_of(real.begin(), real.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

}  // namespace

std::optional<std::string> placed(std::string_view text, std::string_view surrogate,
                                  const Secret& secret, Notation notation) {
  std::size_t at = text.find(surrogate);
  if (at == std::string_view::npos) return std::nullopt;
  // Not longer than the call that reads it.
  const std::string_view real = secret.expose();
  if (notation == Notation::kCookie && !fits_cookie(real)) return std::nullopt;
  const std::string spelled = notation == Notation::kPercent ? percent_encoded(real)
                              : notation == Notation::kJson  ? json(real)
                                                             : std::string(real);
  std::string out;
  std::size_t from = 0;
  for (; at != std::string_view::npos; at = text.find(surrogate, from)) {
    out.append(text, from, at - from).append(spelled);
    from = at + surrogate.size();
  }
  out.append(text, from);
  return out;
}

std::optional<std::string> placed_part(std::string_view text, std::string_view surrogate,
                                       const Secret& secret, Notation notation) {
  if (auto raw = placed(text, surrogate, secret, notation)) return raw;
  if (notation != Notation::kPercent) return std::nullopt;
  const std::string decoded = percent_decoded(text);
  std::string_view rest = decoded;
  if (rest.find(surrogate) == std::string_view::npos) return std::nullopt;
  std::string out;
  for (std::size_t at; (at = rest.find(surrogate)) != std::string_view::npos;) {
    out += percent_encoded(rest.substr(0, at));
    out += *placed(surrogate, surrogate, secret, notation);
    rest.remove_prefix(at + surrogate.size());
  }
  return out + percent_encoded(rest);
}

std::string attached(std::string_view pattern, const Secret& secret) {
  return placed(pattern, "{}", secret, Notation::kPlain).value_or(std::string(pattern));
}

std::shared_ptr<const ScrubPatterns> placing_patterns(const std::vector<StreamValue>& values) {
  std::vector<ScrubbedValue> placed;
  for (const auto& value : values) {
    const std::string_view put = value.secret != nullptr ? value.secret->expose() : value.surrogate;
    if (put.size() != value.surrogate.size()) throw std::logic_error("surrogates keep lengths");
    placed.push_back({value.surrogate, put});
  }
  return std::make_shared<const ScrubPatterns>(placed, ScrubPatterns::Spellings::kText);
}

bool keeps_length(std::string_view surrogate, const Secret& secret) {
  const std::string_view real = secret.expose();
  return real.size() == surrogate.size() && percent_encoded(real).size() == real.size() &&
         percent_encoded(surrogate).size() == surrogate.size();
}

}  // namespace redoubtful::proxy
