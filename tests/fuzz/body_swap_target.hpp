#pragma once

// Real values put into bodies of JSON, forms and multipart: the result does not depend on how the
// body was cut, and nothing ever changes but a surrogate, and a value that is overwritten. Also
// what other readers make of the result, with a value that needs escapes: the named fields have it
// or blanks, and all else is as it was. The reader of multipart is strict: where somebody else
// might see another field, nothing may have changed. Where the credential is exclusive and
// demanded, a body that is whole is what it is where it is not.

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/body_swap.hpp"
#include "proxy/request_fields.hpp"

namespace redoubtful::fuzz {

inline const std::string& swap_surrogate() {
  static const std::string surrogate = "SURR0GATE";
  return surrogate;
}

// As long as its surrogate, and in no need of an escape: then lengths hold too.
inline const Secret& swap_secret() {
  static const Secret secret = Secret::take("REAL-REAL").value();
  return secret;
}
// Would end the string and the field that it stands in.
inline constexpr std::string_view kEscapedReal = "R\"\\&=%\t +";
inline const Secret& escaped_secret() {
  static const Secret secret = Secret::take(std::string(kEscapedReal)).value();
  return secret;
}

inline std::unique_ptr<proxy::FieldSwap> swap_filter(char kind, const Secret& secret, bool strict) {
  std::vector<proxy::BodySwap> swaps = {{"token", &swap_surrogate(), &secret, "c", strict},
                                        {"/a/0/b", &swap_surrogate(), &secret, "c", strict}};
  if (kind == 'j') return proxy::json_swap(std::move(swaps), strict);
  if (kind == 'f') return proxy::form_swap(std::move(swaps), strict);
  return proxy::multipart_swap("XX", std::move(swaps), strict);
}

// Nothing: it was cut short.
inline std::optional<std::string> swapped_in_pieces(char kind, const Secret& secret,
                                                    std::string_view body, std::size_t size,
                                                    bool strict = false) {
  const auto filter = swap_filter(kind, secret, strict);
  std::string out;
  for (std::size_t at = 0; at < body.size(); at += size) filter->feed(body.substr(at, size), out);
  filter->finish(out);
  if (filter->fault().empty()) return out;
  // The other value is longer where it is escaped.
  const bool comparable = &secret == &swap_secret();
  if (!strict || (comparable && !out.empty() && out.size() >= body.size())) std::abort();
  return std::nullopt;
}

inline std::string with_real(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(swap_surrogate(), at)) != std::string::npos;) {
    out.replace(at, swap_surrogate().size(), kEscapedReal);
    at += kEscapedReal.size();
  }
  return out;
}

// What a named field is to hold.
inline std::string written(std::string_view text) {
  const bool ours = text.find(swap_surrogate()) != std::string_view::npos;
  return ours ? with_real(text) : std::string(text.size(), ' ');
}

inline void put_real(boost::json::value* value) {
  if (value != nullptr && value->is_string()) *value = written(value->as_string());
}

// Escapes would let a surrogate be spelled in ways that are not looked for.
inline void check_json(std::string_view body, std::string_view after) {
  boost::system::error_code error;
  if (body.find('\\') != std::string_view::npos) return;
  boost::json::value wanted = boost::json::parse(body, error);
  if (error) return;
  if (auto* object = wanted.if_object()) put_real(object->if_contains("token"));
  put_real(wanted.find_pointer("/a/0/b", error));
  const boost::json::value seen = boost::json::parse(after, error);
  if (error || seen != wanted) std::abort();
}

inline std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view form) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t at = 0; at <= form.size();) {
    const std::string_view part = form.substr(at, form.find('&', at) - at);
    at += part.size() + 1;
    const std::size_t equals = std::min(part.find('='), part.size());
    out.emplace_back(proxy::percent_decoded(part.substr(0, equals)),
                     part.substr(std::min(equals + 1, part.size())));
  }
  return out;
}

inline void check_form(std::string_view body, std::string_view after) {
  const auto before = pairs_of(body);
  const auto seen = pairs_of(after);
  if (seen.size() != before.size()) std::abort();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto& [name, value] = before[i];
    const bool wanted = name == "token" || name == "/a/0/b";
    // Only what is written as it is is looked for; what it becomes, readers decode.
    std::string expected;
    std::string_view rest = value;
    if (wanted && rest.find(swap_surrogate()) == std::string_view::npos) {
      if (seen[i].first != name || seen[i].second != std::string(value.size(), '+')) std::abort();
      continue;
    }
    for (std::size_t at; wanted && (at = rest.find(swap_surrogate())) != std::string_view::npos;) {
      expected += proxy::percent_decoded(rest.substr(0, at));
      expected += kEscapedReal;
      rest.remove_prefix(at + swap_surrogate().size());
    }
    expected += proxy::percent_decoded(rest);
    if (seen[i].first != name || proxy::percent_decoded(seen[i].second) != expected) std::abort();
  }
}

// A field of ours by one line that says so, in a head that everybody reads alike: `head` is whole
// lines, none of them folded.
inline bool names_a_field(std::string_view head) {
  std::size_t dispositions = 0;
  bool wanted = false;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.find_first_of("\r\n") != std::string_view::npos ||
        line.starts_with(' ') || line.starts_with('\t')) {
      return false;
    }
    std::string_view name = line.substr(0, colon);
    while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
    if (!proxy::equals_ignoring_case(name, "content-disposition")) continue;
    ++dispositions;
    const std::string_view value = line.substr(colon + 1);
    for (const std::string field : {"token", "/a/0/b"}) {
      wanted = wanted || value == " form-data; name=" + field ||
               value == " form-data; name=\"" + field + "\"";
    }
  }
  return dispositions == 1 && wanted;
}

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};
struct MultipartValues {
  std::vector<Range> fields;  // the values of ours
  bool whole = false;         // all of it reads well
};

// Line by line: a delimiter is at the beginning of a line, whatever is before it.
// Source: RFC 2046, section 5.1.1.
inline MultipartValues multipart_values(std::string_view body) {
  const auto delimiter = [&](std::size_t from) {
    std::size_t at = body.find("--XX", from);
    while (at != 0 && at != std::string_view::npos && !body.substr(0, at).ends_with("\r\n")) {
      at = body.find("--XX", at + 1);
    }
    return at;
  };
  MultipartValues out;
  for (std::size_t at = delimiter(0); at != std::string_view::npos;) {
    const std::string_view rest = body.substr(at + 4);
    out.whole = rest.starts_with("--");
    const std::size_t end = delimiter(at + 4);
    if (!rest.starts_with("\r\n") || end == std::string_view::npos) break;
    const std::size_t begin = at + 6;
    const std::string_view part = body.substr(begin, end - begin);
    const std::size_t blank = part.starts_with("\r\n") ? 0 : part.find("\r\n\r\n") + 2;
    // A head alone: the line end behind it is the delimiter's.
    if (blank == 1 || blank + 4 > part.size()) break;
    if (names_a_field(part.substr(0, blank))) out.fields.push_back({begin + blank + 2, end - 2});
    at = end;
  }
  return out;
}

// `after`: with a value as long as its surrogate; `escaped`: with the other.
inline void check_multipart(std::string_view body, std::string_view after,
                            std::string_view escaped) {
  const MultipartValues values = multipart_values(body);
  std::string expected;
  std::size_t done = 0;
  for (const Range& field : values.fields) {
    if (after.substr(done, field.begin - done) != body.substr(done, field.begin - done)) {
      std::abort();
    }
    expected += body.substr(done, field.begin - done);
    const std::string_view value = body.substr(field.begin, field.end - field.begin);
    // A delimiter behind another line end.
    const bool odd = value.find("--XX") != std::string_view::npos;
    expected += odd ? std::string(value.size(), ' ') : written(value);
    done = field.end;
  }
  if (after.substr(done) != body.substr(done)) std::abort();
  expected += body.substr(done);
  if (values.whole && escaped != expected) std::abort();
}

// The first byte says which kind.
inline void body_swap(std::string_view input) {
  if (input.empty()) return;
  const char kind = input[0] % 3 == 0 ? 'j' : input[0] % 3 == 1 ? 'f' : 'm';
  const std::string_view body = input.substr(1);
  for (const bool strict : {false, true}) {
    for (const Secret* secret : {&swap_secret(), &escaped_secret()}) {
      const auto all = swapped_in_pieces(kind, *secret, body, body.size() + 1, strict);
      for (const std::size_t size : {1U, 2U, 7U}) {
        if (swapped_in_pieces(kind, *secret, body, size, strict) != all) std::abort();
      }
    }
  }
  const std::string escaped = *swapped_in_pieces(kind, escaped_secret(), body, body.size() + 1);
  if (kind == 'j') check_json(body, escaped);
  if (kind == 'f') check_form(body, escaped);
  const std::string whole = *swapped_in_pieces(kind, swap_secret(), body, body.size() + 1);
  if (whole.size() != body.size()) std::abort();
  if (kind == 'm') check_multipart(body, whole, escaped);
  const auto strict = swapped_in_pieces(kind, swap_secret(), body, body.size() + 1, true);
  if (strict && (*strict != whole || whole.find(swap_secret().expose()) == std::string::npos)) {
    std::abort();
  }
  const char blank = kind == 'f' ? '+' : ' ';
  for (std::size_t at = 0; at < body.size();) {
    const std::string_view real = swap_secret().expose();
    const bool placed = std::string_view(whole).substr(at, real.size()) == real &&
                        body.substr(at, real.size()) == swap_surrogate();
    if (!placed && whole[at] != body[at] && whole[at] != blank) std::abort();
    at += placed ? real.size() : 1;
  }
}

}  // namespace redoubtful::fuzz
