#include "proxy/message.hpp"

#include <algorithm>
#include <array>

namespace redoubtful::proxy {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::array kHopByHop = {
    std::string_view("connection"),
    std::string_view("keep-alive"),
    std::string_view("proxy-connection"),
    std::string_view("proxy-authenticate"),
    std::string_view("proxy-authorization"),
    std::string_view("transfer-encoding"),
    std::string_view("upgrade"),
    std::string_view("http2-settings"),
};

// What Connection must not take away: the fields that a message's meaning hangs on, with which
// somebody could make the next server see another request than was judged.
constexpr std::array kNeverNamed = {
    std::string_view("host"),          std::string_view("content-length"),
    std::string_view("authorization"), std::string_view("content-type"),
    std::string_view("expect"),        std::string_view("cookie"),
};

template <class Words>
bool listed(const Words& words, std::string_view name) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return equals_ignoring_case(word, name); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The members of a comma-separated list, without blanks; empty ones are left out.
std::vector<std::string_view> words_of(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (const auto word = trimmed(list.substr(0, comma)); !word.empty()) out.push_back(word);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* find_field(const Fields& fields, std::string_view name) noexcept {
  for (const auto& field : fields) {
    if (equals_ignoring_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

void remove_fields(Fields& fields, std::string_view name) {
  std::erase_if(fields, [&](const Field& f) { return equals_ignoring_case(f.name, name); });
}

void remove_hop_by_hop(Fields& fields) {
  std::vector<std::string> named;
  for (const auto& field : fields) {
    if (!equals_ignoring_case(field.name, "connection")) continue;
    for (const auto word : words_of(field.value)) {
      if (!listed(kNeverNamed, word)) named.emplace_back(word);
    }
  }
  const bool trailers = std::any_of(fields.begin(), fields.end(), [](const Field& field) {
    return equals_ignoring_case(field.name, "te") && listed(words_of(field.value), "trailers");
  });
  std::erase_if(fields, [&](const Field& field) {
    return listed(kHopByHop, field.name) || listed(named, field.name) ||
           equals_ignoring_case(field.name, "te");
  });
  if (trailers) fields.push_back({"te", "trailers"});
}

}  // namespace redoubtful::proxy
