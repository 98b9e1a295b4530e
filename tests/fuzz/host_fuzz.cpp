// The grammar of hosts: what is accepted is in canonical form, so parsing its text again gives the
// same, and a rule covers itself.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/host.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubtful;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
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
  return 0;
}
