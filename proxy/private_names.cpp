#include "proxy/private_names.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace redoubtful::proxy {
namespace {

constexpr std::array<std::string_view, 7> kSpecialUse{"alt",   "arpa",      "internal", "invalid",
                                                      "local", "localhost", "onion"};
constexpr std::array<std::string_view, 7> kCustomary{"corp", "home",        "intranet", "lan",
                                                     "mail", "localdomain", "private"};

template <std::size_t N>
bool ends_in(const Host& name, const std::array<std::string_view, N>& domains) {
  const std::string_view text = name.text();
  const std::string_view last = text.substr(text.rfind('.') + 1);
  return std::find(domains.begin(), domains.end(), last) != domains.end();
}

}  // namespace

bool is_localhost(const Host& name) {
  return name.text() == "localhost" || name.text().ends_with(".localhost");
}

bool is_special_use(const Host& name) {
  if (name.is_address()) return false;
  return name.text().find('.') == std::string::npos || ends_in(name, kSpecialUse);
}

bool is_private_name(const Host& name) {
  return is_special_use(name) || (!name.is_address() && ends_in(name, kCustomary));
}

}  // namespace redoubtful::proxy
