#pragma once

// The places of a request's head that may hold a credential, read and rewritten as text. [trusted
// core]
//
// Pure: what is looked for and what takes its place are the caller's. What is not rewritten stays
// byte for byte.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redoubtful::proxy {

// A field that carries a credential and nothing else. A real value in any other field could be
// parked where it is stored and shown, such as metadata of an object.
bool is_credential_field(std::string_view name);

// The decoded part of "Basic …"; nothing when it is not that, or has two readings.
std::optional<std::string> basic_value(std::string_view field);
std::string basic_field(std::string_view decoded);

// Beside the surrogates, could another credential stand in the text? Words of 16 bytes and more
// could, but for addresses of mail.
bool holds_another(std::string text, const std::vector<std::string_view>& surrogates);

// "%41" and '+' decoded; what is no encoding stays.
std::string percent_decoded(std::string_view text);
// What is not a letter, a digit or one of "-._~" as "%41".
std::string percent_encoded(std::string_view text);

// What becomes of one part of a text that is a list.
struct Part {
  std::string_view name;   // as written
  std::string_view value;  // as written
  bool has_value = false;  // there was a '='
};
struct Verdict {
  enum class Do { kKeep, kReplace, kDrop } what = Do::kKeep;
  std::string value;  // kReplace: the new value, as it is written
};
using PartRule = std::function<Verdict(const Part&)>;

// Of "a=1&b=2" and of "a=1; b=2". True if something was changed.
bool rewrite_query(std::string& query, const PartRule& rule);
bool rewrite_cookies(std::string& field, const PartRule& rule);

}  // namespace redoubtful::proxy
