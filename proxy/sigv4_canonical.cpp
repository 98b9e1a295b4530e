#include "proxy/sigv4_canonical.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace redoubtful::proxy {
namespace {

constexpr std::array kOnceServices = {std::string_view("s3"), std::string_view("s3express"),
                                      std::string_view("s3-object-lambda"),
                                      std::string_view("s3-outposts")};

// The service's own rule first, then what other signers do; those for other services last, for
// stores that speak S3 under a name of their own.
using enum SigV4Path;
constexpr std::array kOnceForms = {
    SigV4Form{kOnce, SigV4Query::kEncoded},  SigV4Form{kAsSent, SigV4Query::kEncoded},
    SigV4Form{kOnce, SigV4Query::kAsSent},   SigV4Form{kAsSent, SigV4Query::kAsSent},
    SigV4Form{kTwice, SigV4Query::kEncoded}, SigV4Form{kTwiceNormalised, SigV4Query::kEncoded},
};
constexpr std::array kTwiceForms = {
    SigV4Form{kTwiceNormalised, SigV4Query::kEncoded},
    SigV4Form{kTwiceNormalised, SigV4Query::kAsSent},
    SigV4Form{kTwice, SigV4Query::kEncoded},
    SigV4Form{kTwice, SigV4Query::kAsSent},
    SigV4Form{kOnce, SigV4Query::kEncoded},
    SigV4Form{kAsSent, SigV4Query::kAsSent},
};

bool is_unreserved(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

enum class Slashes { kEncode, kKeep };

std::string encoded(std::string_view text, Slashes slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (c == '/' && slashes == Slashes::kKeep)) {
      out += c;
      continue;
    }
    const auto value = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[value >> 4U];
    out += kDigits[value & 0xFU];
  }
  return out;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

void append_trimmed(std::string_view value, std::string& out) {
  bool first = true;
  while (!value.empty()) {
    const auto begin = std::find_if_not(value.begin(), value.end(), is_blank);
    const auto end = std::find_if(begin, value.end(), is_blank);
    if (begin == end) return;
    if (!std::exchange(first, false)) out += ' ';
    out.append(begin, end);
    value.remove_prefix(static_cast<std::size_t>(end - value.begin()));
  }
}

}  // namespace

bool encodes_once(std::string_view service) noexcept {
  return std::find(kOnceServices.begin(), kOnceServices.end(), service) != kOnceServices.end();
}

std::span<const SigV4Form> sigv4_forms(std::string_view service) noexcept {
  if (encodes_once(service)) return kOnceForms;
  return kTwiceForms;
}

std::string uri_encoded(std::string_view text) { return encoded(text, Slashes::kEncode); }

std::string uri_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::vector<QueryPart> query_parts(std::string_view query) {
  std::vector<QueryPart> parts;
  if (query.empty()) return parts;
  while (true) {
    const std::size_t end = query.find('&');
    const std::string_view text = query.substr(0, end);
    const std::size_t equals = std::min(text.find('='), text.size());
    parts.push_back({text.substr(0, equals), text.substr(std::min(equals + 1, text.size())), text});
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return parts;
}

TargetParts target_parts(std::string_view target) noexcept {
  const std::size_t mark = std::min(target.find('?'), target.size());
  return {target.substr(0, mark), target.substr(std::min(mark + 1, target.size()))};
}

std::string normalised_path(std::string_view path) {
  std::vector<std::string_view> kept;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (kept.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string canonical_path(std::string_view path, SigV4Path form) {
  switch (form) {
    case SigV4Path::kOnce:
      return encoded(uri_decoded(path), Slashes::kKeep);
    case SigV4Path::kAsSent:
      return std::string(path);
    case SigV4Path::kTwiceNormalised:
      return encoded(normalised_path(path), Slashes::kKeep);
    case SigV4Path::kTwice:
      return encoded(path, Slashes::kKeep);
  }
  return {};
}

std::string canonical_query(std::string_view query, SigV4Query form) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const QueryPart& part : query_parts(query)) {
    if (part.name == "X-Amz-Signature") continue;
    if (form == SigV4Query::kAsSent) {
      pairs.emplace_back(part.name, part.value);
    } else if (!part.text.empty()) {
      pairs.emplace_back(uri_encoded(uri_decoded(part.name)), uri_encoded(uri_decoded(part.value)));
    }
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

namespace {

// The field itself is no part of a head: it is between two neighbours, and written anew.
bool is_chunked(const RequestHead& head) {
  return head.version != HttpVersion::k2 && head.has_body &&
         find_field(head.fields, "content-length") == nullptr;
}

}  // namespace

bool has_header(const RequestHead& head, std::string_view name) {
  if (name == "host" || find_field(head.fields, name) != nullptr) return true;
  return name == "transfer-encoding" && is_chunked(head);
}

std::string canonical_headers(const RequestHead& head, const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out.append(name).append(":");
    if (name == "host") {
      append_trimmed(head.authority, out);
    } else if (name == "transfer-encoding" && is_chunked(head)) {
      out += "chunked";
    } else {
      bool first = true;
      for (const Field& field : head.fields) {
        if (!equals_ignoring_case(field.name, name)) continue;
        if (!std::exchange(first, false)) out += ',';
        append_trimmed(field.value, out);
      }
    }
    out += '\n';
  }
  return out;
}

std::string canonical_request(const RequestHead& head,
                              const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, SigV4Form form) {
  const TargetParts target = target_parts(head.target);
  std::string out(head.method);
  out.append("\n").append(canonical_path(target.path, form.path)).append("\n");
  out.append(canonical_query(target.query, form.query)).append("\n");
  out.append(canonical_headers(head, signed_headers)).append("\n");
  for (const std::string& name : signed_headers) {
    if (name != signed_headers.front()) out += ';';
    out.append(name);
  }
  return out.append("\n").append(payload_hash);
}

}  // namespace redoubtful::proxy
