#pragma once

// What the fuzz target of the host grammar demands of every input: what is accepted is in canonical
// form, so parsing its text again gives the same, and a rule covers itself.

#include <cstdlib>
#include <string_view>

#include "common/host.hpp"

namespace redoubtful::fuzz {

inline void host(std::string_view text) {
  if (const auto host = Host::parse(text)) {
    const auto again = Host::parse(host->text());
    if (!again || *again != *host) std::abort();
    for (const char c : host->text()) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
      if (!plain && !(c == ':' && host->is_address())) std::abort();
    }
  }
  for (const auto list : {HostRule::List::kAllow, HostRule::List::kDeny}) {
    const auto rule = HostRule::parse(text, list);
    if (rule && !rule->covers(*rule)) std::abort();
  }
}

}  // namespace redoubtful::fuzz
