#include "proxy/secret_spellings.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

enum class Case : std::uint8_t { kLower, kUpper };

constexpr std::string_view digits_of(Case letters) {
  return letters == Case::kUpper ? "0123456789ABCDEF" : "0123456789abcdef";
}

unsigned byte_of(char c) { return static_cast<unsigned char>(c); }

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void append(ErasedBytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

void append_hex(ErasedBytes& out, unsigned value, unsigned count, Case letters) {
  for (unsigned i = count; i-- > 0;) out.push_back(digits_of(letters)[(value >> (4 * i)) & 0xFU]);
}

// Source: the serializers' code or documentation. `unicode`: characters of ASCII that are written
// \u00XX. Control characters and what JSON demands are escaped by all.
struct JsonStyle {
  std::string_view unicode;
  std::string_view slash;  // how it is written
  bool ascii = false;      // everything else is \uXXXX
  Case letters = Case::kLower;
};
constexpr std::array kJsonStyles = {
    JsonStyle{"", "/"},                                  // JavaScript, serde, Jackson, most
    JsonStyle{"", "/", true},                            // Python
    JsonStyle{"", "/", true, Case::kUpper},              // Jackson, ESCAPE_NON_ASCII
    JsonStyle{"", "\\/"},                                // org.json, Cocoa, JSON_UNESCAPED_UNICODE
    JsonStyle{"", "\\/", true},                          // PHP
    JsonStyle{"<>&", "/"},                               // Go, Rails
    JsonStyle{"<>&='", "/"},                             // Gson
    JsonStyle{"<>&'\"", "\\/", true, Case::kUpper},      // PHP, JSON_HEX_*
    JsonStyle{"<>&'\"", "/", true, Case::kUpper},        // PHP, and JSON_UNESCAPED_SLASHES
    JsonStyle{"<>&'\"+`\x7f", "/", true, Case::kUpper},  // System.Text.Json
};

// `kept`: characters beside letters and digits that stay as they are.
struct UrlStyle {
  std::string_view kept;
  std::string_view space = "%20";
  bool letters_kept = true;
};
constexpr std::array kUrlStyles = {
    UrlStyle{"-._~"},                  // RFC 3986; AWS; Ruby
    UrlStyle{"-._~/"},                 // Python's quote()
    UrlStyle{"-_.!~*'()"},             // encodeURIComponent()
    UrlStyle{"-_.!~*'();/?:@&=+$,#"},  // encodeURI()
    UrlStyle{"-._~!$&'()*+,;=:@"},     // a segment of a path, RFC 3986
    UrlStyle{"-._~$&+:=@"},            // Go's PathEscape()
    UrlStyle{"-_.*", "+"},             // forms: URLSearchParams, Java
    UrlStyle{"-_.~", "+"},             // Go's QueryEscape(), Python's quote_plus()
    UrlStyle{"-_.", "+"},              // PHP's urlencode()
    UrlStyle{"-_.!*()", "+"},          // .NET's UrlEncode()
    UrlStyle{"", "%20", false},        // every byte
};

char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

// One character of UTF-8 as its UTF-16 units.
void append_utf16(ErasedBytes& out, std::string_view bytes, Case letters) {
  unsigned code = byte_of(bytes[0]) & (0x7FU >> bytes.size());
  for (const char c : bytes.substr(1)) code = (code << 6U) | (byte_of(c) & 0x3FU);
  if (code >= 0x10000) {
    append(out, "\\u");
    append_hex(out, 0xD800U + ((code - 0x10000U) >> 10U), 4, letters);
    code = 0xDC00U + ((code - 0x10000U) & 0x3FFU);
  }
  append(out, "\\u");
  append_hex(out, code, 4, letters);
}

// Spells secret and surrogate side by side: where they differ, the surrogate's character takes the
// form that the secret's has.
class Writer {
 public:
  Writer(std::string_view secret, std::string_view surrogate)
      : secret_(secret), surrogate_(surrogate) {
    out_.secret.reserve(secret.size());
    out_.surrogate.reserve(secret.size());
  }

  Spelling json(const JsonStyle& style) {
    for (std::size_t i = 0; i < secret_.size();) {
      const char c = secret_[i];
      const std::size_t length = byte_of(c) < 0x80 ? 1 : utf8_length(secret_.substr(i));
      if (length > 1 && style.ascii) {
        const std::size_t from = out_.secret.size();
        append_utf16(out_.secret, secret_.substr(i, length), style.letters);
        // Surrogates keep such characters.
        out_.surrogate.insert(out_.surrogate.end(), out_.secret.begin() + long(from),
                              out_.secret.end());
      } else if (style.unicode.find(c) != std::string_view::npos ||
                 (byte_of(c) < 0x20 && short_escape(c) == 0)) {
        append(out_.secret, "\\u00");
        append(out_.surrogate, "\\u00");
        hex(i, style.letters);
      } else if (short_escape(c) != 0) {
        // A character without a short escape cannot stand here in two bytes; none gets there, for
        // surrogates keep what is no letter and no digit.
        const char other = short_escape(surrogate_[i]);
        append(out_.secret, "\\");
        append(out_.surrogate, "\\");
        out_.secret.push_back(short_escape(c));
        out_.surrogate.push_back(other != 0 ? other : '/');
      } else if (c == '/' && style.slash.size() > 1) {
        append(out_.secret, style.slash);
        append(out_.surrogate, style.slash);
      } else {
        raw(i, std::max<std::size_t>(length, 1));
      }
      i += std::max<std::size_t>(length, 1);
    }
    return std::move(out_);
  }

  Spelling url(const UrlStyle& style, Case letters) {
    for (std::size_t i = 0; i < secret_.size(); ++i) {
      const char c = secret_[i];
      const bool kept = (style.letters_kept && is_letter_or_digit(c)) ||
                        style.kept.find(c) != std::string_view::npos;
      if (kept) {
        raw(i, 1);
      } else if (c == ' ') {
        append(out_.secret, style.space);
        append(out_.surrogate, style.space);
      } else {
        append(out_.secret, "%");
        append(out_.surrogate, "%");
        hex(i, letters);
      }
    }
    return std::move(out_);
  }

  Spelling hexadecimal(Case letters) {
    for (std::size_t i = 0; i < secret_.size(); ++i) hex(i, letters);
    return std::move(out_);
  }

  Spelling plain() {
    raw(0, secret_.size());
    return std::move(out_);
  }

 private:
  void raw(std::size_t from, std::size_t count) {
    append(out_.secret, secret_.substr(from, count));
    append(out_.surrogate, surrogate_.substr(from, count));
  }
  void hex(std::size_t at, Case letters) {
    append_hex(out_.secret, byte_of(secret_[at]), 2, letters);
    append_hex(out_.surrogate, byte_of(surrogate_[at]), 2, letters);
  }

  std::string_view secret_;
  std::string_view surrogate_;
  Spelling out_;
};

// The sextet at bit `at` of a text that `shift` bytes stand before; what lies outside is zero.
std::uint8_t sextet(std::string_view text, std::size_t shift, std::size_t at) {
  unsigned value = 0;
  for (std::size_t bit = at; bit < at + 6; ++bit) {
    const bool inside = bit >= 8 * shift && bit < 8 * (shift + text.size());
    const std::size_t i = bit - 8 * shift;
    value = (value << 1U) | (inside ? (byte_of(text[i / 8]) >> (7 - i % 8)) & 1U : 0U);
  }
  return static_cast<std::uint8_t>(value);
}

Border border(std::string_view secret, std::string_view surrogate, std::size_t shift,
              std::size_t at, unsigned mask) {
  const std::uint8_t real = sextet(secret, shift, at);
  const auto change = static_cast<std::uint8_t>(real ^ sextet(surrogate, shift, at));
  return {static_cast<std::uint8_t>(change == 0 ? 0 : mask), real, change};
}

// `shift`: how many bytes stand before the secret in its group of three.
Spelling base64(std::string_view secret, std::string_view surrogate, std::size_t shift,
                Alphabet alphabet) {
  Spelling out;
  out.alphabet = alphabet;
  const std::size_t first = 8 * shift;
  const std::size_t end = 8 * (shift + secret.size());
  const std::size_t from = (first + 5) / 6 * 6;
  const std::size_t to = end / 6 * 6;
  out.secret.reserve(secret.size() * 2);
  out.surrogate.reserve(secret.size() * 2);
  for (std::size_t at = from; at < to; at += 6) {
    out.secret.push_back(base64_character(sextet(secret, shift, at), alphabet));
    out.surrogate.push_back(base64_character(sextet(surrogate, shift, at), alphabet));
  }
  const auto before = static_cast<unsigned>(first % 6);  // bits of what stands before
  if (before != 0) out.left = border(secret, surrogate, shift, from - 6, 0x3FU >> before);
  const auto of_secret = static_cast<unsigned>(end % 6);
  if (of_secret != 0) {
    out.right = border(secret, surrogate, shift, to, 0x3FU & ~(0x3FU >> of_secret));
  }
  return out;
}

void add(std::vector<Spelling>& all, Spelling spelling) {
  const bool known = std::any_of(all.begin(), all.end(), [&](const Spelling& other) {
    return other.text() == spelling.text();
  });
  if (!known && !spelling.secret.empty()) all.push_back(std::move(spelling));
}

ErasedBytes fit(std::string_view surrogate, std::size_t size) {
  ErasedBytes out(surrogate.begin(), surrogate.end());
  out.resize(size, 'x');
  return out;
}

}  // namespace

std::uint8_t base64_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint8_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint8_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0' + 52);
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return 64;
}

char base64_character(std::uint8_t value, Alphabet alphabet) noexcept {
  constexpr std::string_view kCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (value < 62) return kCharacters[value];
  const bool standard = alphabet == Alphabet::kStandard;
  return value == 62 ? (standard ? '+' : '-') : (standard ? '/' : '_');
}

std::vector<Spelling> text_spellings_of(std::string_view secret, std::string_view surrogate) {
  std::vector<Spelling> all;
  if (secret.empty()) return all;
  const ErasedBytes fitted = fit(surrogate, secret.size());
  const std::string_view other(fitted.data(), fitted.size());
  add(all, Writer(secret, other).plain());
  for (const JsonStyle& style : kJsonStyles) add(all, Writer(secret, other).json(style));
  return all;
}

std::vector<Spelling> spellings_of(std::string_view secret, std::string_view surrogate) {
  std::vector<Spelling> all = text_spellings_of(secret, surrogate);
  if (secret.empty()) return all;
  const ErasedBytes fitted = fit(surrogate, secret.size());
  const std::string_view other(fitted.data(), fitted.size());
  for (const Case letters : {Case::kUpper, Case::kLower}) {
    for (const UrlStyle& style : kUrlStyles) add(all, Writer(secret, other).url(style, letters));
    add(all, Writer(secret, other).hexadecimal(letters));
  }
  for (const Alphabet alphabet : {Alphabet::kStandard, Alphabet::kUrlSafe}) {
    for (std::size_t shift = 0; shift < 3; ++shift) {
      add(all, base64(secret, other, shift, alphabet));
    }
  }
  return all;
}

}  // namespace redoubtful::proxy
